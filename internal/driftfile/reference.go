package driftfile

import (
	"context"
	"errors"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/eventfile"
)

// Notes are what a reader of the result should know and no report says.
type Notes struct {
	Rows    int64
	Untimed int64 // rows without an event time, which are left out
	// Unreadable tells for each column with values that are not what the column
	// is (they count as type errors) how many there are and where the first is.
	Unreadable []Unreadable
}

// Unreadable is the values of a column that are not what the column is.
type Unreadable struct {
	Field string
	N     int64
	First string // file:line:col
}

// Reference builds a reference from all rows, in one pass. block is the stretch of
// event time that alarms are calibrated with.
func (in *Input) Reference(ctx context.Context, fields []drift.Field, block time.Duration) (*drift.Reference, *Notes, error) {
	b := &building{fields: fields, grouper: grouper{start: floor(block), from: 1}}
	for i := range fields {
		b.columns = append(b.columns, columnBuild{builder: drift.NewReferenceBuilder(fields[i:i+1], block)})
	}
	if err := in.read(ctx, columnsOf(fields), b); err != nil {
		return nil, nil, err
	}
	ref, err := b.join()
	return ref, b.notes(), err
}

// floor is the start of the stretch of event time that a time lies in.
func floor(stretch time.Duration) func(unixMilli int64) int64 {
	step := stretch.Milliseconds()
	return func(at int64) int64 {
		if rest := at % step; rest < 0 {
			return at - rest - step
		} else {
			return at - rest
		}
	}
}

// building is a reference on its way: each column is built by itself.
type building struct {
	fields  []drift.Field
	grouper grouper
	rows    int64
	columns []columnBuild
}

type columnBuild struct {
	builder    *drift.ReferenceBuilder
	unreadable Unreadable
}

func (b *building) prepare(batch *batch) error {
	batch.groups = b.grouper.group(batch)
	for i := range batch.groups {
		b.rows += int64(batch.groups[i].n)
	}
	return nil
}

func (b *building) take(batch *batch, field int, v *eventfile.Vector) error {
	c := &b.columns[field]
	for i := range batch.groups {
		g := &batch.groups[i]
		count(c.builder.At(g.pane, batch.times != nil), g, v, b.fields[field].Kind)
	}
	c.unreadable.note(batch, field, b.fields[field].Name, v)
	return nil
}

// join puts the columns' references together.
func (b *building) join() (*drift.Reference, error) {
	var whole *drift.Reference
	for i := range b.columns {
		part, err := b.columns[i].builder.Build()
		if err != nil {
			return nil, err
		}
		if whole == nil {
			whole = part
		} else {
			whole.Fields = append(whole.Fields, part.Fields...)
		}
	}
	if whole == nil {
		return nil, errors.New("there is no column to count")
	}
	if b.grouper.from <= b.grouper.to {
		whole.From, whole.To = time.UnixMilli(b.grouper.from).UTC(), time.UnixMilli(b.grouper.to).UTC()
	}
	data, err := whole.Encode()
	if err != nil {
		return nil, err
	}
	return drift.ParseReference(data) // the digest is that of what is written
}

func (b *building) notes() *Notes {
	n := &Notes{Rows: b.rows, Untimed: b.grouper.untimed}
	for i := range b.columns {
		n.add(&b.columns[i].unreadable)
	}
	return n
}

func (n *Notes) add(u *Unreadable) {
	if u.N > 0 {
		n.Unreadable = append(n.Unreadable, *u)
	}
}
