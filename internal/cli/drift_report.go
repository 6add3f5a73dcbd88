package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/driftfile"
)

type driftReportCommand struct {
	driftInput
	Reference     string   `placeholder:"FILE" xor:"reference" help:"Reference of penstock drift reference; default: the config's."`
	ReferenceData []string `placeholder:"FILE" xor:"reference" sep:"none" help:"Data to take as normal instead, as often as needed."`
	Window        []string `placeholder:"WINDOW" help:"Stretches of event time to compare: 1h or any other length, hopping by a twelfth, or 1d, 1w, 1mo by the calendar; default: the config's, else one over all rows."`
	JSON          bool     `name:"json" xor:"form" help:"Print one report a line, as the stream publishes them."`
	HTML          string   `name:"html" xor:"form" placeholder:"FILE" help:"Write one page with everything to FILE."`
	Changes       bool     `help:"Also tell when features changed within the time that the rows cover, whatever the reference says."`
	Detector      []string `placeholder:"NAME" help:"Change detectors to find that with: adwin (the default), page_hinkley, cusum, kswin, hddm_a, hddm_w, ddm, eddm."`
	Compat        string   `placeholder:"TOOL" help:"Add to each feature what evidently, nannyml or deequ would compute; wants --reference-data."`
}

// Help is the example that --help shows.
func (driftReportCommand) Help() string {
	return `Rows may come in any order: every window closes at the end of the input, and none is late. Columns that one side lacks are left out and named. An alarm ends with exit code 3.

Example:

    penstock drift report fraud.yaml july.parquet
    penstock drift report --reference reference.json july.csv --event-time ts --window 1d --html july.html
    penstock drift report --reference-data june.parquet july.parquet --compat nannyml --json`
}

// alarmed ends the command with its own exit code. The report has said it all.
type alarmed struct{}

func (alarmed) Error() string { return "" }
func (alarmed) code() int     { return 3 }

// Run compares.
func (c *driftReportCommand) Run(ctx context.Context, s *session) (err error) {
	p, err := c.plan(s)
	if err != nil {
		return err
	}
	if err := p.check(c.ReferenceData); err != nil {
		return err
	}
	if err := s.keepInputs(append(p.reads(c.ReferenceData...), c.Reference), c.HTML); err != nil {
		return err
	}
	tools := []drift.CompatTool{"", drift.Evidently, drift.NannyML, drift.Deequ}
	if !slices.Contains(tools, drift.CompatTool(c.Compat)) {
		return &refusal{fmt.Errorf("--compat: %q is not one of %q", c.Compat, tools[1:])}
	}
	windows, err := c.windows(p)
	if err != nil {
		return err
	}
	comparison := &driftfile.Comparison{Windows: windows, Judge: judgeSettings(p.settings, nil), Compat: drift.CompatTool(c.Compat), Pane: p.settings.Pane}
	if comparison.Detectors, err = c.detectors(p); err != nil {
		return err
	}
	var m *loadedModel
	if p.config != nil {
		if m, err = s.openCounting(ctx, p); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.close()) }()
		err = c.compareModel(ctx, s, p, m, comparison)
	} else {
		err = c.compare(ctx, s, p, comparison)
	}
	if err != nil {
		return err
	}
	return c.report(ctx, s, p, m, comparison)
}

// report counts the files and gives the reports out.
func (c *driftReportCommand) report(ctx context.Context, s *session, p *driftPlan, m *loadedModel, comparison *driftfile.Comparison) error {
	out, err := c.form(s, p, comparison)
	if err != nil {
		return err
	}
	alarm, given := false, 0
	give := func(r *drift.Report, counts []drift.Counts) error {
		alarm = alarm || r.Alarm
		given++
		return out.add(r, counts)
	}
	var notes *driftfile.Notes
	if m != nil {
		notes, err = p.scoreReport(ctx, s, m, comparison, give)
	} else {
		notes, err = c.reportTable(ctx, s, p, comparison, give)
	}
	if err == nil && given == 0 && p.input.EventTime != "" {
		err = fmt.Errorf("nothing to report: no row has an event time at %s that can be read; name the right place with --event-time or source.event_time", p.input.EventTime)
	}
	c.note(s, notes)
	if err = out.finish(driftError(err)); err != nil {
		return err
	}
	if alarm {
		return alarmed{}
	}
	return nil
}

func (c *driftReportCommand) reportTable(ctx context.Context, s *session, p *driftPlan, comparison *driftfile.Comparison, give func(*drift.Report, []drift.Counts) error) (*driftfile.Notes, error) {
	bar := s.newDriftProgress(p.input.Files, c.Quiet)
	p.input.Progress = bar.update
	notes, err := p.input.Report(ctx, comparison, give)
	bar.bar.clear()
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	return notes, err
}

// windows are those to compare.
func (c *driftReportCommand) windows(p *driftPlan) ([]drift.WindowSpec, error) {
	var windows []drift.WindowSpec
	for _, text := range c.Window {
		w, err := config.ParseWindow(text)
		if err != nil {
			return nil, &refusal{fmt.Errorf("--window: %w", err)}
		}
		if slices.Contains(windows, windowSpec(w)) {
			return nil, &refusal{fmt.Errorf("--window names %s twice", w)}
		}
		windows = append(windows, windowSpec(w))
	}
	if windows == nil && p.input.EventTime != "" {
		windows = p.windows()
	}
	if windows != nil && p.input.EventTime == "" {
		return nil, &refusal{errors.New("--window needs the rows' times: name their column with --event-time")}
	}
	return windows, nil
}

// detectors are those that look for changes; none where nobody asks.
func (c *driftReportCommand) detectors(p *driftPlan) ([]string, error) {
	names := c.Detector
	if c.Changes && len(names) == 0 {
		names = []string{drift.DefaultChangeDetector}
	}
	known := drift.ChangeDetectors()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &refusal{fmt.Errorf("--detector: %q is not one of %q", name, known)}
		}
	}
	if len(names) > 0 && p.input.EventTime == "" {
		return nil, &refusal{errors.New("--changes needs the rows' times: name their column with --event-time")}
	}
	return names, nil
}
