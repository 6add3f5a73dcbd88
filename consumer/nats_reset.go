package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// Reset has filters go on at a sequence of the source, which source describes, and
// retires those that took some of their events and are no longer in the list:
// where they stood counts no more. It is for when no worker runs; one that does
// finds its next epoch refused. Should it end halfway, the next Reset completes
// it.
func (p *NATSPositions) Reset(ctx context.Context, source *jetstream.StreamInfo, filters []string, next uint64) error {
	own, err := p.JS.Stream(ctx, p.Own)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", p.Own, err)
	}
	known, err := knownPositions(ctx, own, p.Subjects)
	if err != nil {
		return err
	}
	to := broker.Position{Next: next, Stream: p.Source, Created: source.Created, OverrulesConsumer: true}
	moved := map[string]broker.Position{}
	for _, filter := range filters {
		moved[filter] = to
	}
	to.Retired = true
	for other := range known {
		if !slices.Contains(filters, other) && slices.ContainsFunc(filters, func(f string) bool { return config.Overlap(f, other) }) {
			moved[other] = to
		}
	}
	var guards []broker.Guard
	for _, filter := range slices.Sorted(maps.Keys(moved)) {
		position := moved[filter]
		guard, err := positionGuard(p.Subjects.Position(filter), &position, known[filter].Sequence)
		if err != nil {
			return err
		}
		guards = append(guards, guard)
	}
	if _, err := new(broker.Batches).PublishAll(ctx, p.JS.Conn(), guards); err != nil {
		return fmt.Errorf("write the positions: %w", err)
	}
	for filter := range moved { // at least once it is made again, where the position says
		err := p.JS.DeleteConsumer(ctx, p.Source, broker.Durable(p.Group, filter))
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete the consumer of %s: %w", filter, err)
		}
	}
	return nil
}

// Waiting is how many events of a filter are to be scored, from a sequence on.
func (p *NATSPositions) Waiting(ctx context.Context, source *jetstream.StreamInfo, filter string, next uint64) (uint64, error) {
	if source.Config.Retention != jetstream.LimitsPolicy { // what is done is gone, and nobody may look ahead
		return p.undone(ctx, filter)
	}
	c, err := p.JS.CreateConsumer(ctx, p.Source, jetstream.ConsumerConfig{
		FilterSubject: filter, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(next, 1),
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: gone, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return 0, fmt.Errorf("count the events of %s: %w", filter, err)
	}
	info := c.CachedInfo()
	if err := p.JS.DeleteConsumer(ctx, p.Source, info.Name); err != nil {
		return 0, fmt.Errorf("count the events of %s: %w", filter, err)
	}
	return info.NumPending, nil
}

// undone is how many events of a filter are not acknowledged, in a source that
// drops those that are.
func (p *NATSPositions) undone(ctx context.Context, filter string) (uint64, error) {
	c, err := p.JS.Consumer(ctx, p.Source, broker.Durable(p.Group, filter))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return p.held(ctx, filter)
	}
	if err != nil {
		return 0, fmt.Errorf("look up the consumer of %s: %w", filter, err)
	}
	info := c.CachedInfo()
	return info.NumPending + uint64(info.NumAckPending), nil
}

// held is how many events of a filter the source has.
func (p *NATSPositions) held(ctx context.Context, filter string) (n uint64, err error) {
	source, err := p.JS.Stream(ctx, p.Source)
	if err != nil {
		return 0, fmt.Errorf("look up stream %s: %w", p.Source, err)
	}
	info, err := source.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return 0, fmt.Errorf("count the events of %s: %w", filter, err)
	}
	for subject, count := range info.State.Subjects {
		if config.Covers(filter, subject) {
			n += count
		}
	}
	return n, nil
}

// At is the sequence of the first event of the source that is not older than
// since.
func (p *NATSPositions) At(ctx context.Context, since time.Time) (uint64, error) {
	c, err := p.JS.CreateConsumer(ctx, p.Source, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: gone, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return 0, fmt.Errorf("look for the first event since %s: %w", since.Format(time.RFC3339), err)
	}
	info := c.CachedInfo()
	if err := p.JS.DeleteConsumer(ctx, p.Source, info.Name); err != nil {
		return 0, fmt.Errorf("look for the first event since %s: %w", since.Format(time.RFC3339), err)
	}
	return info.Delivered.Stream + 1, nil
}
