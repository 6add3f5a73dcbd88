package drift

import (
	"cmp"
	"errors"
	"slices"
)

var errNoRows = errors.New("there is no row to learn from")

// ReferenceRows takes rows as a Counter does, with the same methods. Field numbers
// are those of the fields that NewReferenceBuilder was given.
type ReferenceRows struct{ b *ReferenceBuilder }

// Row comes before the values of a row, every field of which then gets one call.
func (r *ReferenceRows) Row() { r.b.rows++ }

// Number takes a value of a numeric field, NaN and Inf too.
func (r *ReferenceRows) Number(field int, v float64) {
	r.b.columns[r.b.first[field]].(*numberColumn).add(v, r.b.now)
}

// Numbers takes a column of a numeric field.
func (r *ReferenceRows) Numbers(field int, v []float64) {
	c := r.b.columns[r.b.first[field]].(*numberColumn)
	for i := range v {
		c.add(v[i], r.b.now)
	}
}

// Text takes a value of a categorical field.
func (r *ReferenceRows) Text(field int, v []byte) {
	r.b.columns[r.b.first[field]].(*textColumn).add(Hash(v), v, true, 1, r.b.now)
}

// Vector takes a value of an embedding. One of another width than the field's is a
// TypeError.
func (r *ReferenceRows) Vector(field int, v []float32) {
	c := r.b.columns[r.b.first[field]].(*vectorColumn)
	if len(v) != c.field.Width {
		r.TypeError(field)
		return
	}
	c.add(v, r.b.now)
}

// Missing takes a row without a value for the field.
func (r *ReferenceRows) Missing(field int) {
	for _, c := range r.b.countedAs(field) {
		c.missing(r.b.now)
	}
}

// TypeError takes a row that was rejected for the field's type.
func (r *ReferenceRows) TypeError(field int) {
	for _, c := range r.b.countedAs(field) {
		c.typeError(r.b.now)
	}
}

// countedAs are the columns of a given field.
func (b *ReferenceBuilder) countedAs(field int) []column {
	if field+1 < len(b.first) {
		return b.columns[b.first[field]:b.first[field+1]]
	}
	return b.columns[b.first[field]:]
}

// inOrder are the numbers of starts in ascending order of these.
func inOrder(starts []int64) []int32 {
	order := make([]int32, len(starts))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(starts[a], starts[b]) })
	return order
}
