package drift

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// store commits the state of a Windows to records by key.
func store(w *Windows, records map[string][]byte) {
	maps.Insert(records, w.Sums())
	maps.Insert(records, w.Head())
	for _, key := range w.Obsolete(len(records)) {
		delete(records, key)
	}
	w.Saved()
}

func stored(w *Windows) map[string][]byte {
	records := map[string][]byte{}
	store(w, records)
	return records
}

func TestRestoreLeavesOutWhatIsNoLongerConfigured(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 100, 101, 102)
	s.closes(0, "101.0: 1", "102.0: 2")
	records := stored(s.w)
	cfg := scenarioConfig
	cfg.Windows = []WindowSpec{{Name: "24m", Length: 24 * time.Minute}}
	w := NewWindows(cfg, streamFields)
	if err := w.Restore(maps.All(records)); err != nil {
		t.Fatal(err)
	}
	if g := w.Gauges(); g.Panes != 0 || g.Watermark != 102*60_000 {
		t.Errorf("%+v", g)
	}
	store(w, records)
	if len(records) != 1 || records[headKey(0)] == nil {
		t.Errorf("these are still there: %q", slices.Sorted(maps.Keys(records)))
	}
	for key := range stored(w) {
		t.Errorf("%s is still dirty", key)
	}
}

// A head of many sums is in several records, and goes back to one.
func TestALongHeadIsCut(t *testing.T) {
	w := begin(t, 1).w
	d := &Delta{Source: "s", To: 1, Parts: 1}
	for minute := range int64(120_000) {
		d.Panes = append(d.Panes, Pane{Start: minute * 60_000, Rows: 1})
	}
	if _, err := w.Apply(d); err != nil {
		t.Fatal(err)
	}
	records := stored(w)
	for key, record := range records {
		if len(record) > MaxDelta {
			t.Errorf("%s has %d bytes", key, len(record))
		}
	}
	w = begin(t, 1).w
	if err := w.Restore(maps.All(records)); err != nil || len(w.grids[0].cells) != 120_000 || records[headKey(1)] == nil {
		t.Fatalf("%d sums are read: %v", len(w.grids[0].cells), err)
	}
	w.grids[0].drop(math.MaxInt64)
	store(w, records)
	store(w, records)
	if records[headKey(0)] == nil || records[headKey(1)] != nil {
		t.Error("the head is as long as before")
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 100, 101, 102)
	records := stored(s.w)
	for key, record := range records {
		damaged := maps.Clone(records)
		damaged[key] = record[:len(record)-1]
		if begin(t, 1).w.Restore(maps.All(damaged)) == nil {
			t.Errorf("%s may be cut off", key)
		}
		if delete(damaged, key); key != headKey(0) && begin(t, 1).w.Restore(maps.All(damaged)) == nil {
			t.Errorf("%s may be missing", key)
		}
	}
}
