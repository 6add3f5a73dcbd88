package drift

import (
	"cmp"
	"slices"
	"time"
)

// Reference says what is normal. Its JSON form is docs/formats.md's. It is
// immutable once built or parsed, and then safe for concurrent use.
type Reference struct {
	Rows   int64
	From   time.Time // event time of the first row and of the last one, where any had one
	To     time.Time
	Fields []ReferenceField
	// Block is the event time, in milliseconds, of each of the fields' Blocks; 0
	// where these are stretches of rows without a time.
	Block int64
	// Starts are the begins of the blocks, Unix milliseconds, ascending, multiples
	// of Block; stretches without rows have none. Without event times they are the
	// numbers of the first rows. Every field's Blocks are parallel to them.
	Starts []int64
	// Incomplete says why it may not be trusted; empty when it may.
	Incomplete string

	digest string
}

// ReferenceField is what is normal of one field. Embeddings stand as the fields
// that they are counted as; their Centroids with the embedding's own entry, which
// has no counts.
type ReferenceField struct {
	Field
	Layout    Layout
	Counts    Counts
	Names     []string // by descending count
	Known     []uint64 // hashes of the values that Counts.Other counts, ascending
	Open      bool     // Counts.Other counts more values than Known tells
	Centroids [][]float32
	// Bins are the keys of the lower ends of the bins that statistics use, the
	// first one's being that of the smallest number: reference deciles snapped to
	// buckets, with point bins for heavy ties.
	Bins []uint64
	// Blocks are the counts per statistic cell (see Cells) of the stretches of
	// Reference.Starts, for the calibration of alarms.
	Blocks [][]int64
}

// Digest is "sha256:…" over the JSON form: over all that decides what a report
// says.
func (r *Reference) Digest() string { return r.digest }

// Field finds a field by name; nil without one.
func (r *Reference) Field(name string) *ReferenceField {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return &r.Fields[i]
		}
	}
	return nil
}

// Cells appends to dst the counts that statistics are computed over: for a numeric
// field its bins, then -Inf, +Inf, NaN; for a categorical one its names, OTHER,
// NEW; missing and type errors last. There are always as many; cells that are empty
// on both sides change no statistic.
func (f *ReferenceField) Cells(c *Counts, dst []int64) []int64 {
	switch f.Kind {
	case Numeric:
		dst = append(f.binned(c.Buckets, dst), c.NegInf, c.PosInf, c.NaN)
	case Categorical:
		dst = append(f.named(c, dst), c.New)
	case Embedding:
		return dst
	}
	return append(dst, c.Missing, c.TypeErrors)
}

// cells is how many cells the field has.
func (f *ReferenceField) cells() int {
	switch f.Kind {
	case Numeric:
		return len(f.Bins) + 5
	case Categorical:
		return len(f.Names) + 4
	default:
		return 0
	}
}

// binned appends what the bins hold of buckets.
func (f *ReferenceField) binned(buckets []Bucket, dst []int64) []int64 {
	for i := range f.Bins {
		var n int64
		for len(buckets) > 0 && (i+1 == len(f.Bins) || buckets[0].Key < f.Bins[i+1]) {
			n += buckets[0].N
			buckets = buckets[1:]
		}
		dst = append(dst, n)
	}
	return dst
}

// named appends the counts of the names and of all others that the reference has
// seen.
func (f *ReferenceField) named(c *Counts, dst []int64) []int64 {
	other := c.Other
	for i := range c.Categories {
		other += c.Categories[i].N
	}
	for _, name := range f.Names {
		n := c.category(Hash([]byte(name)))
		dst = append(dst, n)
		other -= n
	}
	return append(dst, other)
}

func compareCategory(c Category, hash uint64) int { return cmp.Compare(c.Key, hash) }

// category is the count of one value.
func (c *Counts) category(hash uint64) int64 {
	if i, ok := slices.BinarySearchFunc(c.Categories, hash, compareCategory); ok {
		return c.Categories[i].N
	}
	return 0
}
