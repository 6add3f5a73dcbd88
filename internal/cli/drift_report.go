package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/driftfile"
	"github.com/penstock/penstock/internal/driftview"
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
	comparison := &driftfile.Comparison{Windows: windows, Judge: p.judge(), Compat: drift.CompatTool(c.Compat), Pane: p.settings.Pane}
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

// compareModel finds the reference for what the model is given and says.
func (c *driftReportCommand) compareModel(ctx context.Context, s *session, p *driftPlan, m *loadedModel, to *driftfile.Comparison) (err error) {
	if c.Compat != "" {
		return &refusal{errors.New("--compat is for files without a pipeline: it computes on a file's own columns")}
	}
	to.Fields = m.observed.Fields
	if len(c.ReferenceData) > 0 {
		var notes *driftfile.Notes
		to.Reference, notes, err = p.scoreReference(ctx, s, m, c.ReferenceData)
		c.note(s, notes)
		return err
	}
	if to.Reference, err = c.readReference(p, m); err != nil {
		return err
	}
	m.normal = to.Reference
	problems := m.compareReference(to.Reference, "the reference")
	if len(problems) == 0 {
		return nil
	}
	for _, line := range p.config.Render(problems) {
		fmt.Fprintln(s.Err, line)
	}
	if slices.ContainsFunc(problems, func(p inference.Problem) bool { return !p.Warning }) {
		return &refusal{errors.New("the reference does not fit the pipeline; the lines above say why")}
	}
	return nil
}

