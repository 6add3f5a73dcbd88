package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock/penstock/internal/broker"
)

// Stood gives the place that begins where a filter's position stood at the last
// commit; ok is false when the filter is another worker's by now.
func (n *NATS) Stood(number int32) (place Place, ok bool) {
	r := n.readers[int(number)]
	if r == nil {
		return Place{}, false
	}
	return n.placeOf(r, r.stood), true
}

// placeOf is a filter's place up to a sequence.
func (n *NATS) placeOf(r *filterReader, to uint64) Place {
	source, number := broker.DriftPartition(n.source, r.filter, int32(r.number))
	return Place{Source: source, Partition: number, From: int64(r.stood), To: int64(to)}
}

// Ended appends the places, at most so many, of filters that nothing was polled of
// since the last commit and that are read to their ends. Exactly once the next
// commit moves their positions to where the stream ended when this was last
// called, as rest does where nobody asks for Ended.
func (n *NATS) Ended(ctx context.Context, places []Place, most int) ([]Place, error) {
	info, err := n.o.Session.Source.Info(ctx)
	if err != nil {
		return places, fmt.Errorf("look up the source stream: %w", err)
	}
	to := n.restEnd
	n.rested, n.restEnd = time.Now(), info.State.LastSeq+1
	for _, r := range n.readers {
		if r.next != 0 || len(places) >= most {
			continue
		}
		waits, err := n.waits(ctx, r)
		if err != nil {
			return places, err
		}
		if waits {
			continue
		}
		next := r.stood
		if n.o.ExactlyOnce {
			next = max(next, to)
			r.next = next
			n.touched = append(n.touched, r)
			n.inEpoch = true
		}
		places = append(places, n.placeOf(r, next))
	}
	return places, nil
}

// waits tells whether a filter has events that were not polled.
func (n *NATS) waits(ctx context.Context, r *filterReader) (bool, error) {
	c, err := r.consumer.Info(ctx)
	if err != nil {
		return false, fmt.Errorf("look up the consumer of %s: %w", r.filter, err)
	}
	if err := n.suspect(r, c.Delivered.Consumer); err != nil {
		return false, err
	}
	return c.NumPending > 0 || c.Delivered.Consumer != r.delivered, nil
}
