package drift

// This file holds the contract between the parts while they are built. Whoever
// builds a part moves its piece into a file of its own and deletes it here.

import (
	"iter"
	"time"
)

// ---- part A: layout, counter, schema (layout.go, counter.go, distinct.go, embedding.go, schema.go)

// Key is the bits of v in an order that equals that of the values: -0 and 0 are one.
func Key(v float64) uint64 { panic("A") }

// Value is the inverse of Key.
func Value(key uint64) float64 { panic("A") }

// Hash is that of a category's text: XXH64, seed 0.
func Hash(text []byte) uint64 { panic("A") }

// Layout says which buckets a numeric field has. The zero value has the basic
// ones: sign, exponent and the first 6 bits of the mantissa. It is part of the
// reference's digest.
type Layout struct {
	// Splits are the lower ends of all buckets that basic buckets were split
	// into, ascending.
	Splits []uint64 `json:"splits,omitempty"`
	// compiled lookup tables are unexported
}

// Bucket is the key of the bucket that v, which is finite, belongs to.
func (l *Layout) Bucket(v float64) uint64 { panic("A") }

// End is the key of the first value behind a bucket.
func (l *Layout) End(key uint64) uint64 { panic("A") }

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

// ---- part C: reference, statistics (reference*.go, bins.go, statistics*.go)

// Reference says what is normal. Its JSON form is docs/formats.md's.
type Reference struct {
	Format int              `json:"format"`
	Rows   int64            `json:"rows"`
	From   time.Time        `json:"from,omitzero"` // event time of the first row, where there was any
	To     time.Time        `json:"to,omitzero"`
	Fields []ReferenceField `json:"fields"`
	// Block is the event time, in milliseconds, of each of the fields' Blocks; 0
	// where these are stretches of rows without a time.
	Block int64 `json:"block_ms,omitempty"`
	// Starts are the begins of the blocks, Unix milliseconds, ascending, multiples
	// of Block; stretches without rows have none. Without event times they are the
	// numbers of the first rows. Every field's Blocks are parallel to them.
	Starts []int64 `json:"starts,omitempty"`
	// Incomplete says why it may not be trusted; empty when it may.
	Incomplete string `json:"incomplete,omitempty"`
	digest     string
}

// ReferenceField is what is normal of one field. Embeddings stand as the fields
// that they are counted as; their Centroids with the embedding's own entry, which
// has no counts.
type ReferenceField struct {
	Field
	Layout    Layout      `json:"layout,omitzero"`
	Counts    Counts      `json:"counts"`
	Names     []string    `json:"names,omitempty"` // by descending count
	Known     []uint64    `json:"known,omitempty"`
	Open      bool        `json:"open,omitempty"`
	Centroids [][]float32 `json:"centroids,omitempty"`
	// Bins are the keys of the lower ends of the bins that statistics use, the
	// first one's being that of the smallest number: reference deciles snapped to
	// buckets, with point bins for heavy ties.
	Bins []uint64 `json:"bins,omitempty"`
	// Blocks are the counts per statistic cell (see Cells) of the stretches of
	// Reference.Starts, for the calibration of alarms.
	Blocks [][]int64 `json:"blocks,omitempty"`
}

// Digest is "sha256:…" over all that decides what a report says.
func (r *Reference) Digest() string { panic("C") }

// ParseReference reads the JSON form and checks it.
func ParseReference(data []byte) (*Reference, error) { panic("C") }

// Encode gives the JSON form.
func (r *Reference) Encode() ([]byte, error) { panic("C") }

// Field finds a field by name; nil without one.
func (r *Reference) Field(name string) *ReferenceField { panic("C") }

// ReferenceBuilder builds a reference from rows in one pass with bounded memory.
type ReferenceBuilder struct{}

// NewReferenceBuilder begins one. block is the stretch of event time of a calibration block.
func NewReferenceBuilder(fields []Field, block time.Duration) *ReferenceBuilder { panic("C") }

// At returns what takes the rows of the block that eventTime (Unix ms) lies in;
// rows without a time (ok false) go to blocks by their order. It is valid until
// the next At.
func (b *ReferenceBuilder) At(eventTime int64, ok bool) *ReferenceRows { panic("C") }

// ReferenceRows takes rows as a Counter does, with the same methods.
type ReferenceRows struct{}

// Row comes before the values of a row, every field of which then gets one call.
func (r *ReferenceRows) Row() { panic("C") }

// Number takes a value of a numeric field, NaN and Inf too.
func (r *ReferenceRows) Number(field int, v float64) { panic("C") }

// Numbers takes a column of a numeric field.
func (r *ReferenceRows) Numbers(field int, v []float64) { panic("C") }

// Text takes a value of a categorical field.
func (r *ReferenceRows) Text(field int, v []byte) { panic("C") }

// Vector takes a value of an embedding.
func (r *ReferenceRows) Vector(field int, v []float32) { panic("C") }

// Missing takes a row without a value for the field.
func (r *ReferenceRows) Missing(field int) { panic("C") }

// TypeError takes a row that was rejected for the field's type.
func (r *ReferenceRows) TypeError(field int) { panic("C") }

// Build ends it.
func (b *ReferenceBuilder) Build() (*Reference, error) { panic("C") }

// Collect builds a reference from counts that Windows summed without a reference
// ({first: …}): panes in order, each one the fields' counts.
func Collect(fields []Field, panes []Pane, block time.Duration) (*Reference, error) { panic("C") }

// Cells are the counts that statistics are computed over: for a numeric field its
// bins, then -Inf, +Inf, NaN; for a categorical one its names, OTHER, NEW; missing
// last. There are always as many; cells that are empty on both sides change no
// statistic. See docs/drift.md.
func (f *ReferenceField) Cells(c *Counts, dst []int64) []int64 { panic("C") }

// chiSquared is the two-sample statistic over cells, small ones pooled, and its
// degrees of freedom; 0, 0 where there is nothing to compare. Compare uses it, and
// so does calibration, with a block beside the rest of the reference.
func chiSquared(a, b []int64) (statistic float64, degrees int) { panic("C") }

// Statistics compare a window with the reference; NaN where not defined.
type Statistics struct {
	JS, JSLower       float64 // Jensen-Shannon distance, base 2, and its lower confidence bound
	PSI, PSICorrected float64
	W1                float64 // over the reference's standard deviation
	KSLower, KSUpper  float64
	Hellinger, Linf   float64
	P                 float64 // two-sample chi-squared with pooling, over Dispersion
	ChiSquared        float64
	DegreesOfFreedom  int
}

// Compare computes the statistics of cur against the reference. dispersion is how
// much more than independent draws the field varies between stretches, at least 1.
func (f *ReferenceField) Compare(cur *Counts, dispersion float64) Statistics { panic("C") }
