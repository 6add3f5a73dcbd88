package drift

// This file holds the contract between the parts while they are built. Whoever
// builds a part moves its piece into a file of its own and deletes it here.

import "time"

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

// Reference says what is normal. Its JSON form is docs/formats.md's.
type Reference struct {
	Format int              `json:"format"`
	Rows   int64            `json:"rows"`
	From   time.Time        `json:"from,omitzero"` // event time of the first row, where there was any
	To     time.Time        `json:"to,omitzero"`
	Fields []ReferenceField `json:"fields"`
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
	// Blocks are the counts per statistic cell of stretches of the reference in
	// event time, for the calibration of alarms: see Calibration.
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

// At returns the counter of the pane that eventTime (Unix ms) lies in; rows
// without a time (ok false) go to blocks by their order.
func (b *ReferenceBuilder) At(eventTime int64, ok bool) *Counter { panic("C") }

// Build ends it.
func (b *ReferenceBuilder) Build() (*Reference, error) { panic("C") }

// Collect builds a reference from counts that Windows summed without a reference
// ({first: …}): panes in order, each one the fields' counts.
func Collect(fields []Field, panes []Pane, block time.Duration) (*Reference, error) { panic("C") }

// Cells are the counts that statistics are computed over: for a numeric field its
// bins, then -Inf, +Inf, NaN where the reference or the current has any; for a
// categorical one its names, OTHER, NEW; missing last. See docs/drift.md.
func (f *ReferenceField) Cells(c *Counts, dst []int64) []int64 { panic("C") }

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

// NewJudge calibrates one with the reference's held-out blocks.
func NewJudge(ref *Reference, c JudgeConfig) *Judge { panic("D") }

// Judge gives the report of a closed window (everything but pipeline, model,
// version) and remembers what it needs for hysteresis.
func (j *Judge) Judge(c *Closed) *Report { panic("D") }

// State and Restore carry what is on over a takeover.
func (j *Judge) State() []byte { panic("D") }

// Restore continues where State was taken.
func (j *Judge) Restore(state []byte) error { panic("D") }
