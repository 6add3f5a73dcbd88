package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
)

// NATSPositions tells where a group stands, also while no worker runs.
type NATSPositions struct {
	JS          jetstream.JetStream
	Source, Own string // streams
	Subjects    broker.Subjects
	Group       string
}

// Of is the sequence from which on a filter's events are to be scored; ok is
// false where it has no position.
func (p *NATSPositions) Of(ctx context.Context, filter string) (next uint64, ok bool, err error) {
	own, err := p.JS.Stream(ctx, p.Own)
	if err != nil {
		return 0, false, fmt.Errorf("look up stream %s: %w", p.Own, err)
	}
	held, err := broker.Last[broker.Position](ctx, own, p.Subjects.Position(filter))
	if err != nil || held == nil || held.Value.Retired {
		return 0, false, err
	}
	next, err = nextOf(ctx, &held.Value, p.JS, p.Source, broker.Durable(p.Group, filter))
	return next, true, err
}

// nextOf is where a filter goes on by its position and its durable consumer, if
// any: at least once the consumer knows more, unless exactly once has been there
// since.
func nextOf(ctx context.Context, p *broker.Position, js jetstream.JetStream, stream, durable string) (uint64, error) {
	if p.Retired || p.OverrulesConsumer {
		return p.Next, nil
	}
	floor, err := ackFloor(ctx, js, stream, durable)
	return max(p.Next, floor+1), err
}

// ackFloor is the stream sequence up to which a consumer's messages are
// acknowledged, 0 where there is no such consumer.
func ackFloor(ctx context.Context, js jetstream.JetStream, stream, name string) (uint64, error) {
	c, err := js.Consumer(ctx, stream, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up consumer %s: %w", name, err)
	}
	return c.CachedInfo().AckFloor.Stream, nil
}
