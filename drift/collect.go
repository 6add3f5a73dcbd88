package drift

import (
	"maps"
	"math"
	"slices"
	"time"
)

// collection are the sums that a first reference is made of: those of the first
// stretch of event time that has enough rows, so that one event dated long ago
// begins none.
//
// Which stretch that is follows from the sums alone. Rows are only ever added, so
// that it can only become an earlier one: what comes behind it is not kept. As long
// as there is none, no stretch of that length has many rows.
type collection struct {
	sums   *grid // their windows are one sum long, and never reported
	length int64 // of the stretch, milliseconds
	rows   int64 // that it has at least

	// Of the stretch, as of the last look; math.MaxInt64 where there is none.
	start, end int64
}

// collectionPanes is how many the collected stretch is made of, or a few less.
const collectionPanes = 96

func newCollection(cfg WindowsConfig) *collection {
	grain := divided(cfg.Collect, collectionPanes, cfg.Pane)
	sums := newGrid(WindowSpec{Name: "first", Length: grain}, cfg)
	sums.hop = sums.length
	sums.id = "first/" + grain.String()
	return &collection{
		sums: sums, length: cfg.Collect.Milliseconds(), rows: max(cfg.CollectRows, 1),
		start: math.MaxInt64, end: math.MaxInt64,
	}
}

// divided gives the shortest multiple of pane that divides length into at most n
// equal stretches; the length itself, where it is no multiple of the pane.
func divided(length time.Duration, n int, pane time.Duration) time.Duration {
	for ; n > 1; n-- {
		if length%(time.Duration(n)*pane) == 0 {
			return length / time.Duration(n)
		}
	}
	return length
}

// over tells whether nothing can be added any more to the stretch that begins at
// start.
func (c *collection) over(start, mark int64) bool { return mark >= start+c.length+c.sums.lateness }

// add adds the rows of a pane that is not too late for every stretch.
func (c *collection) add(p *Pane, mark int64) {
	span := c.sums.span(p.Start)
	if p.Rows == 0 || c.over(span.Start, mark) {
		return
	}
	cell := c.sums.at(span)
	cell.add(p)
	cell.addTexts(p)
}

// addTexts adds what a pane calls its categories.
func (c *cell) addTexts(p *Pane) {
	if c.sum.Texts == nil && len(p.Texts) > 0 {
		c.sum.Texts = map[uint64]string{}
	}
	maps.Copy(c.sum.Texts, p.Texts)
}

// look finds the stretch, forgets the sums that cannot be part of it, and gives
// these.
func (c *collection) look(mark int64) (dropped []*cell) {
	cells := c.sums.cells
	starts := slices.Sorted(maps.Keys(cells))
	c.start, c.end = math.MaxInt64, math.MaxInt64
	var rows int64 // from start on
	next := 0      // the first one that is not among these
	for _, start := range starts {
		for ; next < len(starts) && starts[next] < start+c.length; next++ {
			rows += cells[starts[next]].sum.Rows
		}
		if rows >= c.rows {
			c.start, c.end = start, start+c.length
			break
		}
		rows -= cells[start].sum.Rows
		if c.over(start, mark) {
			dropped = append(dropped, cells[start])
			delete(cells, start)
		}
	}
	for start, cell := range cells {
		if start >= c.end {
			dropped = append(dropped, cell)
			delete(cells, start)
		}
	}
	return dropped
}

// Collected gives the panes of the first stretch of event time that is Collect
// long and has CollectRows rows, and true, once the watermark of the last Advance
// is the lateness past its end. A pane here is a 96th of it, or what comes next in
// multiples of the configured one. They are still those of the Windows: to read
// only.
func (w *Windows) Collected() ([]Pane, bool) {
	c := w.collect
	if c == nil || c.start == math.MaxInt64 || !c.over(c.start, w.mark) {
		return nil, false
	}
	var panes []Pane // those before the stretch are forgotten by now
	for _, start := range slices.Sorted(maps.Keys(c.sums.cells)) {
		panes = append(panes, c.sums.cells[start].sum)
	}
	return panes, true
}
