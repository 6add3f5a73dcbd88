package driftfile

import (
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/eventfile"
)

// counting counts rows by pane, column by column.
type counting struct {
	*sums
	fields  []drift.Field
	grouper grouper
	groups  []group // of the batch at hand
	columns []columnCount
}

// columnCount counts one column. It is only one goroutine's at a time.
type columnCount struct {
	counter    *drift.Counter
	pane       *pane // that the counter counts
	rows       bool  // since it was reset
	scratch    []drift.Counts
	unreadable Unreadable
}

// note counts a column's unreadable values in a frame.
func (u *Unreadable) note(f *eventfile.Frame, column int, v *eventfile.Vector) {
	if v.Whole {
		return
	}
	for row, state := range v.States {
		if state != eventfile.Unreadable {
			continue
		}
		if u.N++; u.N == 1 {
			u.First = f.Place(row, column)
		}
	}
}

func newCounting(c *Comparison, start func(unixMilli int64) int64) *counting {
	n := &counting{sums: newSums(len(c.Fields), c.Compat != ""), fields: c.Fields, columns: make([]columnCount, len(c.Fields))}
	n.grouper = grouper{start: start, times: &n.times}
	for i := range c.Fields {
		n.columns[i].counter = drift.NewCounter(drift.NewSchema(c.Fields[i:i+1], c.Reference))
	}
	return n
}

// prepare finds the panes of a batch's rows.
func (c *counting) prepare(b *batch) {
	if c.tooFine() {
		c.finish()
		c.coarsen()
	}
	c.groups = c.grouper.group(b)
	for i := range c.groups {
		c.pane(c.groups[i].pane).rows += int64(c.groups[i].n)
	}
}

// take counts a column of the batch.
func (c *counting) take(field int, v *eventfile.Vector) {
	column := &c.columns[field]
	for i := range c.groups {
		g := &c.groups[i]
		if p := c.pane(g.pane); p != column.pane {
			column.flush(field)
			column.pane = p
		}
		column.rows = true
		count(column.counter, g, v, c.fields[field].Kind)
		if c.keepRaw {
			appendRaw(&column.pane.raw[field], g, v, c.fields[field].Kind)
		}
	}
}

// rows takes the rows of one field, as a drift.Counter and drift.ReferenceRows do.
type rows interface {
	Row()
	Number(field int, v float64)
	Numbers(field int, v []float64)
	Text(field int, v []byte)
	Missing(field int)
	TypeError(field int)
}

// count gives a group's values to r, which has one field.
func count(r rows, g *group, v *eventfile.Vector, kind drift.Kind) {
	if kind == drift.Numeric && v.Whole && g.rows == nil {
		for range g.n {
			r.Row()
		}
		r.Numbers(0, v.Values[g.first:g.first+g.n])
		return
	}
	g.each(func(row int) {
		r.Row()
		switch {
		case v.States[row] == eventfile.Absent:
			r.Missing(0)
		case v.States[row] == eventfile.Unreadable:
			r.TypeError(0)
		case kind == drift.Numeric:
			r.Number(0, v.Values[row])
		default:
			r.Text(0, v.Text(row))
		}
	})
}

// flush adds what the counter has to its pane.
func (c *columnCount) flush(field int) {
	if !c.rows {
		return
	}
	c.scratch = c.counter.Counts(c.scratch[:0])
	c.pane.fields[field].Add(&c.scratch[0])
	c.counter.Reset()
	c.rows = false
}

// finish adds what is left in the counters.
func (c *counting) finish() {
	for i := range c.columns {
		c.columns[i].flush(i)
		c.columns[i].pane = nil
	}
}
