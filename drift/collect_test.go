package drift

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// collecting is a Windows of two partitions that collects 24 minutes in which there
// are at least so many rows.
type collecting struct {
	t *testing.T
	w *Windows
	c WindowsConfig
	n int64 // offsets so far

	stored map[string][]byte
}

func collect(t *testing.T, rows int64) *collecting {
	c := scenarioConfig
	c.Collect, c.CollectRows = 24*time.Minute, rows
	s := &collecting{t: t, c: c, stored: map[string][]byte{}}
	s.begin()
	return s
}

func (s *collecting) begin() {
	s.w = NewWindows(s.c, streamFields)
	s.w.Partitions([]PartitionID{{"s", 0}, {"s", 1}})
}

// takeover goes on with another Windows.
func (s *collecting) takeover() {
	s.t.Helper()
	store(s.w, s.stored)
	s.begin()
	if err := s.w.Restore(maps.All(s.stored)); err != nil {
		s.t.Fatal(err)
	}
}

// count counts an event a minute given of a partition, and advances.
func (s *collecting) count(partition int, minutes ...int64) {
	s.t.Helper()
	s.apply(partition, minutes...)
	advance(s.w, 0)
}

func (s *collecting) apply(partition int, minutes ...int64) {
	s.t.Helper()
	var events []streamEvent
	for _, m := range minutes {
		events = append(events, streamEvent{time: m * 60_000, record: m * 60_000, value: 1})
	}
	d := worker{cfg: s.c}.count(partition, events, 0, len(events))
	d.From, d.To = s.n, s.n+int64(len(events))
	s.n = d.To
	for i := range d.Panes {
		d.Panes[i].Texts = map[uint64]string{1: "one"}
	}
	if _, err := s.w.Apply(d); err != nil {
		s.t.Fatal(err)
	}
}

// has demands the minutes that the panes are of; none: it is not complete.
func (s *collecting) has(minutes ...int64) {
	s.t.Helper()
	panes, ok := s.w.Collected()
	var got []int64
	for _, p := range panes {
		got = append(got, p.Start/60_000)
		if p.Texts[1] != "one" {
			s.t.Errorf("minute %d has the texts %v", p.Start/60_000, p.Texts)
		}
	}
	if ok != (len(minutes) > 0) || !slices.Equal(got, minutes) {
		s.t.Errorf("got the panes of %d (%t), want those of %d", got, ok, minutes)
	}
}

// The first stretch of event time is collected whole, beginning with the earliest
// event, whichever partition brings it, and survives a takeover.
func TestCollected(t *testing.T) {
	s := collect(t, 0)
	s.count(0, 100, 110, 122, 123, 124, 200, 90) // the last one is late
	s.count(1, 99)
	s.has() // a partition is at its beginning
	s.takeover()
	s.count(1, 127)
	s.has() // the lateness is not over
	s.count(1, 128)
	s.has(99, 100, 110, 122)
}

// One event dated long ago is no stretch, nor are a few: it begins where there are
// enough rows, and what had come for it is there.
func TestCollectingPassesThinStretchesOver(t *testing.T) {
	s := collect(t, 4)
	s.count(0, 1)
	s.count(0, 100, 101)
	s.count(1, 30)
	s.has()
	s.takeover()
	s.count(1, 100)
	s.has()
	s.count(0, 110, 124, 125, 200)
	s.takeover()
	s.count(1, 129)
	s.has(100, 101, 110)
}

// What fills an earlier stretch, within the lateness, begins it there.
func TestCollectingBeginsEarlierWhenThatFills(t *testing.T) {
	s := collect(t, 3)
	s.count(0, 100)
	s.count(0, 122, 123, 124)
	s.count(0, 119) // so that from 100 on there are three
	s.count(0, 200)
	s.count(1, 200)
	s.has(100, 119, 122, 123)
}

// What is too late for a stretch that was passed over does not bring it back: of
// that stretch much may be gone.
func TestCollectingDoesNotGoBack(t *testing.T) {
	s := collect(t, 3)
	s.count(1, 10)
	s.count(0, 100)
	for clock := int64(0); clock <= 60_000; clock += 30_000 {
		if _, err := s.w.Apply(&Delta{Source: "s", Partition: 1, From: s.n - 1, To: s.n - 1, Horizon: math.MinInt64, Idle: true, Clock: clock}); err != nil {
			t.Fatal(err)
		}
	}
	s.count(0, 200)
	s.count(1, 11, 11, 11)
	s.has()
	s.count(0, 201, 202, 300)
	s.count(1, 300)
	s.has(200, 201, 202)
}

// However far a partition is ahead, and however long no stretch has enough rows,
// what is kept is one stretch, or less.
func TestCollectingIsBounded(t *testing.T) {
	s := collect(t, 20)
	for minute := int64(0); minute < 900; minute += 10 {
		s.count(0, minute)
		s.count(1, minute)
		if n := len(s.w.collect.sums.cells); n > 4 {
			t.Fatalf("%d sums at %d", n, minute)
		}
	}
	s.begin()
	for minute := int64(1000); minute < 1500; minute++ {
		s.count(0, minute)
		if n := len(s.w.collect.sums.cells); n > 25 {
			t.Fatalf("%d sums at %d", n, minute)
		}
	}
	s.has() // 1 is unseen
	s.count(1, 10, 1500)
	var want []int64
	for minute := int64(1000); minute < 1024; minute++ {
		want = append(want, minute)
	}
	s.has(want...)
}

// The stretch depends neither on how events fell into deltas nor on takeovers.
func TestCollectedDependsOnTheEventsAlone(t *testing.T) {
	for seed := range uint64(20) {
		stream := rand.New(rand.NewPCG(seed, 1))
		var minutes [2][]int64
		for p := range minutes {
			at := int64(1)
			for range 60 {
				minutes[p] = append(minutes[p], at-stream.Int64N(min(at, 4)))
				at += stream.Int64N(5) * stream.Int64N(5)
			}
			minutes[p] = append(minutes[p], 10_000)
		}
		said := map[string]bool{}
		for way := range uint64(8) {
			r := rand.New(rand.NewPCG(seed, way))
			s := collect(t, 12)
			left, first := minutes, ""
			for len(left[0])+len(left[1]) > 0 {
				p := r.IntN(2)
				n := r.IntN(len(left[p]) + 1)
				if n == 0 {
					continue
				}
				s.count(p, left[p][:n]...)
				left[p] = left[p][n:]
				if panes, ok := s.w.Collected(); ok && first == "" {
					var b strings.Builder
					for i := range panes {
						fmt.Fprint(&b, panes[i].Start/60_000, ":", panes[i].Rows, " ")
					}
					first = b.String()
				}
				if r.IntN(3) == 0 {
					s.takeover()
				}
			}
			said[first] = true
		}
		if len(said) != 1 || said[""] {
			t.Errorf("seed %d: %q", seed, slices.Sorted(maps.Keys(said)))
		}
	}
}
