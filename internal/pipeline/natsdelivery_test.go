package pipeline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestNATSDeliveryChanges: each mode of delivery goes on where the other stood,
// filter by filter, also where the list of filters is another one.
func TestNATSDeliveryChanges(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("exactly once first: %t", first), func(t *testing.T) {
			t.Parallel()
			s := newNATS(t).(*natsStream)
			s.Create(t, 4, 1)
			next, exactlyOnce := 1, first
			round := func(filters ...string) {
				t.Helper()
				s.filters = filters
				s.Publish(t, numbered(next, next+39, 4)...)
				next += 40
				r := pipelineOf(t, s, exactlyOnce, &doubler{})
				settled(t, s.Read(t, sink, next-1), 1, next-1)
				r.stop()
				exactlyOnce = !exactlyOnce
			}
			each := []string{"in.0", "in.1", "in.2", "in.3"}
			round(each...)
			round(each...)
			round("in.*")
			round(each...)
			exactlyOnce = !exactlyOnce
			round(each...)
			round(each...)
		})
	}
}

// TestNATSDeliveryChangesWhileRunning: processes of both modes share the filters,
// and each goes on where it was let go of.
func TestNATSDeliveryChangesWhileRunning(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 4, 1)
		next := 1
		publish := func() {
			t.Helper()
			s.Publish(t, numbered(next, next+39, 4)...)
			next += 40
			settled(t, s.Read(t, sink, next-1), 1, next-1)
		}
		before := pipelineOf(t, s, exactlyOnce, &doubler{})
		publish()
		after := pipelineOf(t, s, !exactlyOnce, &doubler{}, func(o *setup) { o.open.Instance = "b" })
		eventually(t, "its share", func() error {
			if n := len(after.Status().Partitions); n != 2 {
				return fmt.Errorf("it has %d filters", n)
			}
			return nil
		})
		publish()
		before.stop()
		publish()
	})
}

// TestNATSDeliveryChangesBesideAZombie: a worker that sleeps in an epoch, exactly
// once, finds it refused when somebody has read on at least once.
func TestNATSDeliveryChangesBesideAZombie(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 50, 1)...)
	zombie, wake := asleepInAnEpoch(t, s)
	other := pipelineOf(t, s, false, &doubler{}, func(o *setup) { o.open.Instance = "b" })
	predicted(t, s, false, 1, 50)
	other.stop()
	wake()
	s.Publish(t, numbered(51, 80, 1)...)
	settled(t, s.Read(t, sink, 80), 1, 80)
	zombie.stop()
}

// TestNATSDeliveryLeavesNoConsumer: exactly once removes what at least once has
// kept positions in.
func TestNATSDeliveryLeavesNoConsumer(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.Create(t, 2, 1)
	for _, exactlyOnce := range []bool{false, true} {
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		r.ready()
		r.stop()
	}
	source, err := s.js.Stream(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a source without consumers", func() error {
		info, err := source.Info(t.Context())
		if err != nil || info.State.Consumers > 0 {
			return fmt.Errorf("%d are left, %v", info.State.Consumers, err)
		}
		return nil
	})
}

// asleepInAnEpoch starts a worker, exactly once, that has no lease any more and
// does not know, until wake is called.
func asleepInAnEpoch(t *testing.T, s *natsStream) (zombie *running, wake func()) {
	t.Helper()
	entered, release := make(chan struct{}), make(chan struct{})
	first := true
	asleep := &doubler{before: func(rows []float32) {
		if first && slices.Contains(rows, 30) {
			first = false
			close(entered)
			<-release
		}
	}}
	zombie = pipelineOf(t, s, true, asleep, func(o *setup) {
		o.open.Instance = "z" // the filter is the first one's in order, so that it is to go to another
		o.config.BatchRows, o.config.CommitInterval = 8, time.Minute
	})
	<-entered
	own, err := s.js.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Purge(t.Context(), jetstream.WithPurgeSubject(s.subjects.Lease(s.filter(0)))); err != nil {
		t.Fatal(err)
	}
	return zombie, func() { close(release) }
}