// windows are those to compare.
func (c *driftReportCommand) windows(p *driftPlan) ([]drift.WindowSpec, error) {
	var windows []drift.WindowSpec
	for _, text := range c.Window {
		w, err := config.ParseWindow(text)
		if err != nil {
			return nil, &refusal{fmt.Errorf("--window: %w", err)}
		}
		windows = append(windows, windowSpec(w))
	}
	if windows == nil && p.config != nil && p.declared && p.input.EventTime != "" {
		for _, w := range p.settings.Windows {
			windows = append(windows, windowSpec(w))
		}
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

// compare finds the reference and the fields that both sides have.
func (c *driftReportCommand) compare(ctx context.Context, s *session, p *driftPlan, to *driftfile.Comparison) error {
	if c.Compat != "" && len(c.ReferenceData) == 0 {
		return &refusal{errors.New("--compat computes on the values themselves, which a reference does not have: give the data with --reference-data")}
	}
	if len(c.ReferenceData) > 0 {
		return c.compareData(ctx, s, p, to)
	}
	ref, err := c.readReference(p, nil)
	if err != nil {
		return err
	}
	var fields []drift.Field
	for i := range ref.Fields {
		fields = append(fields, ref.Fields[i].Field)
	}
	common, absent, err := p.input.Common(fields)
	if err != nil {
		return driftError(err)
	}
	leftOut(s, absent, "in the reference and not in "+p.input.Files[0])
	columns, nested, err := p.input.Fields(c.choice())
	if err != nil {
		return driftError(err)
	}
	leftOut(s, nested, "lists and maps")
	leftOut(s, without(columns, fields), "not in the reference")
	to.Reference, to.Fields = ref, common
	return nothingInCommon(common)
}

func nothingInCommon(fields []drift.Field) error {
	if len(fields) == 0 {
		return &refusal{errors.New("the reference and the data have no column in common")}
	}
	return nil
}

// without are the names of the fields that others has not.
func without(fields, others []drift.Field) []string {
	known := map[string]bool{}
	for i := range others {
		known[others[i].Name] = true
	}
	var names []string
	for i := range fields {
		if !known[fields[i].Name] {
			names = append(names, fields[i].Name)
		}
	}
	return names
}

// readReference reads the reference that was named, or the config's.
func (c *driftReportCommand) readReference(p *driftPlan, m *loadedModel) (*drift.Reference, error) {
	if c.Reference == "" && m != nil && (p.settings.Reference.Model || p.settings.Reference.File != "") {
		ref, problems := m.reference(p.settings)
		if ref == nil {
			return nil, &refusal{fmt.Errorf("%s; %s", problems[0].Message, problems[0].Hint)}
		}
		return ref, nil
	}
	if c.Reference == "" {
		return nil, &refusal{errors.New("what is normal? Name it with --reference FILE (of penstock drift reference) or --reference-data FILE")}
	}
	data, err := os.ReadFile(c.Reference)
	if err != nil {
		return nil, &refusal{fmt.Errorf("read reference: %w", err)}
	}
	ref, err := drift.ParseReference(data)
	if err != nil {
		return nil, &refusal{fmt.Errorf("read reference %s: %w", c.Reference, err)}
	}
	return ref, nil
}

// compareData builds the reference from data.
func (c *driftReportCommand) compareData(ctx context.Context, s *session, p *driftPlan, to *driftfile.Comparison) error {
	past := p.input
	past.Files = c.ReferenceData
	fields, nested, err := past.Fields(c.choice())
	if err != nil {
		return driftError(err)
	}
	leftOut(s, nested, "lists and maps")
	columns, _, err := p.input.Fields(driftfile.Choice{})
	if err != nil {
		return driftError(err)
	}
	common, absent, err := p.input.Common(fields)
	if err != nil {
		return err
	}
	leftOut(s, absent, "not in "+p.input.Files[0])
	for _, name := range c.Ignore {
		fields = append(fields, drift.Field{Name: name}) // nobody asks for it
	}
	leftOut(s, without(columns, fields), "not in "+past.Files[0])
	if err := nothingInCommon(common); err != nil {
		return err
	}
	ref, notes, err := s.buildReference(ctx, &past, common, c.Quiet)
	c.note(s, notes)
	if err != nil {
		return err
	}
	if ref.Incomplete != "" {
		fmt.Fprintf(s.Err, "the reference is incomplete, and gives no alarms: %s\n", ref.Incomplete)
	}
	to.Reference, to.Fields = ref, common
	if to.Compat != "" {
		to.Raw, err = past.Raw(ctx, common)
	}
	return err
}

// driftForm is how reports are given out.
type driftForm struct {
	out   *outfile
	json  *json.Encoder   // nil: they are shown together, at the end
	view  *driftview.View // nil with json
	page  bool
	style driftview.Style
}

func (c *driftReportCommand) form(s *session, p *driftPlan, to *driftfile.Comparison) (*driftForm, error) {
	f := &driftForm{out: &outfile{Writer: s.Out, name: "stdout"}, page: c.HTML != ""}
	if f.page && c.HTML != "-" {
		var err error
		if f.out, err = createOutfile(c.HTML); err != nil {
			return nil, err
		}
	}
	if c.JSON {
		f.json = json.NewEncoder(s.Out)
		f.json.SetEscapeHTML(false)
		return f, nil
	}
	fields := modelFields(drift.NewSchema(to.Fields, to.Reference))
	f.view = driftview.New(baseNames(p.input.Files), to.Reference, fields, to.Judge.Effect, p.input.Zone)
	f.view.Detectors = to.Detectors
	if isTerminal(s.Out) {
		f.style = driftview.Style{Width: terminalWidth(s.Out), Color: true}
	}
	return f, nil
}

func baseNames(files []string) string {
	names := make([]string, len(files))
	for i := range files {
		names[i] = filepath.Base(files[i])
	}
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func (f *driftForm) add(r *drift.Report, counts []drift.Counts) error {
	if f.json != nil {
		return f.json.Encode(r)
	}
	f.view.Add(r, counts)
	return nil
}

// finish writes what is shown at the end, unless err, the outcome so far, is one.
func (f *driftForm) finish(err error) error {
	switch {
	case err != nil || f.view == nil:
	case f.page:
		err = f.view.WriteHTML(f.out)
	default:
		err = f.view.WriteText(f.out, f.style)
	}
	return f.out.finish(err)
}
