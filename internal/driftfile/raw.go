package driftfile

import (
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
