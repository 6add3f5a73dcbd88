package driftfile

import (
	"context"
	"time"

	"github.com/penstock/penstock/drift"
)

// Comparison says how rows are compared with a reference.
type Comparison struct {
	Reference *drift.Reference
	Fields    []drift.Field // those of the reference that are compared
	// Window is what the rows are cut into by event time; nil for one window over
	// all rows.
	Window *drift.WindowSpec
	Judge  drift.JudgeConfig // but its windows
	// Compat adds what another tool would compute, from Raw, the reference's own
	// values by field, which the tool needs.
	Compat drift.CompatTool
	Raw    []drift.Column
}

// Report counts the rows, compares every window with the reference, and gives the
// reports and what was counted of each field to give, by the windows' ends. The
// counts are valid during the call.
func (in *Input) Report(ctx context.Context, c *Comparison, give func(*drift.Report, []drift.Counts) error) (*Notes, error) {
	counting := newCounting(c.Fields, c.Reference, c.start(in.Zone))
	counting.keepRaw = c.Compat != ""
	if err := in.read(ctx, columnsOf(c.Fields), counting); err != nil {
		return nil, err
	}
	counting.finish()
	spec := counting.whole()
	if c.Window != nil {
		spec = *c.Window
	}
	config := c.Judge
	config.Windows = []drift.WindowSpec{spec}
	judge := drift.NewJudge(drift.NewSchema(c.Fields, c.Reference), c.Reference, config)
	for w := range counting.windows(&spec, in.Zone) {
		report, err := c.judge(judge, w)
		if err != nil {
			return nil, err
		}
		if err := give(report, w.Fields); err != nil {
			return nil, err
		}
	}
	return counting.notes(), nil
}

// start tells the pane of a time; nil where there is one for all rows.
func (c *Comparison) start(zone *time.Location) func(unixMilli int64) int64 {
	if c.Window == nil {
		return nil
	}
	var last drift.Span // rows are mostly in order
	return func(at int64) int64 {
		if at < last.Start || at >= last.End {
			last = c.Window.Step(at, zone)
		}
		return last.Start
	}
}

func (c *counting) notes() *Notes {
	n := &Notes{Untimed: c.grouper.untimed}
	for _, p := range c.panes {
		n.Rows += p.rows
	}
	for i := range c.columns {
		n.add(&c.columns[i].unreadable)
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
