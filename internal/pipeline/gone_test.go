package pipeline_test

import (
	"testing"
	"time"
)

// probe is how soon a topic that is gone must be seen where no event needs it.
const probe = 5 * time.Second

// sourceDeleted: that nothing comes any more because the source is gone is seen.
func sourceDeleted(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	goneWhileIdle(t, s, exactlyOnce, s.Source())
}

// sinkDeleted: so it is before there is something to write, and healed by making
// the topic anew.
func sinkDeleted(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	r := goneWhileIdle(t, s, exactlyOnce, s.Sink())
	eventually(t, "the topic again", func() error {
		_, err := s.admin.CreateTopic(t.Context(), 1, 1, nil, s.Sink())
		return err
	})
	r.ready()
	s.Publish(t, numbered(11, 20, 1)...)
	settled(t, s.Read(t, sink, 10), 11, 20)
}

// stateDeleted: the pipeline makes its own topic anew, and goes on.
func stateDeleted(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	r := goneWhileIdle(t, s, exactlyOnce, s.state())
	r.ready()
	s.Publish(t, numbered(11, 20, 1)...)
	predicted(t, s, exactlyOnce, 1, 20)
}

func goneWhileIdle(t *testing.T, s *kafkaStream, exactlyOnce bool, topic string) *running {
	t.Helper()
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	r := pipelineOf(t, s, exactlyOnce, &doubler{})
	s.Read(t, sink, 10)
	r.ready()
	deleted := time.Now()
	if _, err := s.admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	r.unready("broker", "topic "+topic)
	if took := time.Since(deleted); took > probe {
		t.Errorf("that topic %s is gone was seen after %v, want %v", topic, took, probe)
	}
	return r
}
