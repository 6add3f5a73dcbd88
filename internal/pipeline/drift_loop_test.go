package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
)

// driftLoop runs the loop on a fake broker and counts.
func driftLoop(t testing.TB, b *fakeBroker, m *doubler) *running {
	return loopOn(t, b, m, func(c *pipeline.Config) { c.Model.Mapping, c.Drift = counted(t, m, "panes") })
}

// timedAt is an event for a fake broker.
func timedAt(partition int32, offset int64, x int) penstock.Event {
	r := timed(partition, x)
	return penstock.Event{ID: penstock.EventID{Source: "in", Partition: partition, Offset: offset}, Value: r.Value, Time: time.Now().UnixMilli()}
}

// TestOnlySettledEventsAreCounted: of an epoch of which a part is committed that
// part is counted, up to where its position is, in both ways of scoring.
func TestOnlySettledEventsAreCounted(t *testing.T) {
	for name, isolate := range map[string]bool{"in process": false, "isolated": true} {
		t.Run(name, func(t *testing.T) {
			b := &fakeBroker{isolate: isolate, poll: once(
				[]penstock.Event{timedAt(0, 10, 1), timedAt(1, 20, 2)},
				[]penstock.Event{timedAt(0, 11, 49), timedAt(0, 12, 69), timedAt(0, 13, 3), timedAt(0, 14, 66), timedAt(0, 15, 5), timedAt(1, 21, 6)},
			)}
			driftLoop(t, b, breaksAt(66))
			b.awaitCommit(t)
			b.mu.Lock()
			defer b.mu.Unlock()
			y, ends, _ := sum(deltasOf(t, b.counts...))
			if want := wanted(t, 1, 2, 49, 69, 3).text(); y.text() != want {
				t.Errorf("counted\n%swant\n%s", y.text(), want)
			}
			if ends["in/0"] != 14 || ends["in/1"] != 21 {
				t.Errorf("the ranges end at %v, want 14 and 21", ends)
			}
		})
	}
}

// TestCountsJoinATransactionEarly: an epoch of several batches publishes what was
// counted of the first when the next is there, and the rest in its commit.
func TestCountsJoinATransactionEarly(t *testing.T) {
	for early, want := range map[bool]string{true: "[0 12 12 16]", false: "[0 16]"} {
		b := &fakeBroker{poll: once(
			[]penstock.Event{timedAt(0, 10, 1), timedAt(0, 11, 2)},
			[]penstock.Event{timedAt(0, 12, 3), timedAt(0, 13, 4)},
			[]penstock.Event{timedAt(0, 14, 61), timedAt(0, 15, 6)},
		)}
		m := &doubler{}
		loopOn(t, b, m, func(c *pipeline.Config) {
			c.Model.Mapping, c.Drift = counted(t, m, "panes")
			c.Drift.Early = early
		}).totals(func(got telemetry.Totals) bool { return got.Committed == 1 })
		b.mu.Lock()
		var ranges []int64
		for _, d := range deltasOf(t, b.counts...) {
			ranges = append(ranges, d.From, d.To)
		}
		y, _, err := sum(deltasOf(t, b.counts...))
		b.mu.Unlock()
		if got := fmt.Sprint(ranges); got != want || err != nil || y.text() != wanted(t, 1, 2, 3, 4, 61, 6).text() {
			t.Errorf("early %t: ranges %s, want %s (%v)\n%s", early, got, want, err, y.text())
		}
	}
}

// TestIsolatedCountsAlike: what a child process scored is counted as what was
// scored in this one.
func TestIsolatedCountsAlike(t *testing.T) {
	var got [2]string
	for i, isolate := range []bool{false, true} {
		broken := timedAt(0, 8, 7)
		broken.Value = []byte("{")
		b := &fakeBroker{isolate: isolate, poll: once([]penstock.Event{
			timedAt(0, 1, 1), timedAt(1, 7, 2), timedAt(0, 2, 69), timedAt(0, 3, 49), timedAt(0, 4, 9), timedAt(1, 8, 333_333), broken,
			{ID: penstock.EventID{Source: "in", Offset: 9}, Control: true},
		})}
		r := driftLoop(t, b, &doubler{fails: map[float32]bool{9: true}})
		r.totals(func(got telemetry.Totals) bool { return got.Committed == 1 })
		b.mu.Lock()
		y, _, _ := sum(deltasOf(t, b.counts...))
		b.mu.Unlock()
		got[i] = y.text()
	}
	if want := wanted(t, 1, 2, 49, 333_333).text(); got[0] != want || got[1] != want {
		t.Errorf("in process\n%sisolated\n%swant\n%s", got[0], got[1], want)
	}
}
