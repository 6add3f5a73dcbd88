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

// Span is a window's stretch of event time, Unix milliseconds, end exclusive.
type Span struct{ Start, End int64 }

// WindowsConfig is what Windows is told.
type WindowsConfig struct {
	Pane, Lateness, Idle time.Duration
	Windows              []WindowSpec
	Zone                 *time.Location
}

// Windows sums the deltas of one generation and model version. See part B's brief.
type Windows struct{}

// Closed is a window that is to be reported.
type Closed struct {
	Window                   WindowSpec
	Span                     Span
	Revision                 int
	Rows, Late, Future, Lost int64
	Complete                 bool // every partition counted, nothing Lost, no pane dropped
	Fields                   []Counts
}

// ---- part C: reference, statistics (reference*.go, bins.go, statistics*.go)

// ---- part D: alarms (calibrate.go, judge.go, hysteresis.go)

// JudgeConfig is what a Judge is told.
type JudgeConfig struct {
	FalseAlarms float64       // to put up with,
	Per         time.Duration // in this much event time, for the whole model together
	Effect      float64
	MinRows     int64
	Windows     []WindowSpec
}

// Judge puts statistics and verdicts to closed windows of one reference. It is
// deterministic, and its state is that of the alarms that are on.
type Judge struct{}

// NewJudge calibrates one with the reference's held-out blocks. The schema says
// what a closed window's fields are; those that the reference lacks, all where it
// is nil, are "collecting".
func NewJudge(s *Schema, ref *Reference, c JudgeConfig) *Judge { panic("D") }

// Judge gives the report of a closed window (everything but pipeline, model,
// version), remembers what it needs for hysteresis, and tells the alarms that
// begin or end with this window.
func (j *Judge) Judge(c *Closed) (*Report, []AlarmEvent) { panic("D") }

// State and Restore carry what is on over a takeover.
func (j *Judge) State() []byte { panic("D") }

// Restore continues where State was taken.
func (j *Judge) Restore(state []byte) error { panic("D") }

// AlarmEvent tells that an alarm began or ended.
type AlarmEvent struct {
	Begins   bool      `json:"begins"`
	Window   string    `json:"window"` // as in Report, which window began or ended it
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Since    time.Time `json:"since"` // as told when it began; with Window it names the alarm
	Severity string    `json:"severity"`
	Features []string  `json:"features"` // in descending order of effect
}
