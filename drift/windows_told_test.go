package drift

import (
	"math"
	"testing"
)

// A partition whose first delta does not begin with it has been counted by others,
// or by nobody, before: the windows that this may belong to are not complete.
func TestWhatLiesBeforeTheFirstDeltaIsMissing(t *testing.T) {
	s := begin(t, 2)
	s.events(0, 99, 100) // from the beginning
	s.at[1] = 40
	s.events(1, 99, 101)
	if r := s.events(1, 102); r.Lost != 0 {
		t.Errorf("%+v", r)
	}
	s.events(0, 104)
	s.closes(0, "100.0: 2 40 lost", "101.0: 3 40 lost", "102.0: 4 40 lost")
	s.events(0, 130)
	s.events(1, 130)
	all := advance(s.w, 0)
	for i := range all {
		if begins := all[i].Span.Start / 60_000; all[i].Complete != (begins >= 102) {
			t.Errorf("the window from %d is said to be complete: %t", begins, all[i].Complete)
		}
	}
}

// What a partition's owner says of its end comes before the first event there, and
// tells until when events are missing.
func TestAFirstClaimTellsWhatIsMissing(t *testing.T) {
	s := begin(t, 2)
	s.at[1] = 40
	s.idle(1, 6000, 6060, 6120) // minutes 100 to 102
	s.events(0, 99, 100, 104)
	s.closes(6125, "100.0: 1 40 lost", "101.0: 2 40 lost", "102.0: 2 40 lost", "103.0: 2 40 lost", "104.0: 2 40 lost")
	s.events(1, 110)
	s.events(0, 130)
	s.idle(1, 7900, 8000)
	for _, c := range advance(s.w, 8_000_000) {
		if begins := c.Span.Start / 60_000; c.Complete != (begins > 100) {
			t.Errorf("the window from %d is said to be complete: %t", begins, c.Complete)
		}
	}
}

// Sequences of NATS begin with 1.
func TestAPartitionThatBeginsLacksNothing(t *testing.T) {
	for first := range int64(2) {
		s := begin(t, 1)
		s.at[0] = first
		s.events(0, 100, 101)
		s.closes(0, "101.0: 1")
	}
}

// Windows that others have told are summed for those that come after them, and not
// told once more.
func TestSkipUntil(t *testing.T) {
	s := begin(t, 1)
	s.w.SkipUntil(102 * 60_000)
	if told := s.w.Told(); told != 102*60_000 {
		t.Errorf("until %d", told)
	}
	s.events(0, 100, 101)
	s.closes(0)
	s.events(0, 104)
	s.closes(0, "103.0: 2", "104.0: 2")
	s.events(0, 100)
	s.closes(0, "103.1: 3", "104.1: 3")
	if told := s.w.Told(); told != 104*60_000 {
		t.Errorf("until %d", told)
	}
}

// While a reference is collected, windows that end after it are left to whoever
// compares with it, also when all comes at once.
func TestCollectingTellsWindowsUpToTheStretch(t *testing.T) {
	for _, step := range []int{1, 100} {
		s := collect(t, 3)
		if told := s.w.Told(); told != math.MinInt64 {
			t.Errorf("until %d", told)
		}
		var last int64
		var minutes []int64
		for minute := int64(100); minute < 160; minute++ {
			minutes = append(minutes, minute)
		}
		for len(minutes) > 0 {
			n := min(step, len(minutes))
			for p := range 2 {
				s.apply(p, minutes[:n]...)
			}
			for _, c := range advance(s.w, 0) {
				last = max(last, c.Span.End/60_000)
			}
			minutes = minutes[n:]
		}
		if told := s.w.Told() / 60_000; last != 124 || told != 124 {
			t.Errorf("in steps of %d: told until %d, and %d is said", step, last, told)
		}
	}
}
