package driftfile

import (
	"context"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/eventfile"
)

// Comparison says how rows are compared with a reference.
type Comparison struct {
	Reference *drift.Reference
	Fields    []drift.Field // those of the reference that are compared
	// Windows are what the rows are cut into by event time; none for one window
	// over all rows.
	Windows []drift.WindowSpec
	Judge   drift.JudgeConfig // but its windows
	// Compat adds what another tool would compute, from Raw, the reference's own
	// values by field, which the tool needs.
	Compat drift.CompatTool
	Raw    []drift.Column
	// Detectors, by name, look for changes within the time that the rows cover, over
	// stretches of at least Pane.
	Detectors []string
	Pane      time.Duration
}

// Report counts the rows, compares every window with the reference, and gives the
// reports and what was counted of each field to give: one of Windows after the
// other, each by the ends. The counts are valid during the call.
func (in *Input) Report(ctx context.Context, c *Comparison, give func(*drift.Report, []drift.Counts) error) (*Notes, error) {
	var all countings
	for i := range c.Windows {
		all = append(all, newCounting(c, starts(&c.Windows[i], in.Zone)))
	}
	if len(all) == 0 {
		all = countings{newCounting(c, nil)}
	}
	if len(c.Detectors) > 0 {
		changes := newCounting(c, floor(c.Pane))
		changes.step, changes.keepRaw = c.Pane, false
		all = append(all, changes)
	}
	if err := in.read(ctx, columnsOf(c.Fields), all); err != nil {
		return nil, err
	}
	var panes []*sums
	for _, counting := range all {
		counting.finish()
		panes = append(panes, counting.sums)
	}
	return all[0].notes(), c.report(panes, in.Zone, give)
}

// report judges the windows that panes make, one of Windows each. With Detectors, the
// last of panes are theirs.
func (c *Comparison) report(panes []*sums, zone *time.Location, give func(*drift.Report, []drift.Counts) error) error {
	config := c.Judge
	config.Windows = c.Windows
	if len(config.Windows) == 0 {
		config.Windows = []drift.WindowSpec{panes[0].whole()}
	}
	var changes [][]drift.ReportChange
	if last := len(panes) - 1; len(c.Detectors) > 0 {
		var err error
		if changes, err = c.changes(panes[last]); err != nil {
			return err
		}
		panes = panes[:last]
	}
	judge := drift.NewJudge(drift.NewSchema(c.Fields, c.Reference), c.Reference, config)
	for i, sums := range panes {
		for w := range sums.windows(&config.Windows[i], zone) {
			report, err := c.judge(judge, w)
			if err != nil {
				return err
			}
			for f := range changes {
				report.Features[f].Changes = within(&w.Span, changes[f])
			}
			if err := give(report, w.Fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// countings count the same rows for several windows.
type countings []*counting

func (all countings) prepare(b *batch) error {
	for _, c := range all {
		c.prepare(b)
	}
	return nil
}

func (all countings) take(b *batch, field int, v *eventfile.Vector) error {
	for i, c := range all {
		c.take(field, v)
		if i == 0 {
			c.columns[field].unreadable.note(b.frame, b.places[field], v)
		}
	}
	return nil
}

// starts tells the start of the step that a time lies in.
func starts(w *drift.WindowSpec, zone *time.Location) func(unixMilli int64) int64 {
	var last drift.Span // rows are mostly in order
	return func(at int64) int64 {
		if at < last.Start || at >= last.End {
			last = w.Step(at, zone)
		}
		return last.Start
	}
}

func (c *counting) notes() *Notes {
	n := &Notes{Untimed: c.grouper.untimed, Times: c.grouper.unreadable}
	for _, p := range c.panes {
		n.Rows += p.rows
	}
	for i := range c.columns {
		n.add(c.fields[i].Name, c.columns[i].unreadable)
	}
	return n
}

// judge puts statistics and verdicts to a window.
func (c *Comparison) judge(judge *drift.Judge, w *window) (*drift.Report, error) {
	report, _ := judge.Judge(&w.Closed)
	if w.Span == (drift.Span{}) {
		report.Start, report.End, report.Since = time.Time{}, time.Time{}, nil
	}
	if c.Compat == "" {
		return report, nil
	}
	for f := range report.Features {
		compat, err := drift.Compat(c.Compat, c.Raw[f], w.raw[f])
		if err != nil {
			return nil, err
		}
		report.Features[f].Compat = compat
	}
	return report, nil
}
