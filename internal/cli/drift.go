package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/driftfile"
	"github.com/penstock/penstock/internal/eventfile"
)

type driftCommand struct {
	Reference driftReferenceCommand `cmd:"" help:"Build a reference: what is normal."`
	Report    driftReportCommand    `cmd:"" help:"Compare files with a reference, window by window."`
}

// driftInput is what both commands are told about their files.
type driftInput struct {
	First string   `arg:"" name:"file" help:"Data file: .jsonl, .csv or .parquet. Or a pipeline file, .yaml: then the model runs, and its inputs as mapped and its outputs are counted."`
	More  []string `arg:"" optional:"" name:"files" help:"More data files."`

	EventTime   string   `placeholder:"COLUMN" help:"Column with each row's time."`
	Zone        string   `placeholder:"ZONE" help:"Time zone of calendar windows, and of times that name none, such as Europe/Berlin; default UTC."`
	Categorical []string `placeholder:"COLUMN" help:"Columns of numbers that are names, such as codes."`
	Ignore      []string `placeholder:"COLUMN" help:"Columns to leave out, such as identifiers."`
	Format      string   `placeholder:"FORMAT" help:"Format of the data, whatever the files are called: jsonl, csv or parquet."`
	Set         []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, or a default, such as drift.effect=0.2."`
	Quiet       bool     `short:"q" help:"No progress bar and no summary."`
}

// driftPlan is the files and settings of a command.
type driftPlan struct {
	input    driftfile.Input
	config   *config.File // nil without a pipeline file
	settings *config.Drift
	windowed bool // the config has a drift: part, or --set names windows
	quiet    bool
}

// plan sorts out what the command was told.
func (c *driftInput) plan(s *session) (*driftPlan, error) {
	p := &driftPlan{quiet: c.Quiet, input: driftfile.Input{Files: append([]string{c.First}, c.More...), EventTime: c.EventTime}}
	first := strings.ToLower(filepath.Ext(c.First))
	var err error
	if first == ".yaml" || first == ".yml" {
		err = c.withConfig(s, p)
	} else {
		err = c.withoutConfig(s, p)
	}
	if err != nil {
		return nil, err
	}
	zone := p.settings.Zone
	if c.Zone != "" {
		zone = c.Zone
	}
	if p.input.Zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return nil, &refusal{fmt.Errorf("the zone (--zone, drift.zone) must be UTC or a name such as Europe/Berlin, not %q", zone)}
	}
	if c.Format != "" {
		if p.input.Format, err = eventfile.ParseFormat(c.Format); err != nil {
			return nil, &refusal{fmt.Errorf("--format: %w", err)}
		}
	}
	return p, p.check(p.input.Files)
}

// windows are the config's, where it names any.
func (p *driftPlan) windows() []drift.WindowSpec {
	if !p.windowed {
		return nil
	}
	return windowSpecs(p.settings)
}

// check looks at files before anything costly is done.
func (p *driftPlan) check(files []string) error {
	for _, path := range files {
		if _, _, err := openInput(path, p.input.Format, nil); err != nil {
			return &refusal{err}
		}
	}
	return nil
}

// reads are the files that the command reads, others among them.
func (p *driftPlan) reads(others ...string) []string {
	files := slices.Concat(p.input.Files, others)
	if p.config != nil {
		files = append(files, filesOf(p.config)...)
	}
	return files
}

func (c *driftInput) withConfig(s *session, p *driftPlan) error {
	if p.input.Files = c.More; len(c.More) == 0 {
		return &refusal{fmt.Errorf("no data file is named after the pipeline file %s", c.First)}
	}
	if len(c.Categorical) > 0 || len(c.Ignore) > 0 {
		return &refusal{errors.New("--categorical and --ignore are for files without a pipeline; its drift.features says what is counted and how")}
	}
	var set, about []string // the config, and its drift part
	for _, text := range c.Set {
		if strings.HasPrefix(text, "drift") {
			about = append(about, text)
		} else {
			set = append(set, text)
		}
	}
	if c.EventTime != "" {
		set = append(set, fmt.Sprintf("source.event_time=%q", c.EventTime))
	}
	file, err := s.loadConfig(c.First, set)
	if err != nil {
		return err
	}
	sets := func(key string) bool {
		return slices.ContainsFunc(about, func(text string) bool { return strings.HasPrefix(text, key) })
	}
	declared := file.Pipeline.Drift != nil || sets("drift=") || sets("drift.reference")
	p.windowed = declared || sets("drift.windows")
	if !declared {
		about = append([]string{"drift.reference=none"}, about...) // to be named otherwise
	}
	if p.config, err = s.loadConfig(c.First, append(set, about...)); err != nil {
		return err
	}
	if p.settings = p.config.Pipeline.Drift; !declared {
		p.settings.Reference = config.Reference{}
	}
	p.input.EventTime = p.config.Pipeline.Source.EventTime
	return nil
}

func (c *driftInput) withoutConfig(s *session, p *driftPlan) error {
	f := config.DriftAlone(c.Set)
	if f.Failed() {
		for _, line := range f.Render(nil) {
			fmt.Fprintln(s.Err, line)
		}
		return &refusal{errors.New("--set cannot be used; the lines above say why")}
	}
	p.settings = f.Pipeline.Drift
	return nil
}

// choice is how columns are counted where no pipeline says it.
func (c *driftInput) choice() driftfile.Choice {
	return driftfile.Choice{Categorical: c.Categorical, Ignore: c.Ignore, Top: drift.DefaultTop}
}

// windowSpec is a config's window as drift knows it.
func windowSpec(w config.Window) drift.WindowSpec {
	return drift.WindowSpec{Name: w.String(), Length: w.Length, Calendar: w.Calendar}
}

func windowSpecs(d *config.Drift) []drift.WindowSpec {
	var all []drift.WindowSpec
	for _, w := range d.Windows {
		all = append(all, windowSpec(w))
	}
	return all
}

// periods are those that a rate may be of; months and years as long as they are
// on average.
var periods = map[string]time.Duration{
	"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
	"month": 31556952 * time.Second / 12, "year": 31556952 * time.Second,
}

// note prints what no report says.
func (c *driftInput) note(s *session, n *driftfile.Notes) {
	if n == nil {
		return
	}
	if n.Untimed > 0 {
		fmt.Fprintf(s.Err, "%s rows without an event time are left out\n", count(n.Untimed))
	}
	if n.Times.N > 0 {
		fmt.Fprintf(s.Err, "%s: the event time cannot be read (it is RFC 3339, 2006-01-02[ 15:04:05], or seconds, milliseconds, microseconds or nanoseconds "+
			"since 1970, from 1678 to 2261); %s such rows are left out\n", n.Times.First, count(n.Times.N))
	}
	for _, u := range n.Unreadable {
		fmt.Fprintf(s.Err, "%s: column %s is numeric and this is no number; %s such values count as type errors (--categorical %s takes all as text)\n",
			u.First, u.Field, count(u.N), u.Field)
	}
}

// driftError gives what is the caller's fault its exit code.
func driftError(err error) error {
	if missing, ok := errors.AsType[*driftfile.MissingColumn](err); ok {
		return &refusal{missing}
	}
	return err
}
