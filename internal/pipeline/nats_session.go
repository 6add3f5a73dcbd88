package pipeline

import (
	"context"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
	"github.com/penstock/penstock/producer"
)

// natsSession is both ends of a worker's epochs.
type natsSession struct {
	*consumer.NATS
	sink        *producer.NATS
	session     *broker.NATSSession
	exactlyOnce bool
	panes       string // the subject of what is counted; empty: nothing is
}

// Attempt is the source's.
func (s *natsSession) Attempt(ctx context.Context, events []penstock.Event) (isolate bool, err error) {
	if !s.exactlyOnce && failpoint.Mutant(broker.AckBeforePublish) {
		if err := s.Acknowledge(ctx, nil); err != nil {
			return false, err
		}
		failpoint.Hit("committed-early")
	}
	err = s.session.Bound(ctx, func(ctx context.Context) (err error) {
		isolate, err = s.NATS.Attempt(ctx, events)
		return err
	})
	return isolate, err
}

// Committed is the source's.
func (s *natsSession) Committed(ctx context.Context) error {
	return s.session.Bound(ctx, s.NATS.Committed)
}

func (s *natsSession) Publish(_ context.Context, r *penstock.Record) error {
	var since uint64
	switch {
	case r.Topic == s.panes:
	case !s.exactlyOnce:
		since = s.PlacedAt(r.Partition)
	case s.Published(&r.Event):
		return nil
	}
	return s.sink.Publish(r, since)
}

// Room leaves a place in the batch for each position that the epoch moves, or is
// going to.
func (s *natsSession) Room() int {
	if room(s.sink.Bytes()) == 0 {
		return 0
	}
	if !s.exactlyOnce {
		return broker.MaxUnacknowledged - s.sink.Records()
	}
	polled, open := s.Polled()
	left := s.session.Batches.Most() - s.sink.Records()
	if s.panes != "" { // what is counted of each filter takes a place too, or more
		left -= moreDeltas
		return max(left-2*open, (left-2*polled)/3, 0)
	}
	return max(left-open, (left-polled)/2, 0)
}

// moreDeltas is room for what is counted of a filter and is more than a message. A
// batch that needs more of it is refused, and the next ones are smaller.
const moreDeltas = 32

// Stood is the source's.
func (s *natsSession) Stood(_ string, partition int32) (consumer.Place, bool) {
	return s.NATS.Stood(partition)
}

// Ended is the source's, for as many filters as there is room for.
func (s *natsSession) Ended(ctx context.Context, places []consumer.Place) (ended []consumer.Place, err error) {
	polled, _ := s.Polled()
	most := (s.session.Batches.Most()-s.sink.Records()-moreDeltas)/2 - polled
	err = s.session.Bound(ctx, func(ctx context.Context) (err error) {
		ended, err = s.NATS.Ended(ctx, places, most)
		return err
	})
	return ended, err
}

func (s *natsSession) Commit(ctx context.Context, until broker.Offsets) (bool, error) {
	if len(until) == 0 {
		until = nil // that a filter is at its end moves its position on
	}
	err := s.session.Bound(ctx, func(ctx context.Context) error {
		if s.exactlyOnce {
			return s.commitBatch(ctx, until)
		}
		if err := s.sink.Flush(ctx); err != nil {
			return err
		}
		return s.Acknowledge(ctx, until)
	})
	return err == nil, broker.Plain(err)
}

func (s *natsSession) commitBatch(ctx context.Context, until broker.Offsets) error {
	guards, err := s.Guards(until)
	if err != nil || len(guards) == 0 {
		return err
	}
	last, err := s.sink.Commit(ctx, guards)
	if err == nil {
		s.Moved(last)
	}
	return err
}

// Abort leaves all to the next session: this one is spent, for what it has
// fetched is behind the positions.
func (s *natsSession) Abort(context.Context) error { return nil }

// Skip has nothing to do: a message that the server has is one that can be read.
func (s *natsSession) Skip(context.Context, error) error { return nil }

func (s *natsSession) Unreadable(error) (penstock.EventID, int64, *penstock.Rejection, bool) {
	return penstock.EventID{}, 0, nil, false
}

func (s *natsSession) Replaced(context.Context, error) bool { return s.session.Member.Replaced() }

func (s *natsSession) Close() {
	s.NATS.Close()
	s.session.Close()
}
