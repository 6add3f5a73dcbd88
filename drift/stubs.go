package drift

// This file holds the contract between the parts while they are built. Whoever
// builds a part moves its piece into a file of its own and deletes it here.

import "time"

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
