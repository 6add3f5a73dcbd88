package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
)

// arrange brings what is read in line with what the group gives this worker. It
// is to be called between epochs only: what is let go of must be committed.
func (n *NATS) arrange(ctx context.Context) error {
	m := n.o.Session.Member
	if m.Replaced() {
		return broker.ErrReplaced
	}
	if err := n.o.Group.Denied(); err != nil {
		return err
	}
	// Before the filters: those that come meanwhile are not read yet.
	settled := m.Settled()
	wanted := m.Filters()
	stopped := false
	for number := range n.readers {
		if !wanted[number] {
			n.stop(number)
			stopped = true
		}
	}
	if stopped && !n.o.ExactlyOnce {
		// The server must know: it would send to this worker what the next one asks
		// for.
		if err := n.o.Session.Conn.FlushTimeout(n.o.Timeout); err != nil {
			return fmt.Errorf("stop reading: %w", err)
		}
	}
	for _, number := range m.Surplus() {
		if n.readers[number] == nil {
			m.LetGo(number)
		}
	}
	if len(n.readers) < len(wanted) && (ctx == nil || ctx.Err() == nil) {
		if ctx == nil {
			ctx = context.Background()
		}
		err := n.o.Session.Bound(ctx, func(ctx context.Context) error { return n.readMore(ctx, wanted) })
		if err != nil {
			return err
		}
	}
	n.joined.Store(settled)
	return nil
}

// readMore begins to read what is wanted and not read yet.
func (n *NATS) readMore(ctx context.Context, wanted map[int]bool) error {
	asking, cancel := context.WithTimeout(ctx, n.o.Timeout)
	info, err := n.o.Session.Source.Info(asking)
	cancel()
	if err != nil {
		return fmt.Errorf("look up the source stream: %w", err)
	}
	var begun []*filterReader
	for number := range wanted {
		if n.readers[number] != nil {
			continue
		}
		r := &filterReader{number: number, filter: n.o.Filters[number], fresh: true, gauge: n.o.Telemetry.Partition(n.source, int32(number))}
		// Each has its own time, so that many take long and get there.
		asking, cancel := context.WithTimeout(ctx, n.o.Timeout)
		err := n.begin(asking, r, info)
		cancel()
		if err != nil {
			return err
		}
		begun = append(begun, r)
	}
	if err := n.mend(ctx, begun); err != nil {
		return err
	}
	for _, r := range begun {
		asking, cancel := context.WithTimeout(ctx, n.o.Timeout)
		err := n.read(asking, r, len(wanted))
		cancel()
		if err != nil {
			return fmt.Errorf("read %s: %w", r.filter, err)
		}
	}
	return nil
}

// stop reads a filter no more.
func (n *NATS) stop(number int) {
	r := n.readers[number]
	r.pull.stop()
	if n.o.ExactlyOnce {
		broker.DeleteConsumer(n.o.Session.Conn, n.source, r.consumer.CachedInfo().Name)
	}
	r.gauge.SetAssigned(false)
	if r.fresh {
		n.fresh--
	}
	delete(n.readers, number)
}

// besidesPayload is more than the server counts of a message beside what
// max_payload bounds. It gives none that is larger than a request's bytes, and does
// not say so.
const besidesPayload = 64 << 10

// read reads a filter from where its position is, one of so many.
func (n *NATS) read(ctx context.Context, r *filterReader, of int) error {
	r.stood = r.position.Value.Next
	c, err := n.consumer(ctx, r)
	if err != nil {
		return err
	}
	r.consumer = c
	share := max(min(int(n.o.FetchMaxBytes)/2/of, mostBytes), int(n.o.Session.Conn.MaxPayload())+besidesPayload)
	r.pull, err = startPull(n.o.Session.Conn, c.CachedInfo(), min(max(mostFetched/of, leastFetched), maxFetch), share,
		func(m *nats.Msg) { n.inbox.put(r, m) },
		func(err error) { n.inbox.fail(fmt.Errorf("read %s: %w", r.filter, err)) },
	)
	if err != nil {
		return err
	}
	n.readers[r.number] = r
	n.fresh++
	r.gauge.SetAssigned(true)
	r.gauge.SetPosition(int64(r.position.Value.Next))
	r.gauge.SetLag(int64(c.CachedInfo().NumPending))
	return nil
}

// How many messages are asked for: fewer the more filters there are.
const (
	mostFetched  = 16 << 10 // of all filters, about
	maxFetch     = 4096
	leastFetched = 32
	// mostBytes is of one filter: from 64 MiB on that wait for their handler the
	// client drops messages.
	mostBytes = 32 << 20
)

// gone is how long the server keeps a consumer that nobody pulls from.
const gone = 30 * time.Second

// consumer is the server's side. Exactly once it is made for this session alone
// and counts for nothing; at least once it is the filter's own, and keeps the
// position.
func (n *NATS) consumer(ctx context.Context, r *filterReader) (jetstream.Consumer, error) {
	if !n.o.ExactlyOnce {
		return n.durable(ctx, r)
	}
	return n.o.Session.Source.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: r.filter, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(r.position.Value.Next, 1),
		AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, InactiveThreshold: gone, MemoryStorage: true, Replicas: 1,
	})
}

// durable is the consumer that keeps a filter's position. What was delivered to
// another worker and not acknowledged is delivered again at once.
func (n *NATS) durable(ctx context.Context, r *filterReader) (jetstream.Consumer, error) {
	name := broker.Durable(n.o.GroupName, r.filter)
	c, err := n.o.Session.Source.Consumer(ctx, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return n.newDurable(ctx, r, name)
	}
	if err != nil {
		return nil, err
	}
	if err := broker.ResetConsumer(ctx, n.o.Session.Conn, n.source, name); err != nil {
		return nil, err
	}
	return c, nil
}

func (n *NATS) newDurable(ctx context.Context, r *filterReader, name string) (jetstream.Consumer, error) {
	config := jetstream.ConsumerConfig{
		Durable: name, FilterSubject: r.filter, AckPolicy: jetstream.AckAllPolicy,
		AckWait: ackWait, MaxAckPending: -1, MaxDeliver: -1,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(r.position.Value.Next, 1),
	}
	if n.eachAcknowledged { // a work queue takes no others
		config.AckPolicy = jetstream.AckExplicitPolicy
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverAllPolicy, 0
	}
	return n.o.Session.Source.CreateConsumer(ctx, config)
}

// ackWait is after which the server delivers again what was not acknowledged.
// Who takes a filter over does not wait for it.
const ackWait = time.Minute
