package drift

import (
	"iter"
	"strconv"
)

// Counter counts the rows of one pane. Its methods allocate nothing once warm, but
// for the strings of Texts; it is not safe for concurrent use. Field numbers are
// those of the fields that NewSchema was given, embeddings not expanded.
type Counter struct {
	schema    *Schema
	countedAs []span // the schema's
	rows      int64
	fields    []fieldCounter // one a field of the schema
	digits    []byte         // of a centroid's number
}

// fieldCounter has numbers or texts, or neither, as the field's kind is.
type fieldCounter struct {
	missing, typeErrors int64
	numbers             *histogram
	texts               *textCounter
}

// NewCounter makes an empty one.
func NewCounter(s *Schema) *Counter {
	c := &Counter{schema: s, countedAs: s.countedAs, fields: make([]fieldCounter, len(s.Fields))}
	for i := range s.Fields {
		f := &s.Fields[i]
		switch f.Kind {
		case Numeric:
			c.fields[i].numbers = newHistogram(f.parts)
		case Categorical:
			c.fields[i].texts = newTextCounter(f)
		}
	}
	return c
}

// Row comes before the values of a row, every field of which then gets one call.
// A row that is rejected for a field's type gets one call of TypeError instead.
func (c *Counter) Row() { c.rows++ }

// Number counts a value of a numeric field, NaN and Inf too.
func (c *Counter) Number(field int, v float64) {
	c.fields[c.countedAs[field].from].numbers.addOne(v)
}

// Numbers counts a column of a numeric field.
func (c *Counter) Numbers(field int, v []float64) {
	c.fields[c.countedAs[field].from].numbers.add(v)
}

// Text counts a value of a categorical field.
func (c *Counter) Text(field int, v []byte) {
	c.fields[c.countedAs[field].from].texts.add(v)
}

// Vector counts a value of an embedding. One of another width than the field's is
// a TypeError.
func (c *Counter) Vector(field int, v []float32) {
	at := c.countedAs[field]
	own := &c.schema.Fields[at.from-1]
	if len(v) != own.Width {
		c.TypeError(field)
		return
	}
	derived := c.fields[at.from:at.to]
	norm, along := project(v, own.signs)
	derived[0].numbers.addOne(norm)
	for i, x := range along {
		derived[1+i].numbers.addOne(x)
	}
	if len(own.Centroids) > 0 {
		// A vector that is not finite is near to none: -1 is New.
		c.digits = strconv.AppendInt(c.digits[:0], int64(nearest(v, own.Centroids)), 10)
		derived[1+projections].texts.add(c.digits)
	}
}

// Missing counts a row without a value for the field.
func (c *Counter) Missing(field int) {
	for i := c.countedAs[field].from; i < c.countedAs[field].to; i++ {
		c.fields[i].missing++
	}
}

// TypeError counts a row that was rejected for the field's type.
func (c *Counter) TypeError(field int) {
	for i := c.countedAs[field].from; i < c.countedAs[field].to; i++ {
		c.fields[i].typeErrors++
	}
}

// Rows is the number of rows that were counted.
func (c *Counter) Rows() int64 { return c.rows }

// Counts gives what was counted, one a field of the schema (embeddings expanded),
// in dst, which it overwrites. What it points to is the counter's until Reset.
func (c *Counter) Counts(dst []Counts) []Counts {
	dst = dst[:0]
	for i := range c.fields {
		f := &c.fields[i]
		counts := Counts{Missing: f.missing, TypeErrors: f.typeErrors}
		if f.numbers != nil {
			f.numbers.tell(&counts)
		}
		if f.texts != nil {
			f.texts.counts(&counts)
		}
		counts.Rows = counts.Missing + counts.TypeErrors + counts.NaN + counts.PosInf + counts.NegInf + counts.Finite() + counts.Named()
		dst = append(dst, counts)
	}
	return dst
}

// Texts gives the texts of the categories in Counts that the schema has no name
// for, by hash, in no order: they are needed where a reference is still collected.
// Texts above MaxText bytes are left out.
func (c *Counter) Texts() iter.Seq2[uint64, string] {
	return func(yield func(uint64, string) bool) {
		for i := range c.fields {
			if t := c.fields[i].texts; t != nil && t.values != nil && !t.values.each(yield) {
				return
			}
		}
	}
}

// Reset empties the counter.
func (c *Counter) Reset() {
	c.rows = 0
	for i := range c.fields {
		f := &c.fields[i]
		f.missing, f.typeErrors = 0, 0
		if f.numbers != nil {
			f.numbers.reset()
		}
		if f.texts != nil {
			f.texts.reset()
		}
	}
}
