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
	Untimed int64      // rows without an event time, which are left out
	Times   Unreadable // event times that cannot be read; their rows are left out
	// Unreadable tells for each column with values that are not what the column
	// is (they count as type errors) how many there are and where the first is.
	Unreadable []Unreadable
}

// Join adds what is to be known of the rows that come next.
func (n *Notes) Join(o *Notes) {
	n.Rows += o.Rows
	n.Untimed += o.Untimed
	if n.Times.N == 0 {
		n.Times.First = o.Times.First
	}
	n.Times.N += o.Times.N
	n.Unreadable = append(n.Unreadable, o.Unreadable...)
}

// Unreadable is the values of a column that are not what the column is.
type Unreadable struct {
	Field string // empty: the event time
	N     int64
	First string // file:line:col
}

// Block is the stretch of event time that alarms are calibrated with, as long as
// there are not too many.
const Block = time.Minute

// Reference builds a reference from all rows, in one pass.
func (in *Input) Reference(ctx context.Context, fields []drift.Field) (*drift.Reference, *Notes, error) {
	b := &building{fields: fields, times: never}
	b.grouper = grouper{start: floor(Block), times: &b.times}
	for i := range fields {
		b.columns = append(b.columns, columnBuild{builder: drift.NewReferenceBuilder(fields[i:i+1], Block)})
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
		rest := at % step
		if rest < 0 {
			rest += step
		}
		return at - rest
	}
}

// building is a reference on its way: each column is built by itself.
type building struct {
	fields  []drift.Field
	grouper grouper
	groups  []group // of the batch at hand
	rows    int64
	times   interval
	columns []columnBuild
}

type columnBuild struct {
	builder    *drift.ReferenceBuilder
	unreadable Unreadable
}

func (b *building) prepare(batch *batch) error {
	b.groups = b.grouper.group(batch)
	for i := range b.groups {
		b.rows += int64(b.groups[i].n)
	}
	return nil
}

func (b *building) take(batch *batch, field int, v *eventfile.Vector) error {
	c := &b.columns[field]
	for i := range b.groups {
		if batch.times == nil {
			b.inOrder(c.builder, v, field)
			continue
		}
		g := &b.groups[i]
		count(c.builder.At(g.pane, true), g, v, b.fields[field].Kind)
	}
	c.unreadable.note(batch.frame, batch.places[field], v)
	return nil
}

// orderedRows is how many rows go to a block at once where they have no time.
const orderedRows = 256

// inOrder gives a batch's rows to blocks by their order.
func (b *building) inOrder(to *drift.ReferenceBuilder, v *eventfile.Vector, field int) {
	for first := 0; first < len(v.States); first += orderedRows {
		g := group{first: first, n: min(orderedRows, len(v.States)-first)}
		count(to.At(0, false), &g, v, b.fields[field].Kind)
	}
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
	if b.times != never {
		whole.From, whole.To = time.UnixMilli(b.times.first).UTC(), time.UnixMilli(b.times.last).UTC()
	}
	data, err := whole.Encode()
	if err != nil {
		return nil, err
	}
	return drift.ParseReference(data) // the digest is that of what is written
}

func (b *building) notes() *Notes {
	n := &Notes{Rows: b.rows, Untimed: b.grouper.untimed, Times: b.grouper.unreadable}
	for i := range b.columns {
		n.add(b.fields[i].Name, b.columns[i].unreadable)
	}
	return n
}

func (n *Notes) add(field string, u Unreadable) {
	if u.N > 0 {
		u.Field = field
		n.Unreadable = append(n.Unreadable, u)
	}
}
