package drift

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// sabotage makes a Windows do something wrong at some moment; none does.
type sabotage struct {
	beforeApply, afterApply, afterAdvance, beforeSums func(*Windows, *Delta)
}

func (s sabotage) do(f func(*Windows, *Delta), w *Windows, d *Delta) {
	if f != nil {
		f(w, d)
	}
}

// monitor reads a log as its owner does: it advances now and then, commits what
// there is to report with its state and its place in the log, and sometimes dies
// and goes on where it had committed.
func monitor(t *testing.T, r *rand.Rand, cfg WindowsConfig, partitions int, log [][]byte, s sabotage) map[windowID]string {
	t.Helper()
	begin := func() *Windows {
		w := NewWindows(cfg, streamFields)
		var ids []PartitionID
		for p := range partitions + 1 {
			ids = append(ids, PartitionID{"s", int32(p)})
		}
		w.Partitions(ids)
		return w
	}
	w, stored, committed := begin(), map[string][]byte{}, 0
	said, revisions := map[windowID]string{}, map[windowID]int{}
	var reports []Closed
	clock := int64(0)
	for at := 0; at < len(log); {
		d, err := DecodeDelta(log[at])
		if err != nil {
			t.Fatal(err)
		}
		clock = max(clock, d.Clock)
		s.do(s.beforeApply, w, d)
		if _, err := w.Apply(d); err != nil {
			t.Fatal(err)
		}
		s.do(s.afterApply, w, d)
		at++
		if r.IntN(4) == 0 || at == len(log) {
			reports = append(reports, some(r, w, clock, at == len(log))...)
			s.do(s.afterAdvance, w, d)
		}
		if r.IntN(3) == 0 || at == len(log) {
			s.do(s.beforeSums, w, d)
			maps.Insert(stored, w.Sums())
			if r.IntN(8) > 0 {
				maps.Insert(stored, w.Head())
				for _, key := range w.Obsolete(r.IntN(5)) {
					delete(stored, key)
				}
				w.Saved()
				tellAll(t, reports, said, revisions)
				reports, committed = nil, at
				continue
			}
			at = 0 // it dies, and with it what has no head
		}
		if at == 0 || r.IntN(30) == 0 {
			w, at, reports = begin(), committed, nil
			if err := w.Restore(maps.All(stored)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return said
}

// some gives what closes, in one go or in several, of which the last may be still to
// come.
func some(r *rand.Rand, w *Windows, clock int64, all bool) []Closed {
	var reports []Closed
	for more := true; more; {
		more = false
		for closed := range w.Advance(clock) {
			reports = append(reports, closed...)
			if r.IntN(10) == 0 {
				more = all || r.IntN(2) == 0
				break
			}
		}
	}
	return reports
}

// tellAll notes what reports say, each the next revision of its window.
func tellAll(t *testing.T, reports []Closed, said map[windowID]string, revisions map[windowID]int) {
	t.Helper()
	for i := range reports {
		c := &reports[i]
		id := windowID{c.Window.Name, c.Span}
		if c.Revision != revisions[id] {
			t.Fatalf("revision %d of %v follows %d", c.Revision, id, revisions[id]-1)
		}
		revisions[id]++
		said[id] = say(c)
		for other := range said {
			if other.name == id.name && other.span.End > c.Span.End && c.Latest {
				t.Fatalf("%v is called the latest after %v", id, other)
			}
		}
	}
}

func difference(got, want map[windowID]string) string {
	for id, w := range want {
		if g := got[id]; g != w {
			return fmt.Sprintf("%s from %s to %s: got %q, want %q", id.name, time.UnixMilli(id.span.Start).UTC(), time.UnixMilli(id.span.End).UTC(), g, w)
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d windows, want %d", len(got), len(want))
	}
	return ""
}

// Whatever the ranges, their order, what came twice, and when the monitor died: the
// last revisions are what the events alone say.
func TestLastRevisionsDependOnTheEventsAlone(t *testing.T) {
	cfg := streamConfig(t)
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		stream := drawStream(r, 1+r.IntN(4), 400)
		want := tell(cfg, stream)
		if len(want) < 200 {
			t.Fatalf("%d windows only", len(want))
		}
		for _, longest := range []int{1, 20, 200} {
			log := drawLog(r, worker{cfg: cfg}, stream, longest)
			if diff := difference(monitor(t, r, cfg, len(stream), log, sabotage{}), want); diff != "" {
				t.Fatalf("seed %d, ranges up to %d: %s", seed, longest, diff)
			}
		}
	}
}

// The test above finds each of these mistakes.
func TestMistakesChangeLastRevisions(t *testing.T) {
	cfg := streamConfig(t)
	partitionOf := func(w *Windows, d *Delta) *partition { return w.partition(PartitionID{d.Source, d.Partition}) }
	for name, s := range map[string]sabotage{
		"lateness by the latest event of any partition": {beforeApply: func(w *Windows, d *Delta) {
			p := partitionOf(w, d)
			for _, other := range w.partitions {
				p.horizon = max(p.horizon, other.horizon)
			}
		}},
		"lateness by the watermark": {beforeApply: func(w *Windows, d *Delta) {
			partitionOf(w, d).horizon = w.mark
		}},
		"a range that comes twice is counted twice": {beforeApply: func(w *Windows, d *Delta) {
			if p := partitionOf(w, d); d.To <= p.next {
				p.next = d.From
			}
		}},
		"an event of the future moves the partition on": {beforeApply: func(w *Windows, d *Delta) {
			for i := range d.Panes {
				if d.Panes[i].Future > 0 {
					partitionOf(w, d).horizon += 30 * 60_000
				}
			}
		}},
		"corrections are forgotten": {afterApply: func(w *Windows, _ *Delta) {
			for _, g := range w.grids {
				for _, c := range g.cells {
					c.told = w.mark
				}
			}
		}},
		"a sum is dropped when its last window closes": {afterAdvance: func(w *Windows, _ *Delta) {
			for _, g := range w.grids {
				for start, c := range g.cells {
					if w.mark >= g.lastWindow(c.span).End {
						delete(g.cells, start)
					}
				}
			}
		}},
		"a turn that stops early leaves nothing to the next": {afterAdvance: func(w *Windows, _ *Delta) {
			w.follow(w.watermark(w.clock))
		}},
		"a sum is stored in its own place": {beforeSums: func(w *Windows, _ *Delta) {
			for _, g := range w.grids {
				for _, c := range g.cells {
					if c.dirty {
						c.side = 1 - c.side
					}
				}
			}
		}},
		"a part counts before the others": {beforeApply: func(_ *Windows, d *Delta) {
			d.Part, d.Parts = 0, 1
		}},
		"what changed is not stored": {afterApply: func(w *Windows, _ *Delta) {
			for _, g := range w.grids {
				for _, c := range g.cells {
					if len(c.sum.Fields) > 0 && c.sum.Rows%7 == 0 && c.records > 0 {
						c.dirty = false
					}
				}
			}
		}},
	} {
		found := false
		for seed := range uint64(12) {
			r := rand.New(rand.NewPCG(seed, 1))
			stream := drawStream(r, 2+r.IntN(3), 400)
			log := drawLog(r, worker{cfg: cfg}, stream, 20)
			if difference(monitor(t, r, cfg, len(stream), log, s), tell(cfg, stream)) != "" {
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s: nothing tells", name)
		}
	}
}

// A worker that does not see what is late within its own range makes the result
// depend on where ranges end.
func TestWorkersMustTellLateEventsOfTheirOwnRange(t *testing.T) {
	cfg := streamConfig(t)
	r := rand.New(rand.NewPCG(1, 1))
	stream := drawStream(r, 2, 400)
	log := drawLog(r, worker{cfg: cfg, careless: true}, stream, 50)
	if difference(monitor(t, r, cfg, len(stream), log, sabotage{}), tell(cfg, stream)) == "" {
		t.Error("nothing tells")
	}
}
