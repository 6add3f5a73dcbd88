package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
)

// onNATS runs a test in both ways of delivery on a nats-server of its own.
func onNATS(t *testing.T, test func(t *testing.T, s *natsStream, exactlyOnce bool)) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		s := newNATS(t).(*natsStream)
		t.Parallel()
		test(t, s, exactlyOnce)
	})
}

// TestNATSManyInAnEpoch: more than a batch takes is several epochs, also when
// all is there at once and the interval long.
func TestNATSManyInAnEpoch(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 3, 1)
		s.publishFast(t, numbered(1, 5000, 3)...)
		pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.config.BatchRows = 4096; o.config.CommitInterval = time.Minute })
		predicted(t, s, exactlyOnce, 1, 5000)
	})
}

// TestNATSTwin: of two processes of one instance name, the first ends and says
// why.
func TestNATSTwin(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 2, 1)
		first := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Publish(t, numbered(1, 10, 2)...)
		s.Read(t, sink, 10)
		second := pipelineOf(t, s, exactlyOnce, &doubler{})
		second.ready()
		s.Publish(t, numbered(11, 20, 2)...)
		if err := first.wait(); err == nil || !strings.Contains(err.Error(), "--instance") {
			t.Errorf("the first ended with %v", err)
		}
		predicted(t, s, exactlyOnce, 1, 20)
		second.ready()
	})
}

// TestNATSShares: filters are shared out evenly among processes that come and go.
func TestNATSShares(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 6, 1)
		var all []*running
		even := func() {
			t.Helper()
			eventually(t, "an even share each", func() error {
				for _, r := range all {
					if n := len(r.Status().Partitions); n != 6/len(all) {
						return fmt.Errorf("%d filters of one of %d", n, len(all))
					}
				}
				return nil
			})
		}
		for _, instance := range []string{"a", "b", "c"} {
			all = append(all, pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.Instance = instance }))
			even()
		}
		s.Publish(t, numbered(1, 60, 6)...)
		predicted(t, s, exactlyOnce, 1, 60)
		all[2].stop()
		all = all[:2]
		even()
		s.Publish(t, numbered(61, 120, 6)...)
		predicted(t, s, exactlyOnce, 1, 120)
	})
}

// TestNATSZombie: a worker that sleeps for longer than its leases last, and does
// not know when it wakes up, publishes nothing of what others have done.
func TestNATSZombie(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 50, 1)...)
	zombie, wake := asleepInAnEpoch(t, s)
	other := pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.Instance = "b" })
	predicted(t, s, true, 1, 50)
	wake()
	zombie.totals(func(got telemetry.Totals) bool { return got.Aborted > 0 })
	s.Publish(t, numbered(51, 80, 1)...)
	predicted(t, s, true, 1, 80)
	if n := len(other.Status().Partitions) + len(zombie.Status().Partitions); n != 1 {
		t.Errorf("%d workers have the filter", n)
	}
}

// TestNATSFiltersChange: events that another list of filters took go on where
// that stood, whether the new filters take less of them or more.
func TestNATSFiltersChange(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 4, 1)
		next := 1
		round := func(filters ...string) {
			t.Helper()
			s.filters = filters
			r := pipelineOf(t, s, exactlyOnce, &doubler{})
			s.Publish(t, numbered(next, next+39, 4)...)
			next += 40
			settled(t, s.Read(t, sink, next-1), 1, next-1)
			r.stop()
		}
		round("in.*")
		round("in.0", "in.1", "in.2", "in.3")
		// The four stand at different places when they become two again.
		s.filters = []string{"in.0"}
		s.Publish(t, numbered(next, next+39, 4)...)
		next += 40
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Read(t, sink, next-1-30)
		r.stop()
		round(">")
		round("in.*")
	})
}

// TestNATSOldListStillRuns: a process with another list waits for the one that
// still takes the same events.
func TestNATSOldListStillRuns(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 2, 1)
		s.filters = []string{"in.*"}
		old := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Publish(t, numbered(1, 20, 2)...)
		s.Read(t, sink, 20)
		s.filters = []string{"in.0", "in.1"}
		r := pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.Instance = "b" })
		r.unready("broker", "which worker p-a-0 still reads")
		s.Publish(t, numbered(21, 40, 2)...)
		s.Read(t, sink, 40)
		old.stop()
		r.ready()
		s.Publish(t, numbered(41, 60, 2)...)
		settled(t, s.Read(t, sink, 60), 1, 60)
	})
}

