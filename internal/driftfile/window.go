package driftfile

import (
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/penstock/penstock/drift"
)

// pane is what was counted of a stretch of event time that no window's bounds divide.
type pane struct {
	rows   int64
	fields []drift.Counts
	raw    []drift.Column // where somebody asked for the values themselves
}

// sums are panes by where they start, which windows are made of.
type sums struct {
	width   int // fields of a pane
	keepRaw bool
	step    time.Duration // a pane's length where there is a bound of panes, see coarsen; else 0
	panes   map[int64]*pane
	times   interval // of all rows
}

func newSums(width int, keepRaw bool) *sums {
	return &sums{width: width, keepRaw: keepRaw, panes: map[int64]*pane{}, times: never}
}

// pane finds or makes the one that starts at start.
func (s *sums) pane(start int64) *pane {
	if s.step > 0 {
		start = floor(s.step)(start)
	}
	p := s.panes[start]
	if p == nil {
		p = &pane{fields: make([]drift.Counts, s.width)}
		if s.keepRaw {
			p.raw = make([]drift.Column, s.width)
		}
		s.panes[start] = p
	}
	return p
}

// interval is the event times from first to last, Unix milliseconds.
type interval struct{ first, last int64 }

// never is the interval that has no time.
var never = interval{math.MaxInt64, math.MinInt64}

func (i *interval) add(at int64) { i.first, i.last = min(i.first, at), max(i.last, at) }

// span is the interval as a window's; ok is false for never.
func (i *interval) span() (s drift.Span, ok bool) {
	if i.first > i.last {
		return s, false
	}
	return drift.Span{Start: i.first, End: i.last + 1}, true
}

// window is a window's counts.
type window struct {
	drift.Closed
	raw []drift.Column
}

// wholeName is what a window over all rows is called.
const wholeName = "all"

// whole is the window over all rows. Its share of the budget of false alarms is
// that of a window of its length; without event times, of a month.
func (s *sums) whole() drift.WindowSpec {
	span, timed := s.times.span()
	if !timed {
		return drift.WindowSpec{Name: wholeName, Calendar: "1mo"}
	}
	return drift.WindowSpec{Name: wholeName, Length: time.Duration(span.End-span.Start) * time.Millisecond}
}

// windows gives the windows that have rows, by their ends.
func (s *sums) windows(spec *drift.WindowSpec, zone *time.Location) iter.Seq[*window] {
	starts := slices.Sorted(maps.Keys(s.panes))
	switch {
	case spec.Name == wholeName:
		return s.onlyWindow(spec)
	case spec.Calendar != "":
		return func(yield func(*window) bool) {
			for i, start := range starts {
				if !yield(s.sum(spec, spec.Step(start, zone), starts[i:i+1])) {
					return
				}
			}
		}
	}
	return func(yield func(*window) bool) { s.slide(spec, starts, yield) }
}

func (s *sums) onlyWindow(spec *drift.WindowSpec) iter.Seq[*window] {
	return func(yield func(*window) bool) {
		if len(s.panes) > 0 {
			span, _ := s.times.span()
			yield(s.sum(spec, span, []int64{0}))
		}
	}
}

// slide gives the windows that end with every step, of which a length has twelve.
func (s *sums) slide(spec *drift.WindowSpec, starts []int64, yield func(*window) bool) {
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
			if !yield(s.sum(spec, drift.Span{Start: end - length, End: end}, starts[first:next])) {
				return
			}
		}
	}
}

// sum adds panes up.
func (s *sums) sum(spec *drift.WindowSpec, span drift.Span, starts []int64) *window {
	w := &window{Closed: drift.Closed{Window: *spec, Span: span, Complete: true}}
	if len(starts) == 1 {
		p := s.panes[starts[0]]
		w.Rows, w.Fields, w.raw = p.rows, p.fields, p.raw
		return w
	}
	w.Fields, w.raw = make([]drift.Counts, s.width), make([]drift.Column, s.width)
	for _, start := range starts {
		p := s.panes[start]
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
