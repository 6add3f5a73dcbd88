package observe

import (
	"math"
	"slices"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
)

// Config is what all workers' counting has in common.
type Config struct {
	Pipeline string
	Model    penstock.ModelIdentity
	Variant  string

	Pane     time.Duration // of event time, whole milliseconds
	Lateness time.Duration
	Plan     *Plan
	// RecordTime: events have no time of their own but their records' timestamps.
	RecordTime bool
	// Schema is by what is counted at the moment. It is asked at the beginning of
	// an epoch, and gives the same pointer until something changes.
	Schema func() *drift.Schema
}

// Epoch is what a worker counts between two commits: of each partition one
// counter a pane of event time. Reset keeps the memory.
type Epoch struct {
	c        *Config
	schema   *drift.Schema
	observer *Observer

	partitions []partition
	panes      []pane
	used       int // of panes
	last       int // the partition that was asked for last
	delta      drift.Delta
}

// partition is one that the epoch has events of.
type partition struct {
	source  string
	number  int32
	horizon int64 // the latest event time so far that is not future, Unix milliseconds
	last    int   // the pane that was asked for last; -1: none
}

// pane counts the events of one partition whose time lies in one pane.
type pane struct {
	partition    int
	start        int64
	late, future int64
	counter      *drift.Counter
	rows         []int // of the batch at hand
	counts       []drift.Counts
}

// An epoch that has as much is committed: each pane holds a table of some 8 kB for
// every field, and as much again of numbers that wait to be counted, and they are
// searched one by one.
const (
	mostPanes  = 256
	mostTables = 8192
)

// NewEpoch makes an empty one.
func NewEpoch(c *Config) *Epoch {
	return &Epoch{c: c, observer: NewObserver(c.Plan)}
}

// Full tells whether the epoch had better be committed for what it holds.
func (e *Epoch) Full() bool {
	return e.used >= mostPanes || e.used*len(e.schema.Fields) >= mostTables
}

// Begin takes the schema of the moment for an empty epoch.
func (e *Epoch) Begin() {
	if now := e.c.Schema(); now != e.schema {
		e.schema = now
		e.panes = nil
	}
}

// Reset forgets all that was counted.
func (e *Epoch) Reset() {
	for i := range e.panes[:e.used] {
		p := &e.panes[i]
		p.counter.Reset()
		p.rows = p.rows[:0]
	}
	e.partitions, e.used, e.last = e.partitions[:0], 0, 0
}

// Event is what decides where an event is counted.
type Event struct {
	ID     *penstock.EventID
	Record int64 // the record's timestamp, Unix milliseconds; negative: none
	// Nanos is the event's own time, Unix nanoseconds, where Timed.
	Nanos int64
	Timed bool
}

// time is the event time, Unix milliseconds; ok is false when there is none.
func (v *Event) time() (at int64, ok bool) {
	if v.Timed {
		return floor(v.Nanos, int64(time.Millisecond)), true
	}
	return v.Record, v.Record >= 0
}

// floor divides, rounding down.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// future tells whether an event is dated later than its record can be.
func (e *Epoch) future(v *Event, at int64) bool {
	return v.Record >= 0 && at > v.Record+e.c.Lateness.Milliseconds()
}

// Pass sees an event that is not counted: its own time may move the partition's
// horizon. That of a record alone does not, where events have their own: in a
// backfill one tombstone would make all that follow late.
func (e *Epoch) Pass(v *Event) {
	p := e.partition(v.ID)
	if at, ok := v.time(); ok && (v.Timed || e.c.RecordTime) && !e.future(v, at) {
		p.horizon = max(p.horizon, at)
	}
}

// Row sees the event of a row of the batch at hand, to be counted by Count.
func (e *Epoch) Row(v *Event, row int) {
	if p := e.place(v); p != nil {
		p.rows = append(p.rows, row)
	}
}

// TypeError counts an event that was rejected for the type of the field at path.
func (e *Epoch) TypeError(v *Event, path string) {
	if p := e.place(v); p != nil {
		e.c.Plan.TypeError(p.counter, path)
	}
}

