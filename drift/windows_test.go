package drift

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// scenario is a Windows of one window of 12 minutes, which hops by panes, and what
// it said, in lines.
type scenario struct {
	t  *testing.T
	w  *Windows
	at map[int32]int64 // where each partition's next range begins
}

var scenarioConfig = WindowsConfig{
	Pane: time.Minute, Lateness: 5 * time.Minute, Idle: time.Minute,
	Windows: []WindowSpec{{Name: "12m", Length: 12 * time.Minute}},
}

func begin(t *testing.T, partitions int32) *scenario {
	s := &scenario{t: t, w: NewWindows(scenarioConfig, streamFields), at: map[int32]int64{}}
	var ids []PartitionID
	for p := range partitions {
		ids = append(ids, PartitionID{"s", p})
	}
	s.w.Partitions(ids)
	return s
}

// events counts one event a minute given, in one range.
func (s *scenario) events(partition int32, minutes ...int64) ApplyResult {
	s.t.Helper()
	var events []streamEvent
	for _, m := range minutes {
		events = append(events, streamEvent{time: m * 60_000, record: m * 60_000})
	}
	d := worker{cfg: scenarioConfig}.count(int(partition), events, 0, len(events))
	d.From, d.To = s.at[partition], s.at[partition]+int64(len(events))
	s.at[partition] = d.To
	return s.apply(d)
}

func (s *scenario) apply(d *Delta) ApplyResult {
	s.t.Helper()
	result, err := s.w.Apply(d)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// idle says at each of the seconds that a partition is at its end.
func (s *scenario) idle(partition int32, seconds ...int64) {
	s.t.Helper()
	for _, second := range seconds {
		s.apply(&Delta{
			Source: "s", Partition: partition, From: s.at[partition], To: s.at[partition],
			Horizon: math.MinInt64, Idle: true, Clock: second * 1000,
		})
	}
}

// closes demands what is said when the clock is so many seconds: windows by their
// ends in minutes, their revision, and their numbers.
func (s *scenario) closes(clock int64, want ...string) {
	s.t.Helper()
	var got []string
	for _, c := range advance(s.w, clock*1000) {
		line := fmt.Appendf(nil, "%d.%d: %d", c.Span.End/60_000, c.Revision, c.Rows)
		for name, n := range map[string]int64{"late": c.Late, "future": c.Future, "lost": c.Lost} {
			if n > 0 {
				line = fmt.Appendf(line, " %d %s", n, name)
			}
		}
		if c.Complete != (c.Lost == 0) {
			line = append(line, '?')
		}
		got = append(got, string(line))
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// advance gives all that closes.
func advance(w *Windows, clock int64) []Closed {
	return slices.Concat(slices.Collect(w.Advance(clock))...)
}

func TestWindowsCloseAtTheWatermark(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 100, 101)
	s.closes(0) // partition 1 is unseen
	s.events(1, 100)
	s.closes(0)
	s.events(1, 103)
	s.closes(0, "101.0: 2")
	s.events(0, 103)
	s.closes(0, "102.0: 3", "103.0: 3")
	s.events(0, 102) // not late: partition 0 is at 103
	s.closes(0, "103.1: 4")
}

func TestAnUnseenPartitionHoldsTheWatermarkBack(t *testing.T) {
	s := begin(t, 3)
	s.events(0, 100, 200)
	s.idle(1, 0, 30, 60, 90)
	s.closes(90)
	if g := s.w.Gauges(); g.Watermark != math.MinInt64 || g.Partitions != 3 || g.Unseen != 1 || g.Idle != 1 {
		t.Errorf("%+v", g)
	}
	s.w.Partitions([]PartitionID{{"s", 0}, {"s", 1}}) // it is not there any more
	s.closes(90, "101.0: 1", "102.0: 1", "103.0: 1", "104.0: 1", "105.0: 1", "106.0: 1", "107.0: 1", "108.0: 1", "109.0: 1", "110.0: 1", "111.0: 1", "112.0: 1")
}

func TestAnIdlePartitionDoesNotHoldTheWatermarkBack(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 100)
	s.events(1, 98)
	s.idle(1, 0, 30)
	s.events(0, 102)
	s.closes(59) // for 30 seconds only
	s.idle(1, 60)
	s.closes(60, "99.0: 1", "100.0: 1", "101.0: 2", "102.0: 2")
	s.events(1, 100) // early enough in its own time: what closed is corrected, and 1 holds back again
	s.events(0, 104)
	s.closes(61, "101.1: 3", "102.1: 3")
	s.idle(1, 70, 130)
	s.closes(130, "103.0: 4", "104.0: 4")
}

// Events that come after a claim void it, however long ago it was made when the
// monitor reads it.
func TestAStaleClaimToBeIdleCountsForNothing(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 100, 110)
	s.events(1, 90)
	s.idle(1, 0, 30, 60)
	s.closes(1000) // the monitor is far behind, as what 1 says is 15 minutes old
	s.events(1, 91)
	s.idle(1, 990)
	s.closes(1000, "91.0: 1")
	s.events(1, 92)
	stale := &Delta{Source: "s", Partition: 1, From: 1, To: 1, Horizon: math.MinInt64, Idle: true, Clock: 1_000_000}
	s.apply(stale) // its position is behind
	s.closes(1000, "92.0: 2")
	s.events(1, 93)
	s.closes(1001, "93.0: 3")
}

