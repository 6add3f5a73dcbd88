package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// runKafka runs what is promised on Kafka alone; open starts a new cluster, or a
// part of one that is still empty.
func runKafka(t *testing.T, open func(t testing.TB) *kafkaStream) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		for _, promise := range []struct {
			name string
			run  func(t *testing.T, s *kafkaStream, exactlyOnce bool)
		}{
			{"broker takes less", brokerTakesLess},
			{"unreadable", unreadable},
			{"create topics", createTopics},
			{"twin", twin},
			{"crash is found out", crashIsFoundOut},
			{"topic recreated", topicRecreated},
			{"group deleted", groupDeleted},
			{"behind the end", behindTheEnd},
			{"recreated while it runs", recreatedWhileItRuns},
			{"retention overtakes", retentionOvertakes},
			{"partitions added", partitionsAdded},
			{"source deleted", sourceDeleted},
			{"sink deleted", sinkDeleted},
			{"state deleted", stateDeleted},
		} {
			t.Run(promise.name, func(t *testing.T) {
				s := open(t)
				t.Parallel() // they wait most of the time
				promise.run(t, s, exactlyOnce)
			})
		}
	})
}

func TestKfakeAlone(t *testing.T) { runKafka(t, newKfake) }

// TestCulpritsOutliveAnAbort: whom the model fails on is known when the epoch
// comes again, and not run again.
func TestCulpritsOutliveAnAbort(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		s := newKfake(t)
		s.Create(t, 1, 1)
		s.Publish(t, numbered(1, 32, 1)...)
		m := &doubler{fails: map[float32]bool{7: true}}
		var before int
		refused := s.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.TxnOffsetCommit, kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress,
			When: func(r kmsg.Request) bool {
				// Not the position that the partition begins at.
				o, ok := r.(*kmsg.OffsetCommitRequest)
				if ok && o.Topics[0].Partitions[0].Offset == 0 {
					return false
				}
				before = m.scored(7)
				return true
			},
		})
		r := pipelineOf(t, s, exactlyOnce, m)
		settledBut := s.Read(t, sink, 31)
		if exactlyOnce {
			settled(t, settledBut, 1, 32, 7)
		}
		checkDead(t, s.Read(t, deadLetters, 1), "in/0/6", event(0, 7), "model", "1")
		if refused.Hits() == 0 || before == 0 {
			t.Fatal("no commit was refused after the culprit was found")
		}
		if after := m.scored(7); after != before {
			t.Errorf("the culprit was run %d times more after the abort", after-before)
		}
		r.totals(func(got telemetry.Totals) bool {
			return got.DeadLettered == 1 && got.Predicted == 31 && got.Aborted == 1
		})
	})
}

// brokerTakesLess lowers what a topic takes while the pipeline runs and is
// not told: it finds out, and goes on.
func brokerTakesLess(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 1, 1)
	r := pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.config.BatchRows = 512 })
	s.Publish(t, event(0, 0))
	s.Read(t, sink, 1)
	lower := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: new("4000")}}
	if _, err := s.admin.AlterTopicConfigs(t.Context(), lower, s.Sink()); err != nil {
		t.Fatal(err)
	}
	// Many that fit, so that a batch of them does not, and one that does not.
	all := numbered(1, 300, 1)
	all[150].Value = fmt.Appendf(nil, `{"x":151,"pass":"%s"}`, incompressible(6000))
	s.Publish(t, all...)
	predicted(t, s, exactlyOnce, 0, 300, 151)
	dead := s.Read(t, deadLetters, 1)
	if len(dead) != 1 || dead[0].header(producer.HeaderErrorClass) != "too_large" || !bytes.Equal(dead[0].Value, all[150].Value) {
		t.Errorf("%d dead letters, the first of class %s", len(dead), dead[0].header(producer.HeaderErrorClass))
	}
	r.ready()
}

// incompressible is text of n bytes that compression leaves as it is, nearly.
func incompressible(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"[x>>26])
	}
	return b.String()
}

// unreadable: each event of a batch that inflates beyond bounds is a dead letter. What came
// before and after it, in the same epoch too, is predicted.
func unreadable(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 2, 2)
	s.Publish(t, numbered(1, 40, 2)...)
	s.bomb(t, 0)
	s.Publish(t, numbered(41, 80, 2)...)
	r := pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.config.BatchRows = 8; o.config.CommitInterval = time.Minute })
	predicted(t, s, exactlyOnce, 1, 80)
	for i, d := range s.Read(t, deadLetters, 3) {
		if d.header(producer.HeaderErrorClass) != "too_large" || d.header(producer.HeaderSource) != fmt.Sprintf("%s/0/%d", s.Source(), 20+i) || d.header(producer.HeaderTruncated) != "unknown" {
			t.Errorf("dead letter %d: %v", i, d)
		}
	}
	r.totals(func(got telemetry.Totals) bool { return got.DeadLettered == 3 && got.Predicted >= 80 })
	r.stop()
	if got, want := s.Positions(t)[0], int64(20+3+20); got != want {
		t.Errorf("position %d, want %d", got, want)
	}
}

// bomb publishes a batch of three records in a few kilobytes that is 72 MiB
// when inflated.
func (s *kafkaStream) bomb(t *testing.T, partition int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.direct), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(200*time.Millisecond), kgo.ProducerBatchMaxBytes(96<<20), kgo.ProducerBatchCompression(kgo.GzipCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	zeros := record{Partition: partition, Value: make([]byte, 24<<20)}
	s.publish(t, client, zeros, zeros, zeros)
}

// createTopics: what is missing is made where the config says so, with as
// many partitions as the source has.
func createTopics(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.topic(t, s.Source(), 3, nil)
	s.Publish(t, numbered(1, 9, 3)...)
	pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.Create = true })
	settled(t, s.Read(t, sink, 9), 1, 9)
	topics, err := s.admin.ListTopics(t.Context(), s.Sink(), s.dead())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{s.Sink(), s.dead()} {
		if n := len(topics[name].Partitions); n != 3 {
			t.Errorf("%s has %d partitions, want 3", name, n)
		}
	}
}

// twin: of two processes of one instance name, one ends and says why.
func twin(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 2, 2)
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
}

// crashIsFoundOut: events that ended the process twice are scored where
// that does no harm, and the first commit forgets it.
func crashIsFoundOut(t *testing.T, s *kafkaStream, exactlyOnce bool) {
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	var isolated int
	count := func(o *setup) {
		inner := o.config.Model.Isolated
		o.config.Model.Isolated = func() (pipeline.Isolated, error) { isolated++; return inner() }
	}
	r := pipelineOf(t, s, exactlyOnce, &doubler{broken: errors.New("gone")}, count)
	r.unready("model", "gone")
	time.Sleep(200 * time.Millisecond) // and tries again, without being a crash
	r.kill()
	if isolated != 0 {
		t.Fatalf("%d isolated runs for a runtime that is broken", isolated)
	}
	r = pipelineOf(t, s, exactlyOnce, &doubler{}, count)
	settled(t, s.Read(t, sink, 10), 1, 10)
	r.totals(func(got telemetry.Totals) bool { return got.Predicted == 10 })
	if isolated != 1 {
		t.Errorf("%d isolated runs after a crash, want 1", isolated)
	}
	r.stop()
	s.Publish(t, numbered(11, 20, 1)...)
	pipelineOf(t, s, exactlyOnce, &doubler{}, count)
	settled(t, s.Read(t, sink, 20), 1, 20)
	if isolated != 1 {
		t.Errorf("%d isolated runs after a commit, want 1", isolated)
	}
}