// TestNATSPositionLost: a source that was deleted and made again is not begun
// anywhere without being told where.
func TestNATSPositionLost(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 1, 1)
		s.Publish(t, numbered(1, 10, 1)...)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Read(t, sink, 10)
		r.stop()
		if err := s.js.DeleteStream(t.Context(), "in"); err != nil {
			t.Fatal(err)
		}
		s.Create(t, 1, 1)
		s.Publish(t, numbered(11, 20, 1)...)
		r = pipelineOf(t, s, exactlyOnce, &doubler{})
		if err := r.wait(); !errors.Is(err, consumer.ErrPositionLost) || !strings.Contains(err.Error(), "--from") {
			t.Fatalf("it ended with %v, want ErrPositionLost", err)
		}
		pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.From = consumer.Earliest })
		if err := complete(t, s.Read(t, sink, 20), 1, 20); err != nil { // their ids begin again
			t.Error(err)
		}
	})
}

// TestNATSRetentionOvertakes: what is gone before it was read is counted, and the
// pipeline goes on at what is left. At least once the server moves the position,
// so that nobody knows.
func TestNATSRetentionOvertakes(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 1, 1)
		s.Publish(t, numbered(1, 10, 1)...)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Read(t, sink, 10)
		r.stop()
		s.Publish(t, numbered(11, 30, 1)...)
		source, err := s.js.Stream(t.Context(), "in")
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Purge(t.Context(), jetstream.WithPurgeSequence(26)); err != nil {
			t.Fatal(err)
		}
		r = pipelineOf(t, s, exactlyOnce, &doubler{})
		settled(t, s.Read(t, sink, 15), 1, 30, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25)
		if got := expired(t, r); exactlyOnce && got != "15" {
			t.Errorf("expired_events_total is %s, want 15", got)
		}
	})
}

// TestNATSOwnHeadersStay: what an event's headers say to the server was meant
// for the stream that it came in by, and does nothing in the pipeline's own.
func TestNATSOwnHeadersStay(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 2, 1)
		for p := range int32(2) {
			e := event(p, int(p))
			e.Headers = []penstock.Header{{Key: "Nats-Expected-Stream", Value: []byte("in")}, {Key: "X-Trace", Value: []byte("1")}}
			s.Publish(t, e)
		}
		pipelineOf(t, s, exactlyOnce, &doubler{})
		predictions := s.Read(t, sink, 2)
		settled(t, predictions, 0, 1)
		for i := range predictions {
			if predictions[i].header("X-Trace") != "1" {
				t.Errorf("headers %v", predictions[i].Headers)
			}
		}
	})
}

// TestNATSWorkQueue: at least once, a work queue is read too, and what was
// predicted is gone from it.
func TestNATSWorkQueue(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.retention = jetstream.WorkQueuePolicy
	s.Create(t, 2, 1)
	s.Publish(t, numbered(1, 40, 2)...)
	r := pipelineOf(t, s, false, &doubler{})
	predicted(t, s, false, 1, 40)
	r.stop()
	source, err := s.js.Stream(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := source.Info(t.Context()); err != nil || info.State.Msgs != 0 {
		t.Errorf("%d events are left, %v", info.State.Msgs, err)
	}
	s.Publish(t, numbered(41, 60, 2)...)
	pipelineOf(t, s, false, &doubler{})
	predicted(t, s, false, 1, 60)
}

// TestNATSCrashIsFoundOut: events that ended the process twice are scored where
// that does no harm.
func TestNATSCrashIsFoundOut(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 1, 1)
		s.Publish(t, numbered(1, 10, 1)...)
		var isolated int
		count := func(o *setup) {
			inner := o.config.Model.Isolated
			o.config.Model.Isolated = func() (pipeline.Isolated, error) { isolated++; return inner() }
		}
		r := pipelineOf(t, s, exactlyOnce, &doubler{broken: errors.New("gone")}, count)
		r.unready("model", "gone")
		r.kill() // as if the first run had ended it: its attempt stays
		r = pipelineOf(t, s, exactlyOnce, &doubler{}, count)
		predicted(t, s, exactlyOnce, 1, 10)
		if isolated != 1 {
			t.Errorf("scored in a child process %d times, want 1", isolated)
		}
		r.stop()
		s.Publish(t, numbered(11, 20, 1)...)
		pipelineOf(t, s, exactlyOnce, &doubler{}, count)
		predicted(t, s, exactlyOnce, 1, 20)
		if isolated != 1 {
			t.Errorf("scored in a child process %d times after the commit, want 1", isolated)
		}
	})
}

// publishFast publishes without waiting for each.
func (s *natsStream) publishFast(t testing.TB, records ...record) {
	t.Helper()
	for _, r := range records {
		if _, err := s.js.PublishAsync(s.filter(r.Partition), r.Value, jetstream.WithStallWait(patience)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-time.After(patience):
		t.Fatal("the server does not take the events")
	}
}
