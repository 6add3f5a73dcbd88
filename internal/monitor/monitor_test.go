package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/drift"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watchMemory runs a monitor over a broker in memory until all is committed, and
// gives the last revisions and the ids of the alarms.
func watchMemory(t *testing.T, o CoreOptions, m *memory) (last map[string]string, alarms []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m.idle = make(chan struct{}) // of the bubble
		ctx, stop := context.WithCancel(t.Context())
		monitor := New(Options{Core: o, Broker: m, Timeout: time.Second, Log: slog.New(slog.DiscardHandler)})
		ended := make(chan error)
		go func() { ended <- monitor.Run(ctx, context.Background()) }()
		<-m.idle
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for _, record := range m.alarms {
		var event struct{ ID, Type string }
		if err := json.Unmarshal(record, &event); err != nil {
			t.Fatal(err)
		}
		alarms = append(alarms, event.Type+" "+event.ID)
	}
	return lastRevisions(t, m.reports), alarms
}

// TestTakeovers breaks the session at every commit in turn, with and without what
// it committed: the reports' last revisions and the alarms are those of a monitor
// that nothing happened to.
func TestTakeovers(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 100, 40, 60)
	undisturbed := newMemory(log)
	want, alarms := watchMemory(t, o, undisturbed)
	if len(want) < 80 || len(alarms) != 2 {
		t.Fatalf("%d windows and the alarms %q; the test wants many, and one alarm that ends", len(want), alarms)
	}
	commits := undisturbed.commits
	r := rand.New(rand.NewPCG(3, 3))
	for _, became := range []tear{nothing, sumsOnly, answerLost} {
		for at := 1; at <= commits; at += 1 + commits/4 {
			m := newMemory(log)
			m.chunk = 1 + r.IntN(10)
			m.tear = func(commit int) tear {
				if commit >= at && (commit-at)%7 == 0 && commit < at+30 {
					return became
				}
				return whole
			}
			got, gotAlarms := watchMemory(t, o, m)
			if m.opened < 2 {
				t.Errorf("broken at %d: nobody took over", at)
			}
			if d := difference(got, want); d != "" {
				t.Fatalf("broken at commit %d (%d): %s", at, became, d)
			}
			if !slices.Equal(gotAlarms, alarms) {
				t.Errorf("broken at commit %d (%d): alarms %q, want %q", at, became, gotAlarms, alarms)
			}
		}
	}
}

// TestTakeoversCatchMutants: were state, position or reports written by themselves,
// the comparison above would tell.
func TestTakeoversCatchMutants(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 60, 20, 40)
	want, _ := watchMemory(t, o, newMemory(log))
	for _, became := range []tear{stateOnly, positionOnly, reportsOnly} {
		m := newMemory(log)
		m.tear = func(commit int) tear {
			if commit == 10 {
				return became
			}
			return whole
		}
		got, _ := watchMemory(t, o, m)
		if difference(got, want) == "" {
			t.Errorf("mutant %d is not noticed", became)
		}
	}
}

// TestForeignDeltas leaves those of another version and generation alone, and
// goes on behind a record that is none, and one without a value.
func TestForeignDeltas(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 40, 100, 100)
	want, _ := watchMemory(t, o, newMemory(log))
	mixed := slices.Clone(log)
	for i, d := range testDeltas(&o, 40, 0, 40) {
		foreign := decoded(t, d.Value)
		if i%2 == 0 {
			foreign.Version = "2"
		} else {
			foreign.Generation = "other"
		}
		mixed = slices.Insert(mixed, 2*i+1, Delta{Value: foreign.Encode()[0], Time: d.Time})
	}
	mixed = slices.Insert(mixed, 17, Delta{Value: []byte("no delta"), Time: mixed[16].Time})
	mixed = slices.Insert(mixed, 23, Delta{Time: mixed[22].Time})
	got, _ := watchMemory(t, o, newMemory(mixed))
	if d := difference(got, want); d != "" {
		t.Error(d)
	}
	if len(got) == 0 {
		t.Error("nothing was reported")
	}
}

// TestEmptyRecord says nothing, and is no record that cannot be read.
func TestEmptyRecord(t *testing.T) {
	core := NewCore(testCore(t))
	if err := core.Apply(nil); err != nil || core.counts != (Counts{}) {
		t.Errorf("%v, %+v", err, core.counts)
	}
}

func decoded(t *testing.T, record []byte) *drift.Delta {
	t.Helper()
	d, err := drift.DecodeDelta(record)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFreeze collects a reference and freezes it once, also when the answer to that
// commit is lost, and has the monitor end with that.
func TestFreeze(t *testing.T) {
	o := testCore(t)
	o.Reference, o.Windows.Collect = nil, 24*time.Second
	o.Schema = drift.NewSchema(testFields, nil)
	o.Identity = NewIdentity("m", "1", o.Schema.Generation, o.Windows)
	log := testDeltas(&o, 60, 100, 100)
	for _, became := range []tear{whole, answerLost} {
		m := newMemory(log)
		lost := false
		m.tear = func(int) tear {
			if m.freezing && !lost {
				lost = true
				return became
			}
			return whole
		}
		synctest.Test(t, func(t *testing.T) {
			m.idle = make(chan struct{})
			monitor := New(Options{Core: o, Broker: m, Timeout: time.Second, Log: quiet})
			if err := monitor.Run(t.Context(), context.Background()); !errors.Is(err, ErrFrozen) {
				t.Errorf("the monitor ended with %v", err)
			}
		})
		if len(m.frozen) != 1 || !lost {
			t.Fatalf("%d references were frozen", len(m.frozen))
		}
		frozen := m.frozen[0]
		ref, err := drift.ParseReference(frozen.Encoded)
		if err != nil || ref.Digest() != frozen.Digest || ref.Rows < 20*testPartitions*20 || ref.Rows > 20*testPartitions*24 {
			t.Errorf("a reference of %d rows was frozen: %v", ref.Rows, err)
		}
		var r drift.Report
		if err := json.Unmarshal(m.reports[0], &r); err != nil || r.Alarm || r.Features[0].Status != drift.StatusCollecting {
			t.Errorf("before that it says %s", m.reports[0])
		}
	}
}
