package drift

// This file holds the contract between the parts while they are built. Whoever
// builds a part moves its piece into a file of its own and deletes it here.

import (
	"iter"
)

// ---- part A: layout, counter, schema (layout.go, counter.go, distinct.go, embedding.go, schema.go)

// Schema is what a model's rows are counted by: the fields, with embeddings
// expanded into those that they are counted as, and for each what the reference
// fixes. It is immutable and safe for concurrent use.
type Schema struct {
	Generation string // digest of all that decides what a count means; deltas of different ones are never summed
	Fields     []FieldSchema
}

// FieldSchema is one field's way of counting.
type FieldSchema struct {
	Field
	Layout    *Layout     // Numeric
	Names     []string    // Categorical: those counted by name; nil without a reference: by hash, Top of them by name
	Known     []uint64    // Categorical: hashes of further values that the reference has seen, ascending
	Open      bool        // Categorical: the reference saw more than Known holds, so that nothing counts as New
	Centroids [][]float32 // Embedding; nil without a reference
}

// NewSchema is that of the fields, without a reference when ref is nil.
func NewSchema(fields []Field, ref *Reference) *Schema { panic("A") }

// Counter counts the rows of one pane. Its methods allocate nothing once warm; it
// is not safe for concurrent use. Field numbers are those of the fields that
// NewSchema was given, embeddings not expanded.
type Counter struct{}

// NewCounter makes an empty one.
func NewCounter(s *Schema) *Counter { panic("A") }

// Row comes before the values of a row, every field of which then gets one call.
func (c *Counter) Row() { panic("A") }

// Number counts a value of a numeric field, NaN and Inf too.
func (c *Counter) Number(field int, v float64) { panic("A") }

// Numbers counts a column of a numeric field.
func (c *Counter) Numbers(field int, v []float64) { panic("A") }

// Text counts a value of a categorical field.
func (c *Counter) Text(field int, v []byte) { panic("A") }

// Vector counts a value of an embedding.
func (c *Counter) Vector(field int, v []float32) { panic("A") }

// Missing counts a row without a value for the field.
func (c *Counter) Missing(field int) { panic("A") }

// TypeError counts a row that was rejected for the field's type.
func (c *Counter) TypeError(field int) { panic("A") }

// Rows is the number of rows that were counted.
func (c *Counter) Rows() int64 { panic("A") }

// Counts gives what was counted, one a field of the schema (embeddings expanded).
// The slices are the counter's until Reset.
func (c *Counter) Counts(dst []Counts) []Counts { panic("A") }

// Texts gives the texts of the categories in Counts that the schema has no name
// for, by hash: they are needed where a reference is still collected.
func (c *Counter) Texts() iter.Seq2[uint64, string] { panic("A") }

// Reset empties the counter.
func (c *Counter) Reset() { panic("A") }

// Add adds o, of the same layout and generation, to c.
func (c *Counts) Add(o *Counts) { panic("A") }

// Clone is a copy that shares nothing.
func (c *Counts) Clone() Counts { panic("A") }

// Distinct estimates how many different values there were: a HyperLogLog whose
// registers are maxima, so that merging is exact in any order.
type Distinct struct{}

// AppendBinary appends the canonical form: the same values in any order give the
// same bytes.
func (d *Distinct) AppendBinary(b []byte) []byte { panic("A") }

// UnmarshalBinary reads what AppendBinary gives.
func (d *Distinct) UnmarshalBinary(data []byte) error { panic("A") }

// Estimate is the number of different values.
func (d *Distinct) Estimate() int64 { panic("A") }
