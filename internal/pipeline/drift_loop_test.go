package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// countsBeforeRuns gives a model that notes how many records of counts the epoch has
// before each run.
func countsBeforeRuns(b *fakeBroker) (m *doubler, before *[]int) {
	before = new([]int)
	return &doubler{before: func([]float32) {
		b.mu.Lock()
		defer b.mu.Unlock()
		*before = append(*before, len(b.counted))
	}}, before
}

// TestCountsJoinATransactionEarly: an epoch of several batches publishes an empty
// record when the second is there, and in its commit all that was counted.
func TestCountsJoinATransactionEarly(t *testing.T) {
	for early, want := range map[bool]string{true: "[0 1 1 0 1 0] before the runs, 5 in all", false: "[0 0 0 0 0 0] before the runs, 3 in all"} {
		b := &fakeBroker{poll: once(
			[]penstock.Event{timedAt(0, 10, 1), timedAt(0, 11, 2)},
			[]penstock.Event{timedAt(0, 12, 3), timedAt(0, 13, 4)},
			[]penstock.Event{timedAt(0, 14, 61), timedAt(0, 15, 6)},
			nil, // the end of an epoch
			[]penstock.Event{timedAt(0, 16, 7)},
			[]penstock.Event{timedAt(0, 17, 8)},
			nil,
			[]penstock.Event{timedAt(0, 18, 9)}, // alone
		)}
		m, before := countsBeforeRuns(b)
		loopOn(t, b, m, func(c *pipeline.Config) {
			c.Model.Mapping, c.Drift = counted(t, m, "panes")
			c.Drift.JoinEarly = early
		}).totals(func(got telemetry.Totals) bool { return got.Committed == 3 })
		b.mu.Lock()
		got := fmt.Sprint(*before, " before the runs, ", len(b.counts), " in all")
		deltas := deltasOf(t, b.counts...)
		b.mu.Unlock()
		if got != want {
			t.Errorf("early %t: %s, want %s", early, got, want)
		}
		var ranges []int64
		for _, d := range deltas {
			ranges = append(ranges, d.From, d.To)
		}
		// One an epoch, each from 0: where a fake broker's partitions stand, whatever was
		// committed. So they do not join up here as they do on brokers.
		if !slices.Equal(ranges, []int64{0, 16, 0, 18, 0, 19}) {
			t.Errorf("early %t: deltas of %d", early, ranges)
		}
		if y, _, _ := sum(deltas); y.text() != wanted(t, 1, 2, 3, 4, 61, 6, 7, 8, 9).text() {
			t.Errorf("early %t: counted\n%s", early, y.text())
		}
	}
}

// TestAbortedTransactionIsJoinedAgain: the topic of the deltas is a part of none that
// follows.
func TestAbortedTransactionIsJoinedAgain(t *testing.T) {
	events := [][]penstock.Event{{timedAt(0, 10, 1)}, {timedAt(0, 11, 2)}}
	again := once(events...)
	polls := 0
	b := &fakeBroker{poll: func(ctx context.Context, to []penstock.Event, limit int) ([]penstock.Event, error) {
		switch polls++; {
		case polls <= len(events):
			return append(to, events[polls-1]...), nil
		case polls == len(events)+1:
			return to, errors.New("the session is spent")
		}
		return again(ctx, to, limit)
	}}
	m, before := countsBeforeRuns(b)
	loopOn(t, b, m, func(c *pipeline.Config) {
		c.Model.Mapping, c.Drift = counted(t, m, "panes")
	}).totals(func(got telemetry.Totals) bool { return got.Committed == 1 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if want := []int{0, 1, 0, 1}; !slices.Equal(*before, want) || len(b.counts) != 2 {
		t.Errorf("%d records of counts before the runs, want %d; %d committed, want 2", *before, want, len(b.counts))
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
