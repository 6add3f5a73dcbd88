package telemetry

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
)

// PipelineOptions says what a pipeline's metrics are labelled with.
type PipelineOptions struct {
	Name     string
	Model    penstock.ModelIdentity
	Variant  string // of the rollout, such as champion
	LoadedAt time.Time
}

// Pipeline holds what one pipeline of this process counts.
type Pipeline struct {
	options PipelineOptions

	mu         sync.Mutex // protects the two below
	workers    []*Worker
	partitions map[partitionKey]*Partition

	expired atomic.Int64
	drift   atomic.Pointer[func() []*drift.Report] // nil where none is watched

	driftEvents DriftEvents
}

type partitionKey struct {
	topic     string
	partition int32
}

// NewPipeline returns a pipeline without workers. Nothing shows it until it is
// added to a Registry.
func NewPipeline(o PipelineOptions) *Pipeline {
	return &Pipeline{options: o, partitions: map[partitionKey]*Partition{}}
}

// Name is the pipeline's name, the label of all of its metrics.
func (p *Pipeline) Name() string { return p.options.Name }

// Expired counts events that the source removed before they were read.
func (p *Pipeline) Expired(n int64) { p.expired.Add(n) }

// NewWorker returns the counters of one more worker. They count for as long as
// the pipeline does, since a sum must not shrink when a worker ends.
func (p *Pipeline) NewWorker() *Worker {
	w := newWorker()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = append(p.workers, w)
	return w
}

// Partition is one partition's gauges, the same for the same partition.
func (p *Pipeline) Partition(topic string, partition int32) *Partition {
	key := partitionKey{topic, partition}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.partitions[key] == nil {
		p.partitions[key] = &Partition{}
	}
	return p.partitions[key]
}

// snapshot gives the workers and partitions of this moment, so that nothing is
// done under the lock that a rebalance needs.
func (p *Pipeline) snapshot() ([]*Worker, map[partitionKey]*Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.workers), maps.Clone(p.partitions)
}

// Partition says whether this process reads a partition, and how far behind it
// is. It may be set and read at any time.
type Partition struct {
	assigned atomic.Bool
	position atomic.Int64
	waiting  atomic.Int64 // the lag and 1; 0: unknown
}

// SetPosition says at which event the partition goes on.
func (p *Partition) SetPosition(next int64) { p.position.Store(next) }

// SetAssigned says whether this process reads the partition. The lag is unknown
// until it is set again.
func (p *Partition) SetAssigned(assigned bool) {
	p.waiting.Store(0)
	p.assigned.Store(assigned)
}

// SetLag says how many events wait in the partition.
func (p *Partition) SetLag(n int64) { p.waiting.Store(max(n, 0) + 1) }

// Lag is how many events wait; it is known while the partition is assigned and
// once it was set.
func (p *Partition) Lag() (n int64, known bool) {
	waiting := p.waiting.Load()
	return waiting - 1, waiting > 0 && p.assigned.Load()
}

// Partitions are those that this process reads, by topic and number.
func (p *Pipeline) Partitions() []PartitionStatus {
	_, all := p.snapshot()
	var status []PartitionStatus
	for key, partition := range all {
		if !partition.assigned.Load() {
			continue
		}
		s := PartitionStatus{Topic: key.topic, Partition: key.partition, Position: partition.position.Load()}
		if lag, known := partition.Lag(); known {
			s.Lag = &lag
		}
		status = append(status, s)
	}
	slices.SortFunc(status, func(a, b PartitionStatus) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return status
}
