package pipeline_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// TestNATSSmallBatches: epochs, positions and leases are cut to what the server
// takes in a batch, which it only tells when it was too much.
func TestNATSSmallBatches(t *testing.T) {
	s := newLimitedNATS(t, server.JSLimitOpts{MaxBatchSize: 5})
	s.Create(t, 7, 1) // more positions than a batch takes
	s.publishFast(t, numbered(1, 300, 7)...)
	r := pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.config.BatchRows = 64; o.config.CommitInterval = time.Minute })
	predicted(t, s, true, 1, 300)
	r.stop()
}

// TestNATSNamesWithSlashes: what a subject may hold and a consumer's name may not.
func TestNATSNamesWithSlashes(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.Create(t, 1, 1)
		s.filters = []string{`in.a/b\c`}
		if _, err := s.js.Publish(t.Context(), s.filters[0], event(0, 1).Value); err != nil {
			t.Fatal(err)
		}
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Read(t, sink, 1)
		r.stop()
		pipelineOf(t, s, exactlyOnce, &doubler{}).ready()
	})
}

// TestNATSLastDeliveryIsLost: a message that the server has delivered and that
// never came is noticed although nothing comes behind it. Somebody else pulls it.
func TestNATSLastDeliveryIsLost(t *testing.T) {
	onNATS(t, func(t *testing.T, s *natsStream, exactlyOnce bool) {
		s.restAfter = 100 * time.Millisecond
		s.Create(t, 1, 1)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		r.ready()
		c := consumerOf(t, s)
		for n := 1; ; n += 2 {
			stolen := make(chan jetstream.Msg, 1)
			go func() {
				defer close(stolen)
				batch, err := c.Fetch(1, jetstream.FetchMaxWait(2*time.Second))
				if err != nil {
					return
				}
				for m := range batch.Messages() {
					stolen <- m
				}
			}()
			eventually(t, "a second pull", func() error {
				if info, err := c.Info(t.Context()); err != nil || info.NumWaiting < 2 {
					return fmt.Errorf("%d are waiting, %v", info.NumWaiting, err)
				}
				return nil
			})
			s.Publish(t, event(0, n), event(0, n+1)) // the server gives one to each in turn
			if m := <-stolen; m != nil {
				predicted(t, s, exactlyOnce, 1, n+1)
				return
			}
			if n > 20 {
				t.Fatal("the pipeline is given all")
			}
		}
	})
}

// consumerOf is the one that the pipeline reads the source's only filter by.
func consumerOf(t *testing.T, s *natsStream) jetstream.Consumer {
	t.Helper()
	source, err := s.js.Stream(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	var c jetstream.Consumer
	eventually(t, "the source's consumer", func() error {
		names := source.ConsumerNames(t.Context())
		for name := range names.Name() {
			c, err = source.Consumer(t.Context(), name)
			return err
		}
		return fmt.Errorf("there is none: %w", names.Err())
	})
	return c
}

// TestNATSLateAcknowledgement: a worker that was frozen acknowledges what it was
// given before its filter was another's. The server, which counts deliveries from
// 1 since, takes that for the latest, and is deaf to what comes in between.
func TestNATSLateAcknowledgement(t *testing.T) {
	s := newNATS(t).(*natsStream)
	s.restAfter = 100 * time.Millisecond
	s.Create(t, 1, 1)
	first := pipelineOf(t, s, false, &doubler{})
	first.ready()
	first.stop() // the consumer is there now
	s.Publish(t, numbered(1, 50, 1)...)
	batch, err := consumerOf(t, s).Fetch(50)
	if err != nil {
		t.Fatal(err)
	}
	var all []jetstream.Msg
	for m := range batch.Messages() {
		all = append(all, m)
	}
	late := func(m jetstream.Msg) {
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	late(all[44])
	entered, release := make(chan struct{}), make(chan struct{})
	enter := sync.OnceFunc(func() { close(entered); <-release })
	r := pipelineOf(t, s, false, &doubler{before: func([]float32) { enter() }})
	<-entered // the consumer was set back
	late(all[49])
	close(release)
	for n := 51; n <= 60; n++ {
		s.Publish(t, event(0, n))
		predicted(t, s, false, 46, n)
	}
	eventually(t, "the acknowledgements that count", func() error {
		info, err := consumerOf(t, s).Info(t.Context())
		if err != nil || info.AckFloor.Stream < 60 {
			return fmt.Errorf("the server has heard up to %d of 60, %v", info.AckFloor.Stream, err)
		}
		return nil
	})
	r.stop()
}
