package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
)

// breaksAt is a model that breaks when the row x is alone, as a device may that
// goes away in the middle of a batch.
func breaksAt(x float32) *doubler {
	m := &doubler{fails: map[float32]bool{x: true}}
	m.before = func(rows []float32) {
		if len(rows) == 1 && rows[0] == x {
			m.setBroken(errors.New("the device is gone"))
		}
	}
	return m
}

// TestWhatPrecedesABrokenRuntime: of the batch that the runtime breaks in,
// exactly those events are committed that were published, in both ways of
// scoring, whatever partitions they come from.
func TestWhatPrecedesABrokenRuntime(t *testing.T) {
	for name, isolate := range map[string]bool{"in process": false, "isolated": true} {
		t.Run(name, func(t *testing.T) {
			b := &fakeBroker{isolate: isolate, poll: once(
				[]penstock.Event{at(0, 10, 1), at(1, 20, 2)},
				[]penstock.Event{at(0, 11, -1), at(0, 12, 3), {ID: penstock.EventID{Source: "in", Offset: 13}, Control: true}, at(0, 14, 4), at(0, 15, 66), at(0, 16, 5), at(1, 21, 6)},
			)}
			r := loopOn(t, b, breaksAt(66))
			b.awaitCommit(t)
			b.mu.Lock()
			defer b.mu.Unlock()
			if want := []string{"in/0/10", "in/1/20", "in/0/12", "in/0/14"}; !slices.Equal(b.committed, want) {
				t.Errorf("committed %q, want %q", b.committed, want)
			}
			if len(b.until) != 1 || b.until[0]["in"][0] != 15 || b.until[0]["in"][1] != 21 {
				t.Errorf("positions %v, want 15 and 21", b.until)
			}
			if got := r.counts.Totals(); got.Predicted != 4 || got.Skipped != 1 || got.Committed != 1 {
				t.Errorf("totals %+v", got)
			}
		})
	}
}

// TestNothingPrecedesABrokenRuntime: then nothing is committed at all.
func TestNothingPrecedesABrokenRuntime(t *testing.T) {
	for name, isolate := range map[string]bool{"in process": false, "isolated": true} {
		t.Run(name, func(t *testing.T) {
			b := &fakeBroker{isolate: isolate, poll: once([]penstock.Event{at(0, 10, 66), at(0, 11, 2)})}
			loopOn(t, b, breaksAt(66))
			eventually(t, "an abort", func() error {
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.aborted == 0 {
					return fmt.Errorf("committed %q", b.committed)
				}
				return nil
			})
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.committed) != 0 || len(b.until) != 0 || b.aborted != 1 {
				t.Errorf("committed %q, until %v, %d aborts; want none, none, 1", b.committed, b.until, b.aborted)
			}
		})
	}
}

// TestIsolatedScoring gives the same records as scoring in process does, in the
// same order.
func TestIsolatedScoring(t *testing.T) {
	var got [2][]string
	for i, isolate := range []bool{false, true} {
		bad := at(0, 3, 0)
		bad.Value = []byte("{")
		b := &fakeBroker{isolate: isolate, poll: once([]penstock.Event{at(0, 1, 1), at(1, 7, 2), at(0, 2, -1), bad, at(0, 4, 9), at(1, 8, 3), at(1, 9, -1)})}
		r := loopOn(t, b, &doubler{fails: map[float32]bool{9: true}})
		totals := r.totals(func(got telemetry.Totals) bool { return got.Committed == 1 })
		if totals.Predicted != 3 || totals.DeadLettered != 2 || totals.Skipped != 2 {
			t.Errorf("isolated %t: totals %+v", isolate, totals)
		}
		b.mu.Lock()
		got[i] = b.committed
		b.mu.Unlock()
	}
	want := []string{"in/0/1", "in/1/7", "decode to dead", "model to dead", "in/1/8"}
	if !slices.Equal(got[0], want) || !slices.Equal(got[1], want) {
		t.Errorf("in process %q, isolated %q, want %q", got[0], got[1], want)
	}
}

// TestShareBeforeBroken: what is over the limit is not committed, not even what
// precedes a broken runtime.
func TestShareBeforeBroken(t *testing.T) {
	for name, isolate := range map[string]bool{"in process": false, "isolated": true} {
		t.Run(name, func(t *testing.T) {
			var events []penstock.Event
			for i := range int64(200) {
				events = append(events, at(0, i, 1))
				events[i].Value = []byte("{")
			}
			events = append(events, at(0, 200, 66))
			b := &fakeBroker{isolate: isolate, poll: once(events)}
			r := loopOn(t, b, breaksAt(66), func(c *pipeline.Config) { c.MaxDeadShare = 0.5; c.BatchRows = 512 })
			if share, ok := errors.AsType[*pipeline.ErrShare](r.wait()); !ok {
				t.Errorf("it ended with %v, want an ErrShare", r.err)
			} else if share.Classes[penstock.ClassDecode] != 200 || !strings.HasPrefix(share.Sample, "in/0/0: ") {
				t.Errorf("it says %v", share)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.committed) != 0 {
				t.Errorf("%d dead letters were committed", len(b.committed))
			}
		})
	}
}
