package monitor

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/drift"
)

// collecting are the options of a core that collects 24 seconds of the stream.
func collecting(t *testing.T) CoreOptions {
	o := testCore(t)
	o.Reference, o.Windows.Collect, o.Block = nil, 24*time.Second, testPane
	o.Fields = slices.Clone(testFields)
	o.Fields[1].Top = 2 // the other two are others
	o.Schema = drift.NewSchema(o.Fields, nil)
	o.Identity = NewIdentity("m", "1", o.Schema.Generation, o.Windows)
	return o
}

// comparing are those of the core that compares with what was collected.
func comparing(t *testing.T, o CoreOptions, m *memory) CoreOptions {
	t.Helper()
	ref, err := drift.ParseReference(m.frozen[0].Encoded)
	if err != nil {
		t.Fatal(err)
	}
	o.Collected, o.Reference, o.Windows.Collect = o.Schema.Generation, ref, 0
	o.Schema = drift.NewSchema(o.Fields, ref)
	o.Identity = NewIdentity("m", "1", o.Schema.Generation, o.Windows)
	return o
}

// freezing runs a monitor until it has frozen a reference.
func freezing(t *testing.T, o CoreOptions, m *memory) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m.idle = make(chan struct{})
		monitor := New(Options{Core: o, Broker: m, Timeout: time.Second, Log: quiet})
		if err := monitor.Run(t.Context(), t.Context()); !errors.Is(err, ErrFrozen) {
			t.Errorf("the monitor ended with %v", err)
		}
	})
}

// after is the same broker for a group that has read nothing.
func (m *memory) after(log []Delta) *memory {
	n := newMemory(log)
	maps.Copy(n.state, m.state)
	maps.Copy(n.written, m.written)
	return n
}

// endsOf are the ends of windows that reports are of, in seconds.
func endsOf(t *testing.T, records [][]byte) (first, last int64) {
	t.Helper()
	for i, record := range records {
		var r drift.Report
		if err := json.Unmarshal(record, &r); err != nil {
			t.Fatal(err)
		}
		end := (r.End.UnixMilli() - epochStart) / 1000
		if first = min(first, end); i == 0 {
			first = end
		}
		last = max(last, end)
	}
	return first, last
}

// TestBacklogOfACollection: what was scored before the reference was frozen is
// judged by it, as if it had been there from the beginning: each window is told by
// one of the two, and those after the collected stretch have their statistics.
func TestBacklogOfACollection(t *testing.T) {
	before := collecting(t)
	log := testDeltas(&before, 100, 40, 60)
	collected := newMemory(log)
	freezing(t, before, collected)
	if _, last := endsOf(t, collected.reports); last != 24 {
		t.Errorf("while it was collected windows were told until %d", last)
	}
	o := comparing(t, before, collected)
	m := collected.after(log)
	got, alarms := watchMemory(t, o, m)
	if first, _ := endsOf(t, m.reports); first != 25 {
		t.Errorf("afterwards windows were told from %d on", first)
	}
	direct := o
	direct.Collected = ""
	want, wantAlarms := watchMemory(t, direct, newMemory(testDeltas(&o, 100, 40, 60)))
	for key := range lastRevisions(t, collected.reports) {
		delete(want, key)
	}
	if d := difference(got, want); d != "" || len(want) < 60 {
		t.Errorf("of %d windows %s", len(want), d)
	}
	if len(wantAlarms) != 2 || len(alarms) != 2 || alarms[0] != wantAlarms[0] {
		t.Errorf("alarms %q, want %q", alarms, wantAlarms)
	}
	direct.Identity = o.Identity
	if lacking, _ := watchMemory(t, direct, collected.after(log)); len(lacking) != 0 {
		t.Error("deltas of another generation are taken where none was collected")
	}
}

// TestOtherWindows: with other windows the deltas that are kept are summed anew, and
// what was told of them is not told again, nor are its alarms.
func TestOtherWindows(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 140, 20, 40)
	m := newMemory(log[:len(log)*3/4])
	_, alarms := watchMemory(t, o, m)
	if len(alarms) != 2 {
		t.Fatalf("alarms %q", alarms)
	}
	_, last := endsOf(t, m.reports)
	o.Windows.Windows = append(o.Windows.Windows, drift.WindowSpec{Name: "24s", Length: 24 * time.Second})
	o.Judge.Windows = o.Windows.Windows
	o.Identity = NewIdentity("m", "1", o.Schema.Generation, o.Windows)
	want, _ := watchMemory(t, o, newMemory(log))
	anew := m.after(log)
	anew.tear = func(commit int) tear {
		if commit == 3 { // and who goes on leaves out the same
			return nothing
		}
		return whole
	}
	got, alarms := watchMemory(t, o, anew)
	if first, _ := endsOf(t, anew.reports); first != last+1 || len(alarms) != 0 {
		t.Errorf("windows were told until %d, and then from %d on, with the alarms %q", last, first, alarms)
	}
	for key, report := range want {
		var r drift.Report
		if err := json.Unmarshal([]byte(report), &r); err != nil {
			t.Fatal(err)
		}
		if (r.End.UnixMilli()-epochStart)/1000 <= last {
			delete(want, key)
		}
	}
	if d := difference(got, want); d != "" {
		t.Error(d)
	}
}

// TestSucceed: what was told of another model, version or generation says nothing of
// one's own windows.
func TestSucceed(t *testing.T) {
	o := testCore(t)
	o.Collected = "before"
	id := o.Identity
	for _, c := range []struct {
		told told
		want int64
	}{
		{told{Model: id.Model, Version: id.Version, Generation: id.Generation, Until: 5}, 5},
		{told{Model: id.Model, Version: id.Version, Generation: "before", Until: 5}, 5},
		{told{Model: id.Model, Version: id.Version, Generation: "other", Until: 5}, 1},
		{told{Model: id.Model, Version: "other", Generation: id.Generation, Until: 5}, 1},
		{told{Model: "other", Version: id.Version, Generation: id.Generation, Until: 5}, 1},
		{told{Model: id.Model, Version: id.Version, Generation: id.Generation}, 1},
	} {
		core := NewCore(o)
		core.skipUntil(1)
		core.Succeed(map[string]*abandoned{"token": {told: c.told}})
		if core.from != c.want {
			t.Errorf("after %+v from %d on", c.told, core.from)
		}
	}
}