// A topic that was deleted and created anew may have a partition that nothing comes to
// any more: it does not hold the others back.
func TestAPartitionCreatedAnewMayBeIdle(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 98, 99, 100)
	s.events(1, 100)
	s.at[0], s.at[1] = 0, 0
	s.events(1, 110)
	s.idle(0, 6600, 6630)
	advance(s.w, 6_630_000)
	if s.w.mark != 6_000_000 {
		t.Errorf("the watermark is at %d s", s.w.mark/1000)
	}
	s.idle(0, 6660)
	advance(s.w, 6_660_000)
	if s.w.mark != 6_600_000 {
		t.Errorf("the watermark stays at %d s", s.w.mark/1000)
	}
	if r := s.events(0, 111); !r.Restarted {
		t.Errorf("%+v", r)
	}
}

// When all are idle the windows close by the clock, but only as far as all of them
// were at their end.
func TestWhenAllAreIdleTheWatermarkFollowsTheClock(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 100)
	s.events(1, 100)
	s.idle(0, 6000, 6060, 6120)
	s.idle(1, 6000, 6060)
	s.closes(6125, "101.0: 2")
	s.idle(1, 6120)
	s.closes(6150, "102.0: 2")
}

// An event dated 2099 is counted as of the future and moves nothing.
func TestAnEventDated2099(t *testing.T) {
	s := begin(t, 1)
	events := []streamEvent{{time: 6_000_000, record: 6_000_000}, {time: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), record: 6_000_000}}
	s.at[0] = 2
	s.apply(worker{cfg: scenarioConfig}.count(0, events, 0, 2))
	s.closes(0)
	s.events(0, 102)
	s.closes(0, "101.0: 1 1 future", "102.0: 1 1 future")
}

// A partition that is read slowly holds all back, and none of what it brings is
// late, for its own time is what counts.
func TestASlowCatchUpLosesNothing(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 100, 500)
	for minute := int64(100); minute < 112; minute++ {
		if r := s.events(1, minute); r.Late != 0 {
			t.Errorf("minute %d: %+v", minute, r)
		}
		advance(s.w, minute*60_000)
	}
	s.events(1, 112)
	s.closes(0, "112.0: 13")
}

func TestLateEventsAreToldAndNotCounted(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 100)
	s.events(0, 106)
	s.closes(0, "101.0: 1", "102.0: 1", "103.0: 1", "104.0: 1", "105.0: 1", "106.0: 1")
	if r := s.events(0, 100); r.Late != 1 || r.Expired != 0 { // 101 + 5 is where the partition is
		t.Errorf("%+v", r)
	}
	s.closes(0, "101.1: 1 1 late", "102.1: 1 1 late", "103.1: 1 1 late", "104.1: 1 1 late", "105.1: 1 1 late", "106.1: 1 1 late")
	s.events(0, 118)
	advance(s.w, 0)
	if r := s.events(0, 100); r.Late != 1 || r.Expired != 1 { // 101 + 5 + 12 is where it is
		t.Errorf("%+v", r)
	}
	s.closes(0)
}

// A stream that slept for a week does not wake up to a week of empty windows.
func TestWindowsWithoutRowsAreNotReported(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 100)
	s.events(0, 100+7*24*60)
	if closed := advance(s.w, 0); len(closed) != 12 {
		t.Errorf("%d windows", len(closed))
	}
	if g := s.w.Gauges(); g.Panes != 1 {
		t.Errorf("%d sums are kept", g.Panes)
	}
}

func TestRanges(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 100, 100, 100)
	for _, c := range []struct {
		from, to int64
		want     ApplyResult
	}{
		{0, 3, ApplyResult{Duplicate: 3}},
		{1, 2, ApplyResult{Duplicate: 1}},
		{2, 4, ApplyResult{Overlap: 1}},
		{4, 5, ApplyResult{}},
		{9, 10, ApplyResult{Lost: 4}},
	} {
		events := slices.Repeat([]streamEvent{{time: 6_000_000, record: 6_000_000}}, int(c.to))
		if got := s.apply(worker{cfg: scenarioConfig}.count(0, events, int(c.from), int(c.to))); got != c.want {
			t.Errorf("%d to %d: got %+v, want %+v", c.from, c.to, got, c.want)
		}
	}
	s.at[0] = 10
	s.events(0, 101)
	s.closes(0, "101.0: 7 4 lost") // 3, 2 of the overlap, 1 and 1
}

