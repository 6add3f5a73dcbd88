package drift

import (
	"fmt"
	"iter"
	"time"
)

// level are the sums that windows of one kind are made of.
type level struct {
	spec        WindowSpec
	id          string // of the sums: what is stored under another one means something else
	hop, length int64  // of sliding windows, milliseconds
	calendar    calendar
	lateness    int64
	cells       map[int64]*cell // by start
	reports     map[int64]int   // how often a window was reported, by end
}

// cell is a sum that is part of a window as a whole or not at all.
type cell struct {
	sum     Pane
	span    Span
	changed bool // since the last Advance
	dirty   bool // since Saved
	records int  // that it is stored in
}

func newLevel(spec WindowSpec, cfg WindowsConfig) *level {
	l := &level{spec: spec, lateness: cfg.Lateness.Milliseconds(), cells: map[int64]*cell{}, reports: map[int64]int{}}
	if spec.Calendar == "" {
		l.hop, l.length = spec.Hop(cfg.Pane).Milliseconds(), spec.Length.Milliseconds()
		l.id = fmt.Sprintf("%s/%d", spec.Name, l.hop)
		return l
	}
	l.calendar = calendar{unit: spec.Calendar, zone: cfg.Zone}
	if cfg.Zone == nil {
		l.calendar.zone = time.UTC
	}
	l.id = fmt.Sprintf("%s/%s", spec.Name, l.calendar.zone)
	return l
}

// span is that of the cell that t lies in.
func (l *level) span(t int64) Span {
	if l.hop == 0 {
		return l.calendar.span(t)
	}
	start := floor(t, l.hop)
	return Span{start, start + l.hop}
}

// windows gives those that a cell is part of, the earliest first.
func (l *level) windows(cell Span) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		if l.hop == 0 {
			yield(cell)
			return
		}
		for end := cell.End; end <= cell.Start+l.length; end += l.hop {
			if !yield(Span{end - l.length, end}) {
				return
			}
		}
	}
}

// lastWindow is the last one that a cell is part of.
func (l *level) lastWindow(cell Span) Span {
	if l.hop == 0 {
		return cell
	}
	return Span{cell.Start, cell.Start + l.length}
}

// horizon is when a window is not corrected any more: the lateness and its own
// length after its end. Counts come at most the lateness after it; the rest is for
// telling of events that were late.
func (l *level) horizon(window Span) int64 { return window.End + l.lateness + window.length() }

// cell is where a pane goes to that starts at t, comes from a partition that had
// come to horizon before, and finds the watermark at mark; nil where it is too late
// to tell of it. The first window that would tell decides, so that as long as the
// partition was not idle all of them still do.
func (l *level) cell(t, horizon, mark int64) *cell {
	span := l.span(t)
	first, last := span, l.lastWindow(span)
	if l.hop != 0 {
		first = Span{span.End - l.length, span.End}
	}
	if horizon >= l.horizon(first) || mark >= l.horizon(last) {
		return nil
	}
	return l.at(span)
}

// at is the cell of that span, a new one where there was none.
func (l *level) at(span Span) *cell {
	c := l.cells[span.Start]
	if c == nil {
		c = &cell{span: span, sum: Pane{Start: span.Start}}
		l.cells[span.Start] = c
	}
	return c
}

// in gives the cells of a window, in their order.
func (l *level) in(window Span) iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		step := l.hop
		if step == 0 {
			step = window.length()
		}
		for start := window.Start; start < window.End; start += step {
			if c := l.cells[start]; c != nil && !yield(c) {
				return
			}
		}
	}
}

// drop forgets what no window needs that may still be corrected.
func (l *level) drop(mark int64) {
	for start, c := range l.cells {
		if mark >= l.horizon(l.lastWindow(c.span)) {
			delete(l.cells, start)
		}
	}
	for end := range l.reports {
		if mark >= l.horizon(l.windowTo(end)) {
			delete(l.reports, end)
		}
	}
}

// windowTo is the window that ends there.
func (l *level) windowTo(end int64) Span {
	if l.hop == 0 {
		return l.calendar.span(end - 1)
	}
	return Span{end - l.length, end}
}

// add adds a pane, and remembers that something changed.
func (c *cell) add(p *Pane) {
	c.changed, c.dirty = true, true
	c.sum.Rows += p.Rows
	c.sum.Late += p.Late
	c.sum.Future += p.Future
	c.sum.Lost += p.Lost
	if c.sum.Fields == nil && len(p.Fields) > 0 {
		c.sum.Fields = make([]Counts, len(p.Fields))
	}
	for i := range p.Fields {
		c.sum.Fields[i].Add(&p.Fields[i])
	}
}
