package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
)

// scripted is a broker whose sessions do what a test says. Each polls the same
// events once.
type scripted struct {
	commit func(session int) error
	poll   error // in place of events

	mu        sync.Mutex // guards what follows
	published [][][]byte // by session: the values, as they lie in memory
	asPolled  [][][]byte // copies, made when they were published
	left      int
}

func (s *scripted) Prepare(context.Context) error       { return nil }
func (s *scripted) AtEnd(context.Context) (bool, error) { return false, nil }
func (s *scripted) Health() string                      { return "" }
func (s *scripted) Close()                              {}

func (s *scripted) Leave(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left++
	return nil
}

func (s *scripted) Open(context.Context, int) (pipeline.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published, s.asPolled = append(s.published, nil), append(s.asPolled, nil)
	return &scriptedSession{scripted: s, n: len(s.published) - 1}, nil
}

type scriptedSession struct {
	*scripted
	n      int
	polled bool
}

func (s *scriptedSession) Poll(ctx context.Context, events []penstock.Event, _ int) ([]penstock.Event, error) {
	if s.poll != nil {
		return events, s.poll
	}
	if s.polled {
		if ctx != nil {
			<-ctx.Done()
		}
		return events, nil
	}
	s.polled = true
	for i := range 8 {
		// Other values in each session, so that what is written over shows.
		events = append(events, penstock.Event{
			ID: penstock.EventID{Source: "in", Offset: int64(i)}, Value: fmt.Appendf(nil, `{"x":%d}`, s.n*100+i),
		})
	}
	return events, nil
}

func (s *scriptedSession) Publish(_ context.Context, r *penstock.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published[s.n] = append(s.published[s.n], r.Value)
	s.asPolled[s.n] = append(s.asPolled[s.n], slices.Clone(r.Value))
	return nil
}

func (s *scriptedSession) Commit(context.Context, broker.Offsets) (bool, error) {
	err := s.commit(s.n)
	return err == nil, err
}

func (s *scriptedSession) Attempt(context.Context, []penstock.Event) (bool, error) { return false, nil }
func (s *scriptedSession) Committed(context.Context) error                         { return nil }
func (s *scriptedSession) Room() int                                               { return math.MaxInt }
func (s *scriptedSession) Abort(context.Context) error                             { return nil }
func (s *scriptedSession) Skip(context.Context, error) error                       { return nil }
func (s *scriptedSession) Joined() bool                                            { return true }
func (s *scriptedSession) Close()                                                  {}

func (s *scriptedSession) Replaced(_ context.Context, err error) bool {
	return errors.Is(err, kerr.FencedInstanceID)
}

func (s *scriptedSession) Stood(source string, partition int32) (consumer.Place, bool) {
	return consumer.Place{Source: source, Partition: partition}, true
}

func (s *scriptedSession) Ended(_ context.Context, places []consumer.Place) ([]consumer.Place, error) {
	return places, nil
}

func (s *scriptedSession) Unreadable(error) (penstock.EventID, int64, *penstock.Rejection, bool) {
	return penstock.EventID{}, 0, nil, false
}

// scriptedStream is a stream on which a pipeline runs with a scripted broker.
type scriptedStream struct {
	stream
	*scripted
}

func (s scriptedStream) Sink() string                                 { return "out" }
func (s scriptedStream) Open(testing.TB, openOptions) pipeline.Broker { return s.scripted }
func onScript(t *testing.T, s *scripted) *running {
	return pipelineOf(t, scriptedStream{scripted: s}, false, &doubler{})
}

// TestUnfinishedRecordsStay: a session that ended with an error may not be done
// with its records, so the next one must not write over them.
func TestUnfinishedRecordsStay(t *testing.T) {
	s := &scripted{commit: func(session int) error {
		if session == 0 {
			return errors.New("the broker does not answer")
		}
		return nil
	}}
	r := onScript(t, s)
	eventually(t, "the second session's commit", func() error {
		if got := r.counts.Totals(); got.Predicted != 8 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	r.stop()
	if len(s.published) != 2 || len(s.published[0]) != 8 || len(s.published[1]) != 8 {
		t.Fatalf("%d sessions", len(s.published))
	}
	for i, value := range s.published[0] {
		if !bytes.Equal(value, s.asPolled[0][i]) {
			t.Errorf("record %d of the first session was %s and is now %s", i, s.asPolled[0][i], value)
		}
	}
}

// TestTwinKeepsItsPlaces: who is thrown out by a twin does not throw the twin out.
func TestTwinKeepsItsPlaces(t *testing.T) {
	for _, c := range []struct {
		poll error
		left int
	}{{kerr.FencedInstanceID, 0}, {kerr.TopicAuthorizationFailed, 2}} {
		s := &scripted{poll: fmt.Errorf("poll: %w", c.poll)}
		r := onScript(t, s)
		if err := r.wait(); !errors.Is(err, c.poll) {
			t.Errorf("ended with %v, want %v", err, c.poll)
		}
		if s.left != c.left {
			t.Errorf("after %v the places were given back %d times, want %d", c.poll, s.left, c.left)
		}
	}
}

// TestPartitionsAreShownWhereTheyAre: a pipeline that has nothing to do, and so
// ends no epoch, shows the partitions that it has after each rebalance.
func TestPartitionsAreShownWhereTheyAre(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		s := newKfake(t)
		s.Create(t, 6, 1)
		var all []*running
		for i, instance := range []string{"a", "b", "c"} {
			all = append(all, pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.Instance = instance }))
			eventually(t, "an even share each", func() error {
				for _, r := range all {
					if n := len(r.Status().Partitions); n != 6/(i+1) {
						return fmt.Errorf("%d partitions of one of %d", n, i+1)
					}
				}
				return nil
			})
		}
		s.Publish(t, numbered(1, 60, 6)...)
		settled(t, s.Read(t, sink, 60), 1, 60)
	})
}

func (*scripted) Reference(context.Context, penstock.ModelIdentity) ([]byte, error) { return nil, nil }
