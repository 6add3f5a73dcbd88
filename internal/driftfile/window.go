package driftfile

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/penstock/penstock/drift"
)

// window is a window's counts.
type window struct {
	drift.Closed
	raw []drift.Column
}

// wholeName is what a window over all rows is called.
const wholeName = "all"

// whole is the window over all rows. Its share of the budget of false alarms is
// that of a window of its length; without event times, of a month.
func (c *counting) whole() drift.WindowSpec {
	g := &c.grouper
	if g.from > g.to {
		return drift.WindowSpec{Name: wholeName, Calendar: "1mo"}
	}
	return drift.WindowSpec{Name: wholeName, Length: time.Duration(g.to+1-g.from) * time.Millisecond}
}

// windows gives the windows that have rows, by their ends.
func (c *counting) windows(spec *drift.WindowSpec, zone *time.Location) iter.Seq[*window] {
	starts := slices.Sorted(maps.Keys(c.panes))
	switch {
	case spec.Name == wholeName:
		return c.onlyWindow(spec)
	case spec.Calendar != "":
		return func(yield func(*window) bool) {
			for i, start := range starts {
				if !yield(c.sum(spec, spec.Step(start, zone), starts[i:i+1])) {
					return
				}
			}
		}
	}
	return func(yield func(*window) bool) { c.slide(spec, starts, yield) }
}

func (c *counting) onlyWindow(spec *drift.WindowSpec) iter.Seq[*window] {
	return func(yield func(*window) bool) {
		var span drift.Span
		if g := &c.grouper; g.from <= g.to {
			span = drift.Span{Start: g.from, End: g.to + 1}
		}
		if len(c.panes) > 0 {
			yield(c.sum(spec, span, []int64{0}))
		}
	}
}

// slide gives the windows that end with every step, of which a length has twelve.
func (c *counting) slide(spec *drift.WindowSpec, starts []int64, yield func(*window) bool) {
	length := spec.Length.Milliseconds()
	hop := length / 12
	first, next := 0, 0 // the window's panes are starts[first:next]
	for next < len(starts) {
		// Where there are long times without rows, the windows of those are passed over.
		for end := starts[next] + hop; ; end += hop {
			for next < len(starts) && starts[next] < end {
				next++
			}
			for first < next && starts[first] < end-length {
				first++
			}
			if first == next {
				break
			}
			if !yield(c.sum(spec, drift.Span{Start: end - length, End: end}, starts[first:next])) {
				return
			}
		}
	}
}

// sum adds panes up.
func (c *counting) sum(spec *drift.WindowSpec, span drift.Span, starts []int64) *window {
	w := &window{Closed: drift.Closed{Window: *spec, Span: span, Complete: true}}
	if len(starts) == 1 {
		p := c.panes[starts[0]]
		w.Rows, w.Fields, w.raw = p.rows, p.fields, p.raw
		return w
	}
	w.Fields, w.raw = make([]drift.Counts, len(c.fields)), make([]drift.Column, len(c.fields))
	for _, start := range starts {
		p := c.panes[start]
		w.Rows += p.rows
		for i := range p.fields {
			w.Fields[i].Add(&p.fields[i])
		}
		for i := range p.raw {
			w.raw[i].Numbers = append(w.raw[i].Numbers, p.raw[i].Numbers...)
			w.raw[i].Texts = append(w.raw[i].Texts, p.raw[i].Texts...)
			w.raw[i].Missing += p.raw[i].Missing
		}
	}
	return w
}
