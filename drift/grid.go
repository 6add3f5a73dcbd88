package drift

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// grid are the sums that windows of one kind are made of.
type grid struct {
	spec        WindowSpec
	id          string // of the sums: what is stored under another one means something else
	hop, length int64  // of sliding windows, milliseconds
	calendar    calendar
	lateness    int64
	cells       map[int64]*cell // by start
	reports     map[int64]int   // how often a window was reported, by end
	latest      int64           // the end of the last one that was
}

// cell is a sum that is part of a window as a whole or not at all.
type cell struct {
	sum  Pane
	span Span
	told int64 // windows that end until then have told all that it holds; math.MinInt64: none

	dirty   bool // since Saved
	side    int  // 0 or 1, where it is stored; what changed goes to the other one
	records int  // that it is stored in
	written int  // that Sums has made of it, on the other side
}

func newGrid(spec WindowSpec, cfg WindowsConfig) *grid {
	g := &grid{spec: spec, lateness: cfg.Lateness.Milliseconds(), cells: map[int64]*cell{}, reports: map[int64]int{}, latest: math.MinInt64}
	if spec.Calendar == "" {
		g.hop, g.length = spec.hop().Milliseconds(), spec.Length.Milliseconds()
		g.id = fmt.Sprintf("%s/%d", spec.Name, g.hop)
		return g
	}
	g.calendar = calendar{unit: spec.Calendar, zone: cfg.Zone}
	if cfg.Zone == nil {
		g.calendar.zone = time.UTC
	}
	g.id = fmt.Sprintf("%s/%s", spec.Name, g.calendar.zone)
	return g
}

// span is that of the cell that t lies in.
func (g *grid) span(t int64) Span {
	if g.hop == 0 {
		return g.calendar.span(t)
	}
	start := floor(t, g.hop)
	return Span{start, start + g.hop}
}

// windows gives those that a cell is part of, the earliest first.
func (g *grid) windows(cell Span) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		if g.hop == 0 {
			yield(cell)
			return
		}
		for end := cell.End; end <= cell.Start+g.length; end += g.hop {
			if !yield(Span{end - g.length, end}) {
				return
			}
		}
	}
}

// lastWindow is the last one that a cell is part of.
func (g *grid) lastWindow(cell Span) Span {
	if g.hop == 0 {
		return cell
	}
	return Span{cell.Start, cell.Start + g.length}
}

// horizon is when a window is not corrected any more: the lateness and its own
// length after its end. Counts come at most the lateness after it; the rest is for
// telling of events that were late.
func (g *grid) horizon(window Span) int64 { return window.End + g.lateness + window.length() }

// cell is where a pane goes to that starts at t, comes from a partition that had
// come to horizon before, and finds the watermark at mark; nil where it is too late
// to tell of it. The first window that would tell decides, so that as long as the
// partition was not idle all of them still do.
func (g *grid) cell(t, horizon, mark int64) *cell {
	span := g.span(t)
	first, last := span, g.lastWindow(span)
	if g.hop != 0 {
		first = Span{span.End - g.length, span.End}
	}
	if horizon >= g.horizon(first) || mark >= g.horizon(last) {
		return nil
	}
	return g.at(span)
}

// at is the cell of that span, a new one where there was none.
func (g *grid) at(span Span) *cell {
	c := g.cells[span.Start]
	if c == nil {
		c = &cell{span: span, sum: Pane{Start: span.Start}, told: math.MinInt64}
		g.cells[span.Start] = c
	}
	return c
}

// in gives the cells of a window, in their order.
func (g *grid) in(window Span) iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		step := g.hop
		if step == 0 {
			step = window.length()
		}
		for start := window.Start; start < window.End; start += step {
			if c := g.cells[start]; c != nil && !yield(c) {
				return
			}
		}
	}
}

// drop forgets what no window needs that may still be corrected, and gives the
// cells.
func (g *grid) drop(mark int64) []*cell {
	var dropped []*cell
	for start, c := range g.cells {
		if mark >= g.horizon(g.lastWindow(c.span)) {
			dropped = append(dropped, c)
			delete(g.cells, start)
		}
	}
	for end := range g.reports {
		if mark >= g.horizon(g.windowTo(end)) {
			delete(g.reports, end)
		}
	}
	return dropped
}

// windowTo is the window that ends there.
func (g *grid) windowTo(end int64) Span {
	if g.hop == 0 {
		return g.calendar.span(end - 1)
	}
	return Span{end - g.length, end}
}

// take is add of a pane that is nobody else's: its counts are not copied where the
// cell has none.
func (c *cell) take(p *Pane) {
	if c.sum.Fields == nil {
		c.sum.Fields, p.Fields = p.Fields, nil
	}
	for i := range p.Fields {
		if has := &c.sum.Fields[i]; isZero(has) {
			*has, p.Fields[i] = p.Fields[i], Counts{}
		}
	}
	c.add(p)
}

// add adds a pane, which no window has told of yet.
func (c *cell) add(p *Pane) {
	c.told, c.dirty = math.MinInt64, true
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