// Count counts the rows that were seen since it was last called, while the batch
// still has them.
func (e *Epoch) Count(b *inference.Batch, out Outputs) {
	for i := range e.panes[:e.used] {
		if p := &e.panes[i]; len(p.rows) > 0 {
			e.observer.Count(p.counter, b, out, p.rows)
			p.rows = p.rows[:0]
		}
	}
}

// place finds the pane that an event is counted in; nil where it has no time, is
// late, or dated in the future, of which the last two are counted as that. Late is
// what comes more than the lateness behind the latest event before it in its
// partition.
func (e *Epoch) place(v *Event) *pane {
	p := e.partition(v.ID)
	at, ok := v.time()
	if !ok {
		return nil
	}
	if e.future(v, at) {
		e.pane(p, v.Record).future++
		return nil
	}
	before := p.horizon
	if v.Timed || e.c.RecordTime {
		p.horizon = max(before, at)
	}
	q := e.pane(p, at)
	if before >= q.start+e.c.Pane.Milliseconds()+e.c.Lateness.Milliseconds() {
		q.late++
		return nil
	}
	return q
}

// partition finds or adds an event's partition. Events mostly come in runs.
func (e *Epoch) partition(id *penstock.EventID) *partition {
	is := func(p *partition) bool { return p.number == id.Partition && p.source == id.Source }
	if e.last < len(e.partitions) && is(&e.partitions[e.last]) {
		return &e.partitions[e.last]
	}
	for i := range e.partitions {
		if is(&e.partitions[i]) {
			e.last = i
			return &e.partitions[i]
		}
	}
	e.last = len(e.partitions)
	e.partitions = append(e.partitions, partition{source: id.Source, number: id.Partition, horizon: math.MinInt64, last: -1})
	return &e.partitions[e.last]
}

// pane finds or adds the pane of a partition, the one asked for last, that a time
// lies in.
func (e *Epoch) pane(p *partition, at int64) *pane {
	length := e.c.Pane.Milliseconds()
	if p.last >= 0 {
		if q := &e.panes[p.last]; q.start <= at && at < q.start+length {
			return q
		}
	}
	start := floor(at, length) * length
	for i := range e.panes[:e.used] {
		if q := &e.panes[i]; q.partition == e.last && q.start == start {
			p.last = i
			return q
		}
	}
	if e.used == len(e.panes) {
		e.panes = append(e.panes, pane{counter: drift.NewCounter(e.schema)})
	}
	p.last = e.used
	e.used++
	q := &e.panes[p.last]
	q.partition, q.start, q.late, q.future = e.last, start, 0, 0
	return q
}

// Delta is what the epoch has of a partition, without its range. It is valid until
// the next call or Reset. A partition that nothing was seen of has no panes.
func (e *Epoch) Delta(source string, number int32) *drift.Delta {
	d := &e.delta
	*d = drift.Delta{
		Pipeline: e.c.Pipeline, Model: e.c.Model.Name, Version: e.c.Model.Version, Variant: e.c.Variant,
		Generation: e.schema.Generation, Source: source, Partition: number, Parts: 1,
		Horizon: math.MinInt64, Panes: d.Panes[:0],
	}
	for i := range e.partitions {
		p := &e.partitions[i]
		if p.source != source || p.number != number {
			continue
		}
		d.Horizon = p.horizon
		for k := range e.panes[:e.used] {
			if q := &e.panes[k]; q.partition == i {
				d.Panes = append(d.Panes, q.counted())
			}
		}
	}
	slices.SortFunc(d.Panes, func(a, b drift.Pane) int {
		if a.Start < b.Start {
			return -1
		}
		return 1
	})
	return d
}

// counted is the pane as it travels.
func (q *pane) counted() drift.Pane {
	p := drift.Pane{Start: q.start, Rows: q.counter.Rows(), Late: q.late, Future: q.future}
	if p.Rows == 0 {
		return p
	}
	q.counts = q.counter.Counts(q.counts[:0])
	p.Fields = q.counts
	for hash, text := range q.counter.Texts() {
		if p.Texts == nil {
			p.Texts = map[uint64]string{}
		}
		p.Texts[hash] = text
	}
	return p
}
