package drift

// This file holds the contract between the parts while they are built. Whoever
// builds a part moves its piece into a file of its own and deletes it here.

import (
	"iter"
	"time"
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

// ---- part B: delta codec, windows, watermark (delta.go, delta_decode.go, window.go, calendar.go, watermark.go, windows.go)

// Delta is what one epoch of one worker counted of one partition: the events with
// offsets From to To-1.
type Delta struct {
	Pipeline, Model, Version, Variant string
	Generation                        string
	Source                            string // topic, or stream/filter on NATS
	Partition                         int32
	From, To                          int64
	Part, Parts                       int // of a delta above 512 KiB that was split; 0 and 1 otherwise
	// Horizon is the latest event time, Unix milliseconds, of the range's events
	// that are not Future; math.MinInt64 without any.
	Horizon int64
	// Idle: the partition was read to its end when this was written, at Clock
	// (Unix milliseconds). From == To where that is all it says.
	Idle  bool
	Clock int64
	Panes []Pane // ascending by Start
}

// Pane is what was counted of a stretch of event time.
type Pane struct {
	Start  int64 // Unix milliseconds
	Rows   int64
	Late   int64    // events not counted: the partition was more than the lateness beyond the pane's end within the delta's own range
	Future int64    // events whose record time lies here and whose event time is more than the lateness later
	Lost   int64    // events that should be here and could not be counted
	Fields []Counts // one a field of the schema; empty where Rows is 0
	Texts  map[uint64]string
}

// MaxDelta is the most bytes of an encoded delta.
const MaxDelta = 512 << 10

// Encode gives the delta in as many records as it takes, each at most MaxDelta.
func (d *Delta) Encode() [][]byte { panic("B") }

// DecodeDelta reads one record.
func DecodeDelta(data []byte) (*Delta, error) { panic("B") }

// WindowSpec is a length (hopping by a twelfth) or a calendar unit: day, week, month.
type WindowSpec struct {
	Name     string // as the config spells it: 1h, 1mo
	Length   time.Duration
	Calendar string // "", "1d", "1w", "1mo"
}

// Step is the stretch of event time around t, Unix milliseconds, that no bound of
// the spec's windows divides: a twelfth of a length, counted from 1970, or the
// whole calendar unit in zone. A sliding window is twelve steps, and one ends
// with each step.
func (w WindowSpec) Step(t int64, zone *time.Location) Span { panic("B") }

// Span is a window's stretch of event time, Unix milliseconds, end exclusive.
type Span struct{ Start, End int64 }

// WindowsConfig is what Windows is told.
type WindowsConfig struct {
	Pane, Lateness, Idle time.Duration
	Windows              []WindowSpec
	Zone                 *time.Location
	// Collect is the stretch of event time whose panes are kept for a first
	// reference, see Collected; 0 where there is one.
	Collect time.Duration
}

// PartitionID names a partition of the source.
type PartitionID struct {
	Source    string // topic, or stream/filter on NATS
	Partition int32
}

// Windows sums the deltas of one generation of one model version into windows.
// What it keeps are not panes but sums of as many as no window's bounds divide: a
// twelfth of a sliding window, a whole calendar one.
//
// Its owner calls Partitions when the broker's metadata changed, Apply for every
// delta in the order of the log, Advance about once a second, and before a commit
// Dirty, whose records go into the same commit as the offsets. After a takeover
// Restore gives back what the last commit left.
type Windows struct{}

// ApplyResult says what became of a delta.
type ApplyResult struct {
	Pending   bool  // a part of a delta, of which others are still to come
	Duplicate int64 // offsets that had been counted before; the delta was skipped
	Overlap   int64 // offsets that may have been counted twice: the ranges overlap without being the same
	Lost      int64 // offsets between the last delta and this one that nobody counted
	Late      int64 // events that came too late and are not counted
	Expired   int64 // events too late for any window to tell of them, and no part of Late in any report
}

// WindowsGauges says where a Windows stands.
type WindowsGauges struct {
	Watermark  int64 // Unix milliseconds; math.MinInt64 before there is one
	Partitions int   // listed
	Unseen     int   // of these, not heard of: they hold the watermark back
	Idle       int   // of these, idle: they do not
	Panes      int   // sums kept
}

// NewWindows begins with nothing. The fields are those of the schema.
func NewWindows(cfg WindowsConfig, fields []FieldSchema) *Windows { panic("B") }

// Partitions sets the list of the source's partitions. There is no watermark
// before the first one.
func (w *Windows) Partitions(ids []PartitionID) { panic("B") }

// Apply adds a delta. Deltas of one partition come in the order of their ranges,
// those of different partitions in any. An error says that the delta does not fit
// the schema; nothing was added then.
func (w *Windows) Apply(d *Delta) (ApplyResult, error) { panic("B") }

// Advance moves the watermark, given the clock in Unix milliseconds, and gives the
// windows that closed or changed since, by end and then by the config's order.
// Windows without rows are left out.
func (w *Windows) Advance(clock int64) []Closed { panic("B") }

// Collected gives the panes of the first stretch of event time that is Collect
// long, and true, once the watermark is the lateness past its end; the panes are of
// Collect/96 or a bit more.
func (w *Windows) Collected() ([]Pane, bool) { panic("B") }

// Gauges says where it stands.
func (w *Windows) Gauges() WindowsGauges { panic("B") }

// Dirty gives the records of the state that changed since Saved was last called,
// each at most MaxDelta long; one that is nil is to be deleted. Keys are printable
// and mean nothing to others; who stores records of several Windows puts its own
// prefix before them.
func (w *Windows) Dirty() iter.Seq2[string, []byte] { panic("B") }

// Saved says that what Dirty gave is stored.
func (w *Windows) Saved() { panic("B") }

// Restore puts an empty Windows where the stored records say, which come in any
// order. Records that do not belong to the state any more are ignored.
func (w *Windows) Restore(records iter.Seq2[string, []byte]) error { panic("B") }

// Closed is a window that is to be reported.
type Closed struct {
	Window                   WindowSpec
	Span                     Span
	Revision                 int
	Rows, Late, Future, Lost int64
	Complete                 bool // every partition counted, nothing Lost, no pane dropped
	Fields                   []Counts
}