// After a topic was deleted and created anew its offsets begin at 0 again, and what
// they stand for counts.
func TestATopicCreatedAnewIsNoRepetition(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 100, 100, 100)
	s.at[0] = 0
	if r := s.events(0, 100); r.Duplicate != 1 {
		t.Errorf("%+v", r)
	}
	if r := s.events(0, 101); !r.Restarted {
		t.Errorf("%+v", r)
	}
	if r := s.events(0, 102); r != (ApplyResult{}) {
		t.Errorf("%+v", r)
	}
	s.closes(0, "101.0: 3", "102.0: 4")
}

// What is lost makes all windows incomplete that it may belong to, also those that
// had closed: as far back as the lateness, as far on as the partition has come.
func TestAGapMakesWindowsIncomplete(t *testing.T) {
	s := begin(t, 1)
	s.events(0, 90, 100)
	advance(s.w, 0)
	s.at[0] += 5
	s.events(0, 101)
	s.closes(0, "96.1: 1 5 lost", "97.1: 1 5 lost", "98.1: 1 5 lost", "99.1: 1 5 lost", "100.1: 1 5 lost", "101.0: 2 5 lost")
	s.events(0, 120)
	advance(s.w, 0)
	if len(s.w.gaps) != 1 {
		t.Error("it is forgotten while a window may tell of it")
	}
	s.events(0, 140)
	advance(s.w, 0)
	if len(s.w.gaps) != 0 {
		t.Errorf("it is kept for ever: %v", s.w.gaps)
	}
}

// Where the first that comes after a gap is the word that the partition is read to its
// end, what is missing may be as late as that was said: after retention has emptied a
// partition, or those who watch have missed what was counted of a quiet one.
func TestAClaimEndsAGap(t *testing.T) {
	for name, lost := range map[string]func(*scenario){
		"of a partition that had come somewhere": func(s *scenario) { s.events(0, 100) },
		"of one that had no event yet":           func(s *scenario) { s.idle(0, 6000) },
	} {
		s := begin(t, 1)
		lost(s)
		s.at[0] += 5
		s.idle(0, 6600) // minute 110
		s.events(0, 112, 130)
		for _, c := range advance(s.w, 0) {
			if begins := c.Span.Start / 60_000; c.Complete != (begins > 110) {
				t.Errorf("%s: the window from %d is said to be complete: %t", name, begins, c.Complete)
			}
		}
	}
}

func TestGapsThatTouchAreOne(t *testing.T) {
	const none = math.MinInt64
	var g gaps
	for _, lost := range []gap{{Span{10, 20}, 1, 5}, {Span{40, 50}, 2, 5}, {Span{30, 35}, 4, none}, {Span{0, 5}, 8, 5}, {Span{20, 30}, 16, 5}} {
		g = g.add(lost)
	}
	if want := (gaps{{Span{0, 5}, 8, 5}, {Span{10, 35}, 21, none}, {Span{40, 50}, 2, 5}}); !slices.Equal(g, want) {
		t.Errorf("got %v, want %v", g, want)
	}
	if n := g.in(Span{34, 41}); n != 23 {
		t.Errorf("%d", n)
	}
}

// A delta in parts counts when all are there, also when the monitor changed between
// them, and not at all when the worker did not live to write the last one.
func TestPartsCountTogether(t *testing.T) {
	s := begin(t, 1)
	d := worker{cfg: scenarioConfig}.count(0, []streamEvent{{time: 6_000_000, record: 6_000_000}, {time: 6_180_000, record: 6_180_000}}, 0, 2)
	part := func(i int) *Delta {
		p := *d
		p.Part, p.Parts, p.Panes = i, 2, d.Panes[i:i+1]
		return &p
	}
	if r := s.apply(part(0)); !r.Pending {
		t.Errorf("%+v", r)
	}
	s.closes(0)
	records := stored(s.w)
	s.w.Saved()
	s.w = begin(t, 1).w
	if err := s.w.Restore(maps.All(records)); err != nil {
		t.Fatal(err)
	}
	if r := s.apply(part(1)); r.Pending {
		t.Errorf("%+v", r)
	}
	s.closes(0, "101.0: 1", "102.0: 1", "103.0: 1")

	s = begin(t, 1)
	s.apply(part(0))
	s.events(0, 100)
	s.events(0, 101)
	s.closes(0, "101.0: 1")
}

// Sums of a window that is no longer configured, or hops otherwise, are not mixed
// with others; their records are deleted.
func TestDeltasOfAnotherSchemaAreRefused(t *testing.T) {
	s := begin(t, 1)
	d := goldenDelta()
	if _, err := s.w.Apply(d); err == nil || len(s.w.partitions) != 1 {
		t.Errorf("%d fields are taken for %d", len(d.Panes[1].Fields), len(streamFields))
	}
}
