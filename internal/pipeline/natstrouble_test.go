package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/telemetry"
)

// TestNATSBrokenRuntimeLosesNothing: what precedes the failing run is committed,
// of one filter and not of the other, and positions that are moved on because
// nothing comes stay before what was polled and not scored.
func TestNATSBrokenRuntimeLosesNothing(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.restAfter = time.Millisecond
		s.Create(t, 2, 1)
		s.Publish(t, numbered(1, 6, 1)...)
		s.Publish(t, event(1, 7))
		m := &doubler{}
		m.before = func(rows []float32) {
			if slices.Contains(rows, 4) {
				m.setBroken(errors.New("gone"))
			}
		}
		r := pipelineOf(t, s, exactlyOnce, m, func(o *setup) { o.config.BatchRows = 5; o.config.CommitInterval = time.Minute })
		r.unready("model", "gone")
		s.Publish(t, event(1, 8))
		time.Sleep(200 * time.Millisecond) // it tries again, and again
		m.mu.Lock()
		m.before = nil
		m.mu.Unlock()
		m.setBroken(nil)
		r.ready()
		predicted(t, s, exactlyOnce, 1, 8)
	})
}

// TestNATSIdlePositionsMoveOn: a filter that has had no event is not behind, so
// that nothing of it counts as removed when retention removes what others had.
func TestNATSIdlePositionsMoveOn(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.restAfter = 10 * time.Millisecond
		s.Create(t, 2, 1)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Publish(t, numbered(1, 50, 1)...)
		predicted(t, s, exactlyOnce, 1, 50)
		eventually(t, "the idle filter's position", func() error {
			s.Publish(t, event(0, 51)) // a commit has it look
			if at := s.Positions(t)[1]; at < 50 {
				return fmt.Errorf("%d", at)
			}
			return nil
		})
		r.stop()
	})
}

// TestNATSPositionsMoveOnInSilence: the same when nothing comes at all any more,
// so that no commit has the worker look. That it asks for lost messages more often
// must not put it off.
func TestNATSPositionsMoveOnInSilence(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.restAfter = 3 * time.Second
		s.Create(t, 2, 1)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Publish(t, numbered(1, 50, 1)...)
		predicted(t, s, exactlyOnce, 1, 50)
		eventually(t, "the idle filter's position", func() error {
			if at := s.Positions(t)[1]; at < 50 {
				return fmt.Errorf("%d", at)
			}
			return nil
		})
		r.stop()
	})
}

// TestNATSFiltersChangeBack: what was done under one list is done under all that
// come after it.
func TestNATSFiltersChangeBack(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 2, 1)
		next := 1
		for _, list := range [][]string{{"in.*"}, {"in.0"}, {"in.*"}, {"in.1", "in.0"}, {">"}, {"in.*"}} {
			s.filters = list
			s.Publish(t, numbered(next, next+9, 1)...) // in.0, which all lists take
			next += 10
			r := pipelineOf(t, s, exactlyOnce, &doubler{})
			settled(t, s.Read(t, sink, next-1), 1, next-1)
			r.stop()
		}
	})
}

// TestNATSFiltersChangeTwice: a list that changes before all is taken over that
// the one before left.
func TestNATSFiltersChangeTwice(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 2, 1)
		s.Publish(t, numbered(1, 10, 2)...)
		s.filters = []string{"in.1"}
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Read(t, sink, 5)
		r.stop()
		s.filters = []string{"in.*"}
		r = pipelineOf(t, s, exactlyOnce, &doubler{broken: errors.New("gone")})
		r.unready("model", "gone")
		r.kill()
		s.filters = []string{">"}
		pipelineOf(t, s, exactlyOnce, &doubler{})
		settled(t, s.Read(t, sink, 10), 1, 10)
	})
}

