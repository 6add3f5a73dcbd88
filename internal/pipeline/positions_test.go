package pipeline_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/telemetry"
)

// topicRecreated, groupDeleted and behindTheEnd: where a pipeline stood and
// cannot know any more, it begins nowhere by itself, and with --from where that
// says.
func topicRecreated(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	lost(t, s, exactlyOnce, func() { s.recreate(t) }, 20) // the old topic's predictions and the new one's
}

func groupDeleted(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	lost(t, s, exactlyOnce, func() {
		if _, err := s.admin.DeleteGroup(t.Context(), s.group()); err != nil {
			t.Fatal(err)
		}
	}, 30) // the first ten twice
}

func behindTheEnd(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	lost(t, s, exactlyOnce, func() {
		beyond := kadm.Offsets{}
		beyond.AddOffset(s.Source(), 0, 1000, -1)
		if err := s.admin.CommitAllOffsets(t.Context(), s.group(), beyond); err != nil {
			t.Fatal(err)
		}
	}, 30)
}

// lost loses the position of a pipeline that has scored ten events, publishes
// ten more, and wants so many predictions in the end.
func lost(t *testing.T, s *kafkaStream, exactlyOnce bool, lose func(), want int) {
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	r := pipelineOf(t, s, exactlyOnce, &doubler{})
	s.Read(t, sink, 10)
	r.stop()
	lose()
	s.Publish(t, numbered(11, 20, 1)...)
	r = pipelineOf(t, s, exactlyOnce, &doubler{})
	if err := r.wait(); !errors.Is(err, consumer.ErrPositionLost) || !strings.Contains(err.Error(), "--from") {
		t.Fatalf("it ended with %v, want ErrPositionLost", err)
	}
	if n := len(s.Read(t, sink, 10)); n != 10 {
		t.Fatalf("%d predictions after the refusal, want 10", n)
	}
	pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.From = consumer.Earliest })
	predictions := s.Read(t, sink, want)
	if len(predictions) != want {
		t.Errorf("%d predictions, want %d", len(predictions), want)
	}
	if err := complete(t, predictions, 1, 20); err != nil {
		t.Error(err)
	}
}

// recreatedWhileItRuns: a topic that is deleted and made again under a
// pipeline ends it, too.
func recreatedWhileItRuns(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	r := pipelineOf(t, s, exactlyOnce, &doubler{})
	s.Read(t, sink, 10)
	s.recreate(t)
	if err := r.wait(); !errors.Is(err, consumer.ErrPositionLost) {
		t.Fatalf("it ended with %v, want ErrPositionLost", err)
	}
}

// retentionOvertakes: what is gone before it was read is counted, and the
// pipeline goes on at what is left.
func retentionOvertakes(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	r := pipelineOf(t, s, exactlyOnce, &doubler{})
	s.Read(t, sink, 10)
	r.stop()
	s.Publish(t, numbered(11, 30, 1)...)
	until := kadm.Offsets{}
	until.AddOffset(s.Source(), 0, 25, -1)
	if _, err := s.admin.DeleteRecords(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	r = pipelineOf(t, s, exactlyOnce, &doubler{})
	predictions := s.Read(t, sink, 15)
	settled(t, predictions, 1, 30, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25)
	if got := expired(t, r); got != "15" {
		t.Errorf("expired_events_total is %s, want 15", got)
	}
}

// expired reads the metric as a scrape does.
func expired(t *testing.T, r *running) string {
	t.Helper()
	registry := telemetry.NewRegistry(telemetry.BuildInfo{})
	if err := registry.Add(r.counts); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	registry.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if value, ok := strings.CutPrefix(line, `penstock_expired_events_total{pipeline="p"} `); ok {
			return strings.TrimSpace(value)
		}
	}
	return "missing"
}

// partitionsAdded: all that is in a partition which was added later came
// since, so that it begins at its start, also where start is latest.
func partitionsAdded(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 5, 1)...)
	latest := func(o *setup) { o.open.Start = "latest" }
	r := pipelineOf(t, s, exactlyOnce, &doubler{}, latest)
	r.ready()
	s.Publish(t, event(0, 6))
	s.Read(t, sink, 1)
	r.stop()
	if _, err := s.admin.CreatePartitions(t.Context(), 1, s.Source()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new partition", func() error {
		return s.client.ProduceSync(t.Context(), &kgo.Record{Topic: s.Source(), Partition: 1, Value: event(1, 7).Value}).FirstErr()
	})
	pipelineOf(t, s, exactlyOnce, &doubler{}, latest)
	settled(t, s.Read(t, sink, 2), 6, 7)
}
