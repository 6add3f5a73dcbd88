package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// Options say what a worker consumes.
type Options struct {
	// Session says all but Begin, Assigned and Revoked, which are the
	// consumer's own.
	Session   broker.SessionOptions
	State     *State
	Start     string // Earliest or Latest: where a partition without a position begins
	From      string // the same for one whose position is lost; empty refuses it
	Telemetry *telemetry.Pipeline
	Log       *slog.Logger
}

// Kafka is a worker's source of events. One goroutine uses it.
type Kafka struct {
	o       Options
	session *broker.Session

	mu         sync.Mutex // guards what follows, which the client's own goroutine changes
	partitions map[string]map[int32]*partition
	closed     bool // what the client still tells is of no interest

	joined   atomic.Bool
	fresh    atomic.Int64 // partitions whose fresh is set
	unplaced atomic.Int64 // partitions whose placed is not set

	attempted []penstock.EventID
	isolated  bool
}

// Oversize says that a batch of events would inflate beyond all bounds, so that
// the client does not read it. Give it to the dead letters and go on at Next.
type Oversize struct {
	ID   penstock.EventID // of its first event
	Next int64            // offset behind its last event
	Err  error
}

func (o *Oversize) Error() string { return fmt.Sprintf("events from %s on: %v", o.ID, o.Err) }
func (o *Oversize) Unwrap() error { return o.Err }

// Open joins the group.
func Open(ctx context.Context, o Options) (*Kafka, *broker.Session, error) {
	k := &Kafka{o: o, partitions: map[string]map[int32]*partition{}}
	o.Session.Begin, o.Session.Assigned, o.Session.Revoked = k.begin, k.assigned, k.revoked
	session, err := broker.Open(ctx, o.Session)
	if err != nil {
		return nil, nil, err
	}
	k.session = session
	return k, session, nil
}

// Joined tells whether the worker is a member of the group and knows where all
// its partitions begin: what is published from then on is read, also where Start
// is Latest.
func (k *Kafka) Joined() bool {
	return k.joined.Load() && k.unplaced.Load() == 0
}

// Poll appends at most limit events to events, in the order of each partition.
// Without any it waits for one until ctx ends; with a nil ctx it does not wait.
// Their bytes stay as they are until the epoch ends. An error ends the session,
// but for an Oversize, which needs a skip.
func (k *Kafka) Poll(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error) {
	fetches := k.session.Poll(ctx, limit)
	var failed error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			if failed == nil && !(ctx != nil && ctx.Err() != nil && errors.Is(p.Err, ctx.Err())) {
				failed = pollError(&p)
			}
			// What was read before the error counts as polled for the client.
		}
		for _, r := range p.Records {
			events = append(events, event(r))
		}
		k.polled(&p)
	})
	if len(events) == 0 && ctx != nil && ctx.Err() != nil {
		k.session.Idle()
	}
	return events, failed
}

func pollError(p *kgo.FetchTopicPartition) error {
	if big, ok := errors.AsType[*kgo.ErrDecompressTooLarge](p.Err); ok {
		return &Oversize{
			ID:   penstock.EventID{Source: big.Topic, Partition: big.Partition, Offset: big.Offset},
			Next: big.NextOffset, Err: big,
		}
	}
	if p.Topic == "" {
		return fmt.Errorf("poll: %w", p.Err)
	}
	return fmt.Errorf("poll %s/%d: %w", p.Topic, p.Partition, p.Err)
}

func event(r *kgo.Record) penstock.Event {
	e := penstock.Event{
		ID:  penstock.EventID{Source: r.Topic, Partition: r.Partition, Offset: r.Offset},
		Key: r.Key, Value: r.Value, Time: r.Timestamp.UnixMilli(),
		Control: r.Attrs.IsControl(),
	}
	if len(r.Headers) > 0 {
		e.Headers = make([]penstock.Header, len(r.Headers))
		for i := range r.Headers {
			e.Headers[i] = penstock.Header(r.Headers[i])
		}
	}
	return e
}

// polled notes how far a partition was read and how far it goes.
func (k *Kafka) polled(f *kgo.FetchTopicPartition) {
	if len(f.Records) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.partitions[f.Topic][f.Partition]
	if p == nil {
		return // revoked meanwhile: the epoch is going to be aborted
	}
	p.position = f.Records[len(f.Records)-1].Offset + 1
	p.end = f.HighWatermark
	if k.o.Session.ReadCommitted {
		p.end = f.LastStableOffset
	}
}

// Committed is to be called after each commit. It takes back what was noted in
// case the process dies, and shows how far behind the worker is.
func (k *Kafka) Committed(ctx context.Context) error {
	k.mu.Lock()
	for _, partitions := range k.partitions {
		for _, p := range partitions {
			p.committed = p.position
			p.gauge.SetPosition(p.position)
			p.gauge.SetLag(max(p.end-p.position, 0))
		}
	}
	k.mu.Unlock()
	return k.succeeded(ctx)
}

// Skip moves a partition's position past what cannot be read, outside of any
// epoch. The session is spent afterwards.
func (k *Kafka) Skip(ctx context.Context, o *Oversize) error {
	at := broker.Offsets{}
	at.Set(o.ID.Source, o.ID.Partition, o.Next)
	m := k.session.Member()
	if !k.has(&o.ID) {
		return nil // revoked: its new owner skips it
	}
	topics, err := m.Topics(ctx, o.ID.Source)
	if err != nil {
		return err
	}
	return m.Commit(ctx, topics, at)
}
