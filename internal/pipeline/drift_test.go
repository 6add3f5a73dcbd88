package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/telemetry"
)

// eachBroker runs a test on both brokers.
func eachBroker(t *testing.T, test func(t *testing.T, s stream)) {
	for name, open := range map[string]func(testing.TB) stream{
		"kfake": func(t testing.TB) stream { return newKfake(t) },
		"NATS":  newNATS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// TestCountsJoinTheCommit: whatever the workers, in both ways of delivery, what
// was counted comes to the same, and the ranges join up.
func TestCountsJoinTheCommit(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
				eachBroker(t, func(t *testing.T, s stream) {
					s.Create(t, 4, 1)
					events, predictions := laterOf(0, 999, 4)
					s.Publish(t, events[:500]...)
					r := pipelineOf(t, s, exactlyOnce, &doubler{}, counts(t, s), func(made *setup) { made.open.Workers = workers })
					s.Publish(t, events[500:]...)
					s.Read(t, sink, predictions)
					r.stop()
					checkSum(t, s, wanted(t, upTo(0, 999)...))
				})
			})
		}
	})
}

// TestCountsOutliveTakeovers: partitions that move to another process and back, and
// one that ends without a word, change nothing of what is counted.
func TestCountsOutliveTakeovers(t *testing.T) {
	eachBroker(t, func(t *testing.T, s stream) {
		s.Create(t, 4, 1)
		events, _ := laterOf(0, 1199, 4)
		var published int
		publish := func(n int) {
			for to := published + n; published < to; published += 20 {
				s.Publish(t, events[published:published+20]...)
				time.Sleep(5 * time.Millisecond)
			}
		}
		start := func(instance string) *running {
			return pipelineOf(t, s, true, &doubler{}, counts(t, s), func(made *setup) {
				made.open.Workers, made.open.Instance = 2, instance
				made.config.BatchRows, made.config.CommitInterval = 16, 5*time.Millisecond
			})
		}
		a := start("a")
		publish(300)
		b := start("b")
		publish(300)
		a.kill()
		a = start("a")
		publish(300)
		b.stop()
		publish(300)
		_, predictions := laterOf(0, 1199, 4)
		s.Read(t, sink, predictions)
		a.stop()
		checkSum(t, s, wanted(t, upTo(0, 1199)...))
	})
}

// TestSkippedRangesJoinUp: events that the source cannot read leave no gap in what
// is counted. Without a delta of theirs the next one would begin behind them.
func TestSkippedRangesJoinUp(t *testing.T) {
	t.Parallel()
	s := newKfake(t)
	s.Create(t, 1, 1)
	before, _ := laterOf(0, 39, 1)
	after, _ := laterOf(40, 79, 1)
	s.Publish(t, before...)
	s.bomb(t, 0)
	s.Publish(t, after...)
	r := pipelineOf(t, s, true, &doubler{}, counts(t, s))
	r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered+got.Skipped == 83 })
	r.stop()
	checkSum(t, s, wanted(t, upTo(0, 79)...))
}
