package driftfile

import (
	"context"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/eventfile"
)

// appendRaw keeps a group's values themselves, for what is computed as other tools do.
func appendRaw(c *drift.Column, g *group, v *eventfile.Vector, kind drift.Kind) {
	g.each(func(row int) {
		switch {
		case v.States[row] != eventfile.Present:
			c.Missing++
		case kind == drift.Numeric:
			c.Numbers = append(c.Numbers, v.Values[row])
		default:
			c.Texts = append(c.Texts, string(v.Text(row)))
		}
	})
}

// Raw reads all values of the fields, as Comparison.Raw wants them.
func (in *Input) Raw(ctx context.Context, fields []drift.Field) ([]drift.Column, error) {
	r := &rawColumns{fields: fields, columns: make([]drift.Column, len(fields)), grouper: grouper{times: new(interval)}}
	return r.columns, in.read(ctx, columnsOf(fields), r)
}

// rawColumns keeps all values of a file.
type rawColumns struct {
	fields  []drift.Field
	columns []drift.Column
	grouper grouper
	groups  []group // of the batch at hand
}

func (r *rawColumns) prepare(b *batch) error {
	r.groups = r.grouper.group(b)
	return nil
}

func (r *rawColumns) take(_ *batch, field int, v *eventfile.Vector) error {
	for i := range r.groups {
		appendRaw(&r.columns[field], &r.groups[i], v, r.fields[field].Kind)
	}
	return nil
}
