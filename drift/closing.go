package drift

import (
	"cmp"
	"iter"
	"slices"
)

// Advance moves the watermark, given the clock in Unix milliseconds, and gives the
// windows that closed or changed since, by end and then by the config's order:
// those that end at the same moment together. Windows without rows are left out:
// after a week's sleep of the stream none of that week's are there.
//
// Whoever stops before the end leaves the rest for the next Advance; the watermark
// is followed as far as that. What a window says in the end does not depend on it.
func (w *Windows) Advance(clock int64) iter.Seq[[]Closed] {
	return func(yield func([]Closed) bool) {
		w.clock = clock
		mark := max(w.mark, w.watermark(clock))
		if w.collect != nil {
			for _, c := range w.collect.look(mark) {
				w.free(w.collect.sums, c)
			}
		}
		for due := w.due(mark); len(due) > 0; {
			end := due[0].span.End
			var closed []Closed
			for ; len(due) > 0 && due[0].span.End == end; due = due[1:] {
				if c := w.close(due[0]); c.Rows > 0 {
					closed = append(closed, c)
				}
			}
			if len(closed) > 0 && !yield(closed) {
				w.follow(end)
				return
			}
		}
		w.follow(mark)
	}
}

// follow notes that all windows that end until then have told what there is, and
// forgets what is not needed any more.
func (w *Windows) follow(end int64) {
	w.mark = max(w.mark, end)
	for _, g := range w.grids {
		for _, c := range g.cells {
			c.told = max(c.told, end)
		}
		for _, c := range g.drop(w.mark) {
			w.free(g, c)
		}
	}
	w.gaps = slices.DeleteFunc(w.gaps, func(lost gap) bool {
		return !slices.ContainsFunc(w.grids, func(g *grid) bool { return w.mark < g.horizon(g.lastWindow(g.span(lost.End))) })
	})
	for i := range w.gaps {
		w.gaps[i].told = max(w.gaps[i].told, end)
	}
}

// dueWindow is one to be reported.
type dueWindow struct {
	grid  *grid
	order int // of the grid
	span  Span
}

// due gives the windows until mark that have not told all that is known of them,
// and may still do so.
func (w *Windows) due(mark int64) []dueWindow {
	var all []dueWindow
	for order, g := range w.grids {
		seen := map[int64]bool{}
		for _, cell := range g.cells {
			for span := range g.windows(cell.span) {
				if span.End > mark {
					break
				}
				told := cell.told >= span.End && w.gaps.told(span)
				if !told && w.tells(span) && w.mark < g.horizon(span) && !seen[span.End] {
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

// close sums a window, and numbers its report where it has one.
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
	if g := due.grid; c.Rows > 0 {
		c.Revision = g.reports[due.span.End]
		g.reports[due.span.End]++
		g.latest = max(g.latest, due.span.End)
		c.Latest = due.span.End == g.latest
	}
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
