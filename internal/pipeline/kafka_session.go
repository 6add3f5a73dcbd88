package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
	"github.com/penstock/penstock/producer"
)

// kafkaSession is both ends of a worker's epochs.
type kafkaSession struct {
	*consumer.Kafka
	sink    *producer.Kafka
	session *broker.Session
	found   []broker.FoundTopic // what the session works with
	heard   time.Time           // when events came last, or it was looked why none do
}

// quietLook is how long nothing comes until a session looks whether its topics are
// still there: its client says late that one is gone which it only waits for, and
// never of one that it has nothing for. Events that come meanwhile wait at most
// lookTimeout.
const (
	quietLook   = 2 * time.Second
	lookTimeout = time.Second
)

// Poll is the source's, and fails when a topic is not what it was.
func (s *kafkaSession) Poll(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error) {
	if ctx == nil {
		return s.Kafka.Poll(nil, events, limit) //lint:ignore SA1012 nil means not to wait
	}
	for {
		quiet, cancel := context.WithDeadline(ctx, s.heard.Add(quietLook))
		polled, err := s.Kafka.Poll(quiet, events, limit)
		cancel()
		some := len(polled) > len(events)
		if err != nil || !some && ctx.Err() != nil {
			return polled, err
		}
		s.heard = time.Now()
		if some {
			return s.gather(ctx, polled, limit-(len(polled)-len(events)))
		}
		if err := s.look(ctx); err != nil {
			return polled, err
		}
	}
}

// gather adds what comes while the broker ends the last transaction, so that one run
// of the model takes all of it.
func (s *kafkaSession) gather(ctx context.Context, events []penstock.Event, room int) ([]penstock.Event, error) {
	if room == 0 {
		return events, nil
	}
	// It is short, and what was polled is done with also when ctx ends meanwhile.
	if err := s.session.Begin(context.WithoutCancel(ctx)); err != nil {
		return events, err
	}
	return s.Kafka.Poll(nil, events, room) //lint:ignore SA1012 nil means not to wait
}

func (s *kafkaSession) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return broker.Changed(ctx, s.session.Client(), s.found)
}

func (s *kafkaSession) Publish(ctx context.Context, r *penstock.Record) error {
	if failpoint.Mutant(broker.MarkAfterRevoke) && !broker.Holds(s.session, r.Partition) {
		return nil
	}
	return s.sink.Publish(ctx, r)
}

func (s *kafkaSession) Room() int { return room(s.sink.Bytes()) }

func (s *kafkaSession) Commit(ctx context.Context, until broker.Offsets) (bool, error) {
	committed, err := s.sink.Commit(ctx, until)
	if err == nil && !committed {
		err = s.Kafka.Aborted(ctx)
	}
	return committed, err
}

func (s *kafkaSession) Abort(ctx context.Context) error { return s.sink.Abort(ctx) }

func (s *kafkaSession) Skip(ctx context.Context, unreadable error) error {
	big, ok := errors.AsType[*consumer.Oversize](unreadable)
	if !ok {
		return nil
	}
	return s.Kafka.Skip(ctx, big)
}

func (s *kafkaSession) Unreadable(err error) (penstock.EventID, int64, *penstock.Rejection, bool) {
	big, ok := errors.AsType[*consumer.Oversize](err)
	if !ok {
		return penstock.EventID{}, 0, nil, false
	}
	return big.ID, big.Next, &penstock.Rejection{
		Class: penstock.ClassTooLarge, Offset: -1,
		Reason: fmt.Sprintf("the compressed batch that it is in, up to event %d, inflates beyond what penstock reads, so that its bytes are not here", big.Next-1),
	}, true
}

func (s *kafkaSession) Replaced(ctx context.Context, err error) bool {
	return s.session.Replaced(ctx, err)
}

func (s *kafkaSession) Close() {
	s.Kafka.Close()
	s.session.Close()
}
