package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
)

// claimsOf are the partitions that were said to be at their ends, with where that
// was the last time, and how often.
func claimsOf(deltas []*drift.Delta) (at map[string]int64, times map[string]int) {
	at, times = map[string]int64{}, map[string]int{}
	for _, d := range deltas {
		if d.Idle {
			name := fmt.Sprintf("%s/%d", d.Source, d.Partition)
			at[name] = max(at[name], d.To)
			times[name]++
		}
	}
	return at, times
}

// TestClaims: partitions that are read to their ends are said to be, those too
// that never had an event, while others are at work; the ranges still join up, and
// the pipeline ends by itself where it is told to.
func TestClaims(t *testing.T) {
	eachBroker(t, func(t *testing.T, s stream) {
		s.Create(t, 3, 1)
		events, predictions := laterOf(0, 99, 2)
		s.Publish(t, events...)
		r := pipelineOf(t, s, true, &doubler{}, counts(t, s))
		s.Read(t, sink, predictions)
		x := 100
		eventually(t, "claims of all three", func() error {
			if at, _ := claimsOf(readDeltas(t, s)); len(at) == 3 {
				return nil
			}
			s.Publish(t, timed(0, x)) // one of them is never quiet for long
			x++
			return errors.New("not yet")
		})
		r.stop()
		deltas := readDeltas(t, s)
		if _, _, err := sum(deltas); err != nil {
			t.Error(err)
		}
		checkSum(t, s, wanted(t, upTo(0, x-1)...))
		if got := r.counts.Totals(); got.Aborted != 0 {
			t.Errorf("totals %+v", got)
		}
		asked := 0
		again := pipelineOf(t, s, true, &doubler{}, counts(t, s), func(made *setup) {
			made.config.UntilEnd = true
			made.config.Drift.CaughtUp = func() bool {
				asked++
				return asked == 3
			}
		})
		if err := again.wait(); err != nil || asked != 3 {
			t.Errorf("it ended after drift was asked for %d times, want 3: %v", asked, err)
		}
	})
}

// TestNoClaimWhileEventsWait: what an open transaction holds back is not the end of
// a partition, though nothing comes of it. A worker that looks at empty polls alone
// would say so.
func TestNoClaimWhileEventsWait(t *testing.T) {
	t.Parallel()
	s := newKfake(t)
	s.Create(t, 2, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(s.direct), kgo.TransactionalID("elsewhere"), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: s.Source(), Partition: 1, Value: timed(1, 5).Value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	pipelineOf(t, s, true, &doubler{}, counts(t, s))
	claimed := func(name string, least int) {
		t.Helper()
		eventually(t, "claims of "+name, func() error {
			_, times := claimsOf(readDeltas(t, s))
			if times[name] >= least {
				return nil
			}
			return fmt.Errorf("%v", times)
		})
	}
	claimed("in/0", 2)
	if _, times := claimsOf(readDeltas(t, s)); times["in/1"] != 0 {
		t.Error("a partition was said to be at its end while an event waited in it")
	}
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	claimed("in/1", 1)
	checkSum(t, s, wanted(t, 5))
}

// TestQuietWorkersLetOthersJoin: a worker that waits for events, and gives that up
// now and then to say so, holds up nobody's joining, at least once either.
func TestQuietWorkersLetOthersJoin(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		t.Parallel()
		s := newKfake(t)
		s.Create(t, 4, 1)
		first := pipelineOf(t, s, exactlyOnce, &doubler{}, counts(t, s))
		first.ready()
		time.Sleep(1500 * time.Millisecond) // a poll has been given up by then
		start := time.Now()
		second := pipelineOf(t, s, exactlyOnce, &doubler{}, counts(t, s), func(made *setup) { made.open.Instance = "b" })
		second.ready()
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("the second one had to wait for %s", took)
		}
	})
}

// TestFrozenReference: workers count by what was frozen from the first event on
// where that was before they began, and else soon after.
func TestFrozenReference(t *testing.T) {
	eachBroker(t, func(t *testing.T, s stream) {
		s.Create(t, 1, 1)
		freezing := func(made *setup) {
			counts(t, s)(made)
			asItIs := *made.config.Drift.Schema()
			made.config.Drift.Freeze = func(encoded []byte) (*drift.Schema, error) {
				frozen := asItIs
				frozen.Generation = string(encoded)
				return &frozen, nil
			}
		}
		r := pipelineOf(t, s, true, &doubler{}, freezing)
		s.Publish(t, timed(0, 1))
		s.Read(t, sink, 1)
		freeze(t, s, []byte("frozen"))
		x := 1
		eventually(t, "a delta by the frozen reference", func() error {
			deltas := readDeltas(t, s)
			if g := deltas[len(deltas)-1].Generation; g != "frozen" {
				x++
				s.Publish(t, timed(0, x))
				return fmt.Errorf("generation %s", g)
			}
			return nil
		})
		r.stop()
		before := len(readDeltas(t, s))
		pipelineOf(t, s, true, &doubler{}, freezing)
		s.Publish(t, timed(0, x+1))
		s.Read(t, sink, x+1)
		for _, d := range readDeltas(t, s)[before:] {
			if d.Generation != "frozen" {
				t.Errorf("after a restart there is a delta of generation %s", d.Generation)
			}
		}
	})
}

// freeze writes a reference where the monitor does.
func freeze(t *testing.T, s stream, encoded []byte) {
	t.Helper()
	for i, part := range broker.SplitReference(encoded, "sha256:00") {
		var err error
		switch s := s.(type) {
		case *kafkaStream:
			r := &kgo.Record{Topic: s.state(), Key: []byte(broker.ReferenceKey(identity.Name, identity.Version, i)), Value: part}
			err = s.client.ProduceSync(t.Context(), r).FirstErr()
		case *natsStream:
			guard := broker.Guard{Subject: s.subjects.Reference(identity.Name, identity.Version, i), Value: part}
			_, err = guard.Put(t.Context(), s.js)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWorkersDoNotWaitForTheReference: whether the broker does not say if there is
// one, or what it says cannot be read, events are scored, and counted as before.
func TestWorkersDoNotWaitForTheReference(t *testing.T) {
	for name, reference := range map[string]func() ([]byte, error){
		"no answer":  func() ([]byte, error) { return nil, errInjected },
		"unreadable": func() ([]byte, error) { return []byte("garbage"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := &fakeBroker{reference: reference, poll: once([]penstock.Event{timedAt(0, 1, 1)}, []penstock.Event{timedAt(0, 2, 2)})}
			m := &doubler{}
			r := loopOn(t, b, m, func(c *pipeline.Config) {
				c.Model.Mapping, c.Drift = counted(t, m, "panes")
				c.Drift.Freeze = func([]byte) (*drift.Schema, error) { return nil, errInjected }
			})
			r.totals(func(got telemetry.Totals) bool { return got.Predicted == 2 })
			b.mu.Lock()
			defer b.mu.Unlock()
			if y, _, _ := sum(deltasOf(t, b.counts...)); y.text() != wanted(t, 1, 2).text() {
				t.Errorf("counted\n%s", y.text())
			}
		})
	}
}
