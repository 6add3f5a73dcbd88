package drift

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// collection are the panes that a first reference is made of.
type collection struct {
	sums   *grid // their windows are one sum long, and never reported
	length int64 // of event time that is collected, milliseconds
	start  int64 // of the first pane; math.MaxInt64 before there is one
}

// collectionPanes is how many the collected stretch is made of, or a few less.
const collectionPanes = 96

func newCollection(cfg WindowsConfig) *collection {
	grain := divided(cfg.Collect, collectionPanes, cfg.Pane)
	sums := newGrid(WindowSpec{Name: "first", Length: grain}, cfg)
	sums.hop = sums.length
	sums.id = "first/" + grain.String()
	return &collection{sums: sums, length: cfg.Collect.Milliseconds(), start: math.MaxInt64}
}

// complete tells whether nothing can be added any more.
func (c *collection) complete(mark int64) bool {
	return c.start != math.MaxInt64 && mark >= c.start+c.length+c.sums.lateness
}

// add adds a pane that lies in the stretch, or begins it earlier.
func (c *collection) add(p *Pane, mark int64) {
	span := c.sums.span(p.Start)
	if c.complete(mark) || c.start != math.MaxInt64 && span.Start >= c.start+c.length {
		return
	}
	if p.Rows > 0 {
		c.start = min(c.start, span.Start)
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

// begin finds the start among restored panes.
func (c *collection) begin() {
	for start, cell := range c.sums.cells {
		if cell.sum.Rows > 0 {
			c.start = min(c.start, start)
		}
	}
}

// Collected gives the panes of the first stretch of event time that is Collect
// long, and true, once the watermark is the lateness past its end. A pane here is
// a 96th of it, or what comes next in multiples of the configured one. They are
// still those of the Windows: to read only.
func (w *Windows) Collected() ([]Pane, bool) {
	c := w.collect
	if c == nil || !c.complete(w.mark) {
		return nil, false
	}
	var panes []Pane
	for start, cell := range c.sums.cells {
		if start >= c.start && start < c.start+c.length && cell.sum.Rows > 0 {
			panes = append(panes, cell.sum)
		}
	}
	slices.SortFunc(panes, func(a, b Pane) int { return cmp.Compare(a.Start, b.Start) })
	return panes, true
}
