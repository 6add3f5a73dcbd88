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
	r.numbers(field).add(v, r.b.now)
}

// Numbers takes a column of a numeric field.
func (r *ReferenceRows) Numbers(field int, v []float64) {
	c := r.numbers(field)
	for i := range v {
		c.add(v[i], r.b.now)
	}
}

// Text takes a value of a categorical field.
func (r *ReferenceRows) Text(field int, v []byte) {
	r.texts(field).add(Hash(v), v, 1, r.b.now)
}

// Missing takes a row without a value for the field.
func (r *ReferenceRows) Missing(field int) {
	b := r.b
	for i := b.first[field]; i < b.end(field); i++ {
		b.columns[i].tally().missing(b.now)
	}
}

func ascending(starts []int64) []int32 {
	order := make([]int32, len(starts))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(starts[a], starts[b]) })
	return order
}
