package producer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
)

// Kafka is where a worker publishes. One goroutine uses it.
//
// Records are made in blocks that are used again once their epoch is over, for
// by then the client has called every promise and keeps none of them.
type Kafka struct {
	session *broker.Session
	limits  *broker.Limits

	blocks []*[blockRecords]kgo.Record
	used   int // records of this epoch
	bytes  int

	failed  atomic.Pointer[refused] // the first record of this epoch that was not taken
	promise func(*kgo.Record, error)
}

// blockRecords is as many as a usual batch has.
const blockRecords = 256

type refused struct {
	topic string
	err   error
}

// New makes the producer of a session.
func New(session *broker.Session, limits *broker.Limits) *Kafka {
	k := &Kafka{session: session, limits: limits}
	k.promise = func(r *kgo.Record, err error) {
		if err != nil {
			k.failed.CompareAndSwap(nil, &refused{r.Topic, err})
		}
	}
	return k
}

// Bytes is how much the epoch has published.
func (k *Kafka) Bytes() int { return k.bytes }

// Publish sends a record. Its bytes must stay as they are until the epoch ends.
// The first one of an epoch waits until the broker is done with the last.
func (k *Kafka) Publish(ctx context.Context, r *penstock.Record) error {
	if k.used == 0 {
		if err := k.session.Begin(ctx); err != nil {
			return err
		}
	}
	record := k.next()
	*record = kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Partition: r.Partition}
	if len(r.Headers) > 0 {
		record.Headers = make([]kgo.RecordHeader, len(r.Headers))
		for i := range r.Headers {
			record.Headers[i] = kgo.RecordHeader(r.Headers[i])
		}
	}
	k.bytes += len(r.Key) + len(r.Value)
	k.session.Produce(ctx, record, k.promise)
	return nil
}

func (k *Kafka) next() *kgo.Record {
	block := k.used / blockRecords
	if block == len(k.blocks) {
		k.blocks = append(k.blocks, new([blockRecords]kgo.Record))
	}
	r := &k.blocks[block][k.used%blockRecords]
	k.used++
	return r
}

// Commit makes the epoch durable as a whole: what was published, and the
// positions of all that was polled, or until, where it is given and less; the
// session is then spent. It gives false without an error when nothing was
// committed and the events come again, because the group was rebalanced
// meanwhile.
func (k *Kafka) Commit(ctx context.Context, until broker.Offsets) (bool, error) {
	// A record that had to wait for room when ctx ended is refused behind our
	// back: flushing does not wait for its promise.
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if k.used == 0 {
		// The positions alone meet the last commit's markers too.
		if err := k.session.Begin(ctx); err != nil {
			return false, err
		}
	} else {
		if err := k.session.Flush(ctx); err != nil {
			return false, err
		}
	}
	if f := k.failed.Load(); f != nil {
		return false, k.drop(ctx, f)
	}
	committed, err := k.session.End(ctx, until)
	k.reset()
	return committed, err
}

// drop aborts an epoch of which the broker did not take a record. Where it was
// too large, the limit is lower from then on: the session is spent, for its
// client goes on to cut batches by the old one.
func (k *Kafka) drop(ctx context.Context, f *refused) error {
	err := fmt.Errorf("publish to %s: %w", f.topic, f.err)
	switch broker.Diagnose(f.err).Kind {
	case broker.TooLarge:
		k.limits.Halve(f.topic)
	case broker.Denied:
		err = &broker.Refusal{Right: "Write", Resource: "topic " + f.topic, Err: f.err}
	}
	return errors.Join(err, k.Abort(ctx))
}

// Abort drops what the epoch published; the events come again.
func (k *Kafka) Abort(ctx context.Context) error {
	err := k.session.Abort(ctx)
	k.reset()
	return err
}

func (k *Kafka) reset() {
	k.used, k.bytes = 0, 0
	k.failed.Store(nil)
}