// TestNATSLongHeaders: headers that are as long as a stream takes leave no room
// for the batch's; the event is a dead letter without them.
func TestNATSLongHeaders(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 1, 1)
		long := event(0, 1)
		long.Headers = []penstock.Header{{Key: "X", Value: bytes.Repeat([]byte("a"), 65500)}}
		s.Publish(t, long, event(0, 2), event(0, 3))
		pipelineOf(t, s, exactlyOnce, &doubler{})
		settled(t, s.Read(t, sink, 2), 1, 3, 1)
		if dead := s.Read(t, deadLetters, 1); len(dead) != 1 || dead[0].header("penstock-error-class") != "too_large" {
			t.Errorf("dead letters %v", dead)
		}
	})
}

// TestNATSLargeEvent: an event as large as the server takes is fetched however
// little the worker is to fetch.
func TestNATSLargeEvent(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.fetch = 1 << 10
	s.Create(t, 4, 1)
	large := event(0, 1)
	large.Value = append(large.Value, bytes.Repeat([]byte(" "), 1<<20-len(large.Value))...)
	s.Publish(t, large, event(0, 2), event(1, 3))
	pipelineOf(t, s, true, &doubler{})
	predicted(t, s, true, 1, 3)
}

// TestNATSWhoCannotWorkHasNoFilters: a process whose runtime broke leaves its
// filters to those that work, and takes its share when it is mended.
func TestNATSWhoCannotWorkHasNoFilters(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 2, 1)
	m := &doubler{}
	a := pipelineOf(t, s, true, m)
	s.Publish(t, numbered(1, 2, 2)...)
	predicted(t, s, true, 1, 2) // of a: it has a row that is known to be good
	b := pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.Instance = "b" })
	shares := func(ofA, ofB int) {
		t.Helper()
		eventually(t, "the shares", func() error {
			if n, o := len(a.Status().Partitions), len(b.Status().Partitions); n != ofA || o != ofB {
				return fmt.Errorf("%d and %d filters", n, o)
			}
			return nil
		})
	}
	shares(1, 1) // or b might score all that comes before a has its own
	m.setBroken(errors.New("gone"))
	s.Publish(t, numbered(3, 20, 2)...)
	a.unready("model", "gone")
	predicted(t, s, true, 1, 20)
	shares(0, 2)
	m.setBroken(nil)
	shares(1, 1)
}

// TestNATSTwoLists: while a process with another list waits for this one to end,
// this one goes on with all that it has.
func TestNATSTwoLists(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 4, 1)
	old := pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.Instance = "z" })
	old.ready()
	s.filters = []string{"in.*"}
	r := pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.Instance = "b" })
	r.unready("broker", "still reads")
	s.Publish(t, numbered(1, 40, 4)...)
	predicted(t, s, true, 1, 40)
	if n := len(old.Status().Partitions); n != 4 {
		t.Errorf("the first has %d filters", n)
	}
	old.stop()
	r.ready()
	s.Publish(t, numbered(41, 60, 4)...)
	predicted(t, s, true, 1, 60)
}

// TestNATSManyFilters: more filters than a batch takes positions.
func TestNATSManyFilters(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 1010, 1)
	r := pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.Workers = 2 })
	s.publishFast(t, numbered(1, 1010, 1010)...)
	predicted(t, s, true, 1, 1010)
	r.totals(func(got telemetry.Totals) bool { return got.Predicted == 1010 })
	start := time.Now()
	r.stop()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the drain took %v", took)
	}
}

// TestNATSAnswerLost: a renewal that the server wrote, and whose answer was lost,
// costs nobody a filter.
func TestNATSAnswerLost(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 1, 1)
	r := pipelineOf(t, s, true, &doubler{})
	r.ready()
	own, err := s.js.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m, err := own.GetLastMsgForSubject(t.Context(), s.subjects.Lease("in.0"))
		if err != nil {
			t.Fatal(err)
		}
		again := &nats.Msg{Subject: m.Subject, Data: m.Data, Header: nats.Header{jetstream.MsgTTLHeader: {"3s"}, jetstream.MsgRollup: {jetstream.MsgRollupSubject}}}
		if _, err := s.js.PublishMsg(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); time.Since(start) < 1500*time.Millisecond; time.Sleep(5 * time.Millisecond) {
			if len(r.Status().Partitions) == 0 {
				t.Fatal("nobody has the filter")
			}
		}
	}
}
