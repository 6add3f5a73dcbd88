package inference

import (
	"math"
	"strconv"

	"github.com/penstock/penstock"
)

// cellValue decodes a cell to one element of the row at hand.
func (b *Batch) cellValue(n *node, t *target, c *Cell) {
	s := &b.stores[t.input]
	i, why := b.row*s.width+t.column, ""
	switch c.Kind {
	case CellText:
		var missing bool
		if missing, why = looseText(c.Bytes, s, i); missing {
			b.missingCell(n, t)
		}
	case CellString:
		switch {
		case s.typ == String:
			plainText(c.Bytes, s, i)
		case t.coerce && s.typ != Bool:
			why = coerced(c.Bytes, s, i)
		default:
			why = "a string"
		}
	case CellBool:
		why = storeBool(s, i, c.Int != 0)
	case CellFloat:
		why = storeFloat(s, i, c.Float)
	default:
		why = storeInteger(s, i, c)
	}
	if why != "" {
		b.wrongType(n, t, -1, why)
	}
}

// missingCell fills what a cell leaves open that is blank or nan, or rejects the
// row. It is missing for this target alone: to a string input it is a text.
func (b *Batch) missingCell(n *node, t *target) {
	if t.policy == MissingReject {
		b.reject(penstock.ClassMissing, n, -1, "blank or nan, and the mapping has no missing policy for it")
		return
	}
	b.fillTarget(t)
	b.markFilled(n)
}

// storeInteger writes a CellInt or CellUint to element i of s, or says why not.
func storeInteger(s *store, i int, c *Cell) (why string) {
	negative, magnitude := c.Kind == CellInt && c.Int < 0, uint64(c.Int)
	switch {
	case s.typ == String || s.typ == Bool:
		return "a number"
	case s.typ.Float() && c.Kind == CellInt:
		writeNumber(s.typ, s.at(i), float64(c.Int))
		return ""
	case s.typ.Float():
		writeNumber(s.typ, s.at(i), float64(magnitude))
		return ""
	}
	if negative {
		magnitude = -magnitude
	}
	if !writeInteger(s.typ, s.at(i), negative, magnitude) {
		return string(c.appendNumber(nil)) + " is out of range"
	}
	return ""
}

// storeFloat writes a typed float to element i of s, or says why not. Unlike
// JSON, files of typed columns have NaN and infinities.
func storeFloat(s *store, i int, f float64) (why string) {
	switch {
	case s.typ == String || s.typ == Bool:
		return "a number"
	case s.typ.Float():
		writeNumber(s.typ, s.at(i), f)
		return ""
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	switch magnitude := math.Abs(f); {
	case f != math.Trunc(f):
		return text + " is no integer"
	case !(magnitude < 1<<64) || !writeInteger(s.typ, s.at(i), f < 0, uint64(magnitude)):
		return text + " is out of range"
	}
	return ""
}
