package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
)

// begin reads where a filter stands, or decides where it begins and writes that
// down before anything is read.
func (n *NATS) begin(ctx context.Context, r *filterReader, info *jetstream.StreamInfo) error {
	for {
		held, err := n.position(ctx, r.filter)
		if err != nil {
			return err
		}
		if held == nil || held.Value.Retired {
			if err := n.place(ctx); err != nil {
				return err
			}
			continue // another worker may have been faster
		}
		r.position = *held
		break
	}
	if r.position.Value.Next > info.State.LastSeq+1 { // the filter went on since
		var err error
		if info, err = n.o.Session.Source.Info(ctx); err != nil {
			return fmt.Errorf("look up the source stream: %w", err)
		}
	}
	p := place{
		topic: n.source, partition: int32(r.number), topicID: identity(n.source, info),
		committed: int64(r.position.Value.Next), start: int64(info.State.FirstSeq), end: int64(info.State.LastSeq) + 1,
		known: &knownPosition{TopicID: r.position.Value.Stream + "@" + r.position.Value.Created.UTC().String()},
	}
	if !n.o.ExactlyOnce {
		// The server moves its consumer on by itself, and knows which of the events
		// that are gone were this filter's.
		p.start = min(p.start, p.committed)
	}
	b, err := p.begin(n.o.Start, n.o.From)
	if err != nil {
		return fmt.Errorf("filter %s: %w", r.filter, err)
	}
	log := n.o.Log.With("stream", n.source, "filter", r.filter, "sequence", b.offset)
	switch {
	case b.expired > 0:
		log.Warn("retention removed events before they were read; going on at the earliest one left", "removed_at_most", b.expired)
		n.o.Telemetry.Expired(b.expired)
	case b.chosen:
		log.Warn("the position was lost; going on where --from says")
	}
	changed := r.position.Value.OverrulesConsumer != n.o.ExactlyOnce // the mode of delivery
	if uint64(b.offset) == r.position.Value.Next && !b.chosen && !changed {
		return nil
	}
	to := broker.Position{
		Next: uint64(b.offset), Stream: n.source, Created: info.Created,
		Resume: r.position.Value.Resume, Else: r.position.Value.Else, OverrulesConsumer: n.o.ExactlyOnce,
	}
	if !b.chosen && !changed {
		to.Since = n.since(0, r.position)
	}
	return n.move(ctx, r, to)
}

// identity tells a stream from one of the same name that was made later.
func identity(name string, info *jetstream.StreamInfo) string {
	return name + "@" + info.Created.UTC().String()
}

// position is where a filter stands; nil where it never was read.
func (n *NATS) position(ctx context.Context, filter string) (*broker.Held[broker.Position], error) {
	held, err := broker.Last[broker.Position](ctx, n.o.Session.Own, n.o.Session.Subjects.Position(filter))
	if err != nil || held == nil {
		return nil, err
	}
	held.Value.Next, err = nextOf(ctx, &held.Value, n.o.Session.JS, n.source, broker.Durable(n.o.GroupName, filter))
	return held, err
}

// move writes a filter's position. Whoever still reads the filter exactly once, or
// from its consumer, finds that it has moved, or that the consumer is gone.
func (n *NATS) move(ctx context.Context, r *filterReader, to broker.Position) error {
	guard, err := positionGuard(n.o.Session.Subjects.Position(r.filter), &to, r.position.Sequence)
	if err != nil {
		return err
	}
	if !n.o.ExactlyOnce { // it is made again, where the position says
		if err := n.deleteDurable(ctx, r.filter); err != nil {
			return err
		}
	}
	sequence, err := guard.Put(ctx, n.o.Session.JS)
	if err != nil {
		return err
	}
	if n.o.ExactlyOnce && !r.position.Value.OverrulesConsumer { // what it knew is in the position now
		if err := n.deleteDurable(ctx, r.filter); err != nil {
			return err
		}
	}
	r.position = broker.Held[broker.Position]{Value: to, Sequence: sequence}
	return nil
}

// deleteDurable deletes the consumer that a filter has at least once, if any.
func (n *NATS) deleteDurable(ctx context.Context, filter string) error {
	err := n.o.Session.Source.DeleteConsumer(ctx, broker.Durable(n.o.GroupName, filter))
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("delete the consumer of %s: %w", filter, err)
	}
	return nil
}

func positionGuard(subject string, p *broker.Position, expected uint64) (broker.Guard, error) {
	value, err := json.Marshal(p)
	if err != nil {
		return broker.Guard{}, fmt.Errorf("write %s: %w", subject, err)
	}
	return broker.Guard{Subject: subject, Value: value, Expected: expected}, nil
}
