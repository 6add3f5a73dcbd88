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

// TestPositionLost: where a pipeline stood and cannot know any more, it begins
// nowhere by itself, and with --from where that says.
func TestPositionLost(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, s *kafkaStream){
		"topic recreated": func(t *testing.T, s *kafkaStream) {
			if err := s.fake.DeleteTopic(s.Source()); err != nil {
				t.Fatal(err)
			}
			if err := s.fake.CreateTopic(s.Source(), 1, nil); err != nil {
				t.Fatal(err)
			}
			s.client.PurgeTopicsFromClient(s.Source())
			s.Publish(t, numbered(11, 20, 1)...)
		},
		"group deleted": func(t *testing.T, s *kafkaStream) {
			if _, err := s.admin.DeleteGroup(t.Context(), s.group()); err != nil {
				t.Fatal(err)
			}
			s.Publish(t, numbered(11, 20, 1)...)
		},
		"behind the end": func(t *testing.T, s *kafkaStream) {
			beyond := kadm.Offsets{}
			beyond.AddOffset(s.Source(), 0, 1000, -1)
			if err := s.admin.CommitAllOffsets(t.Context(), s.group(), beyond); err != nil {
				t.Fatal(err)
			}
			s.Publish(t, numbered(11, 20, 1)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newKfake(t)
			s.Create(t, 1, 1)
			s.Publish(t, numbered(1, 10, 1)...)
			r := pipelineOf(t, s, true, &doubler{})
			s.Read(t, sink, 10)
			r.stop()
			lose(t, s)
			r = pipelineOf(t, s, true, &doubler{})
			if err := r.wait(); !errors.Is(err, consumer.ErrPositionLost) || !strings.Contains(err.Error(), "--from") {
				t.Fatalf("it ended with %v, want ErrPositionLost", err)
			}
			if n := len(s.Read(t, sink, 10)); n != 10 {
				t.Fatalf("%d predictions after the refusal, want 10", n)
			}
			pipelineOf(t, s, true, &doubler{}, func(o *setup) { o.open.From = "earliest" })
			want := 20 // both the old and the new events, once more the old ones
			if name != "topic recreated" {
				want = 30
			}
			predictions := s.Read(t, sink, want)
			if len(predictions) != want {
				t.Errorf("%d predictions, want %d", len(predictions), want)
			}
		})
	}
}

// TestPositionLostWhileItRuns: a topic that is deleted and made again under a
// pipeline ends it, too.
func TestPositionLostWhileItRuns(t *testing.T) {
	both(t, func(t *testing.T, s *kafkaStream, exactlyOnce bool) {
		t.Parallel() // it waits for the client to look at the topic again
		s.Create(t, 1, 1)
		s.Publish(t, numbered(1, 10, 1)...)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		s.Read(t, sink, 10)
		if err := s.fake.DeleteTopic(s.Source()); err != nil {
			t.Fatal(err)
		}
		if err := s.fake.CreateTopic(s.Source(), 1, nil); err != nil {
			t.Fatal(err)
		}
		if err := r.wait(); !errors.Is(err, consumer.ErrPositionLost) {
			t.Fatalf("it ended with %v, want ErrPositionLost", err)
		}
	})
}

// TestRetentionOvertakes: what is gone before it was read is counted, and the
// pipeline goes on at what is left.
func TestRetentionOvertakes(t *testing.T) {
	s := newKfake(t)
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	r := pipelineOf(t, s, true, &doubler{})
	s.Read(t, sink, 10)
	r.stop()
	s.Publish(t, numbered(11, 30, 1)...)
	if err := s.fake.DeleteRecords(s.Source(), 0, 25); err != nil {
		t.Fatal(err)
	}
	r = pipelineOf(t, s, true, &doubler{})
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

// TestPartitionsAdded: all that is in a partition which was added later came
// since, so that it begins at its start, also where start is latest.
func TestPartitionsAdded(t *testing.T) {
	s := newKfake(t)
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 5, 1)...)
	latest := func(o *setup) { o.open.Start = "latest" }
	r := pipelineOf(t, s, true, &doubler{}, latest)
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
	pipelineOf(t, s, true, &doubler{}, latest)
	settled(t, s.Read(t, sink, 2), 6, 7)
}
