package drift

import (
	"cmp"
	"slices"
)

// Advance moves the watermark, given the clock in Unix milliseconds, and gives the
// windows that closed or changed since, by end and then by the config's order.
// Windows without rows are left out: after a week's sleep of the stream none of
// that week's are there.
func (w *Windows) Advance(clock int64) []Closed {
	w.clock = clock
	mark := max(w.mark, w.watermark(clock))
	var all []Closed
	for _, due := range w.due(mark) {
		if c := w.close(due); c.Rows > 0 {
			c.Revision = due.grid.reports[due.span.End]
			due.grid.reports[due.span.End]++
			all = append(all, c)
		}
	}
	w.mark = mark
	if w.collect != nil {
		w.collect.look(mark)
	}
	for _, g := range w.grids {
		for _, cell := range g.cells {
			cell.changed = false
		}
		g.drop(mark)
	}
	w.gaps = slices.DeleteFunc(w.gaps, func(lost gap) bool {
		return !slices.ContainsFunc(w.grids, func(g *grid) bool { return mark < g.horizon(g.lastWindow(g.span(lost.End))) })
	})
	for i := range w.gaps {
		w.gaps[i].changed = false
	}
	return all
}

// dueWindow is one to be reported.
type dueWindow struct {
	grid  *grid
	order int // of the grid
	span  Span
}

// due gives the windows that close when the watermark moves to mark, and those that
// had closed, changed since, and may still be corrected.
func (w *Windows) due(mark int64) []dueWindow {
	var all []dueWindow
	for order, g := range w.grids {
		seen := map[int64]bool{}
		for _, cell := range g.cells {
			for span := range g.windows(cell.span) {
				closes := w.mark < span.End && span.End <= mark
				changed := (cell.changed || w.gaps.changed(span)) && span.End <= w.mark && w.mark < g.horizon(span)
				if (closes || changed) && !seen[span.End] {
					seen[span.End] = true
					all = append(all, dueWindow{g, order, span})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b dueWindow) int {
		return cmp.Or(cmp.Compare(a.span.End, b.span.End), cmp.Compare(a.order, b.order))
	})
	return all
}

// close sums a window.
func (w *Windows) close(due dueWindow) Closed {
	c := Closed{Window: due.grid.spec, Span: due.span, Lost: w.gaps.in(due.span)}
	for cell := range due.grid.in(due.span) {
		c.Rows += cell.sum.Rows
		c.Late += cell.sum.Late
		c.Future += cell.sum.Future
		c.Lost += cell.sum.Lost
		c.Fields = addFields(c.Fields, cell.sum.Fields)
	}
	c.Complete = c.Lost == 0
	return c
}

// addFields adds b to a, which may be empty; b may be, too.
func addFields(a, b []Counts) []Counts {
	if len(a) == 0 {
		a = make([]Counts, len(b))
	}
	for i := range b {
		a[i].Add(&b[i])
	}
	return a
}
