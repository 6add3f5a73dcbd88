package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// TestNATSStreamChanges: a stream that is made unfit while it is used stops the
// pipeline with the words that keep it from starting, until it is put right.
func TestNATSStreamChanges(t *testing.T) {
	s := newNATS(t).(*natsStream)
	t.Parallel()
	s.Create(t, 1, 1)
	s.compareAfter = 20 * time.Millisecond
	needs := &config.Pipeline{
		Name: "p", Delivery: "exactly_once", Source: config.Source{Group: "p", Stream: "in", FilterSubjects: []string{"in.0"}}, Sink: config.Sink{Stream: "OUT"},
	}
	s.streams = func(ctx context.Context, js jetstream.JetStream) (int64, error) {
		found, err := broker.InspectStreams(ctx, js, broker.NeededStreams(needs))
		if err == nil {
			_, err = broker.CreateStreams(ctx, js, found, true)
		}
		if err != nil {
			return 0, err
		}
		for _, f := range broker.CompareStreams(needs, found) {
			if !f.Warning && !f.Missing {
				return 0, &broker.UnfitError{Finding: f}
			}
		}
		return js.Conn().MaxPayload(), nil
	}
	r := pipelineOf(t, s, true, &doubler{})
	s.Publish(t, numbered(1, 10, 1)...)
	predicted(t, s, true, 1, 10)
	own, err := s.js.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	discard := func(policy jetstream.DiscardPolicy) {
		t.Helper()
		settings := own.CachedInfo().Config
		settings.MaxBytes, settings.Discard = 1<<20, policy
		if _, err := s.js.UpdateStream(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
	}
	discard(jetstream.DiscardOld)
	const unfit = "OUT has max_bytes=1048576 with discard=old: it would evict the positions of partitions without new events (set discard to new)"
	r.unready("broker", unfit)
	pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.Instance = "b" }).unready("broker", unfit)
	s.Publish(t, numbered(11, 20, 1)...)
	discard(jetstream.DiscardNew)
	r.ready()
	predicted(t, s, true, 1, 20)
}
