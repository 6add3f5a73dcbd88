package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
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

// stateDeleted: the pipeline makes its own topic anew, and goes on. It does so
// sooner than one can be sure to see it unready.
func stateDeleted(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	r := idle(t, s, exactlyOnce)
	before := s.topicID(t, s.state())
	deleted := s.delete(t, s.state())
	eventually(t, "the state topic anew", func() error {
		if id := s.topicID(t, s.state()); id == before || id == (kadm.TopicID{}) {
			return fmt.Errorf("its id is %v, it was %v", id, before)
		}
		return nil
	})
	soonEnough(t, s.state(), deleted)
	r.ready()
	s.Publish(t, numbered(11, 20, 1)...)
	predicted(t, s, exactlyOnce, 1, 20)
}

func goneWhileIdle(t *testing.T, s *kafkaStream, exactlyOnce bool, topic string) *running {
	t.Helper()
	r := idle(t, s, exactlyOnce)
	deleted := s.delete(t, topic)
	r.unready("broker", "topic "+topic)
	soonEnough(t, topic, deleted)
	return r
}

// idle is a pipeline that has scored ten events and waits for more.
func idle(t *testing.T, s *kafkaStream, exactlyOnce bool) *running {
	t.Helper()
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	r := pipelineOf(t, s, exactlyOnce, &doubler{})
	s.Read(t, sink, 10)
	r.ready()
	return r
}

func (s *kafkaStream) delete(t *testing.T, topic string) time.Time {
	t.Helper()
	now := time.Now()
	if _, err := s.admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	return now
}

// topicID is zero where there is no such topic.
func (s *kafkaStream) topicID(t *testing.T, topic string) kadm.TopicID {
	t.Helper()
	topics, err := s.admin.ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return topics[topic].ID
}

func soonEnough(t *testing.T, topic string, deleted time.Time) {
	t.Helper()
	if took := time.Since(deleted); took > probe {
		t.Errorf("that topic %s is gone was seen after %v, want %v", topic, took, probe)
	}
}
