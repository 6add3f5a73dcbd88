package driftfile

import (
	"fmt"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/eventfile"
)

// pane is what was counted of a stretch of event time.
type pane struct {
	rows   int64
	fields []drift.Counts
	raw    []drift.Column // where somebody asked for the values themselves
}

// counting counts rows by pane.
type counting struct {
	fields  []drift.Field
	grouper grouper
	keepRaw bool
	panes   map[int64]*pane
	columns []columnCount
}

// columnCount counts one column. It is only one goroutine's at a time.
type columnCount struct {
	counter    *drift.Counter
	pane       *pane // that the counter counts
	rows       bool  // since it was reset
	scratch    []drift.Counts
	unreadable unreadable
}

// unreadable is the values of a column that are not what the column is.
type unreadable struct {
	n     int64
	first string // where, and what
}

func (u *unreadable) note(b *batch, row int, place string) {
	if u.n++; u.n == 1 {
		u.first = place
	}
}

func newCounting(fields []drift.Field, ref *drift.Reference, start func(int64) int64) *counting {
	c := &counting{
		fields: fields, panes: map[int64]*pane{}, columns: make([]columnCount, len(fields)),
		grouper: grouper{start: start, from: 1},
	}
	for i := range fields {
		c.columns[i].counter = drift.NewCounter(drift.NewSchema(fields[i:i+1], ref))
	}
	return c
}

func (c *counting) prepare(b *batch) error {
	b.groups = c.grouper.group(b)
	for i := range b.groups {
		g := &b.groups[i]
		p := c.panes[g.pane]
		if p == nil {
			p = &pane{fields: make([]drift.Counts, len(c.fields))}
			if c.keepRaw {
				p.raw = make([]drift.Column, len(c.fields))
			}
			c.panes[g.pane] = p
		}
		p.rows += int64(g.n)
	}
	return nil
}

func (c *counting) take(b *batch, field int, v *eventfile.Vector) error {
	column := &c.columns[field]
	for i := range b.groups {
		g := &b.groups[i]
		if p := c.panes[g.pane]; p != column.pane {
			column.flush(field)
			column.pane = p
		}
		column.count(g, v, c.fields[field].Kind)
		if c.keepRaw {
			appendRaw(&column.pane.raw[field], g, v, c.fields[field].Kind)
		}
	}
	if !v.Whole {
		column.noteUnreadable(b, v, c.fields[field].Name)
	}
	return nil
}

func (c *columnCount) count(g *group, v *eventfile.Vector, kind drift.Kind) {
	c.rows = true
	switch {
	case kind == drift.Numeric && v.Whole && g.rows == nil:
		for range g.n {
			c.counter.Row()
		}
		c.counter.Numbers(0, v.Values)
	case kind == drift.Numeric:
		g.each(func(row int) {
			c.counter.Row()
			switch v.States[row] {
			case eventfile.Present:
				c.counter.Number(0, v.Values[row])
			case eventfile.Absent:
				c.counter.Missing(0)
			default:
				c.counter.TypeError(0)
			}
		})
	default:
		g.each(func(row int) {
			c.counter.Row()
			if v.States[row] == eventfile.Present {
				c.counter.Text(0, v.Text(row))
			} else {
				c.counter.Missing(0)
			}
		})
	}
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

func (c *columnCount) noteUnreadable(b *batch, v *eventfile.Vector, name string) {
	for row, state := range v.States {
		if state != eventfile.Unreadable {
			continue
		}
		if c.unreadable.n++; c.unreadable.n == 1 {
			c.unreadable.first = fmt.Sprintf("%s: column %s", b.place(row, c), name)
		}
	}
}

// finish adds what is left in the counters.
func (c *counting) finish() {
	for i := range c.columns {
		if c.columns[i].pane != nil {
			c.columns[i].flush(i)
		}
	}
}
