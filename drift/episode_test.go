package drift

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const hourMs = int64(time.Hour / time.Millisecond)

// hopping gives verdicts of windows of an hour that hop by five minutes, the first
// one ending at the hour; what stands for each is '!' where it alarms.
func hopping(text string) []verdict {
	var all []verdict
	for i, c := range text {
		end := hourMs + int64(i)*hourMs/hops
		all = append(all, verdict{Start: end - hourMs, End: end, Alarm: c == '!'})
	}
	return all
}

func after(verdicts []verdict) episode {
	var h history
	for _, v := range verdicts {
		h.put(v)
	}
	return h.now()
}

func TestEpisodeEndsAfterTwoQuietLengths(t *testing.T) {
	quiet := "........................" // two lengths
	for _, tc := range []struct {
		what  string
		text  string
		on    bool
		since int64 // in hops
	}{
		{"nothing", "....", false, 0},
		{"an alarm", "..!", true, 2},
		// Counting windows instead of lengths ends it here.
		{"windows that share events with the alarming one are no news", "..!...........", true, 2},
		{"one disjoint quiet window is not enough", "!............", true, 0},
		{"a hop before two lengths have passed", "!" + quiet[1:], true, 0},
		{"two lengths", "!" + quiet, false, 0},
		{"the same drift, coming and going", "!...!............!" + quiet[1:], true, 0},
		{"another drift", "!" + quiet + "!", true, 25},
	} {
		e := after(hopping(tc.text))
		if e.On != tc.on || (e.On && e.Since != tc.since*hourMs/hops) {
			t.Errorf("%s: %q gives %+v", tc.what, tc.text, e)
		}
	}
}

// A stream that pauses gives no verdicts, and a pause is no evidence of an end: to
// end by the clock fails here.
func TestEpisodeIsNotEndedByAPause(t *testing.T) {
	v := hopping("!")
	later := verdict{Start: 1000 * hourMs, End: 1001 * hourMs}
	if e := after(append(v, later)); !e.On {
		t.Errorf("one quiet window after a pause gives %+v", e)
	}
}

func TestCalendarEpisodeEndsAfterTwoQuietWindows(t *testing.T) {
	for n, on := range []bool{true, true, false} {
		verdicts := []verdict{{Start: 0, End: 23 * hourMs, Alarm: true}} // a short day in spring
		for i := range int64(n) {
			verdicts = append(verdicts, verdict{Start: (23 + 24*i) * hourMs, End: (47 + 24*i) * hourMs})
		}
		if e := after(verdicts); e.On != on {
			t.Errorf("after %d quiet days: %+v", n, e)
		}
	}
}

// A revision stands for its window, as often as it comes. Counting each fails.
func TestRevisionsReplaceVerdicts(t *testing.T) {
	var h history
	for _, v := range hopping("!............") { // one disjoint quiet window
		h.put(v)
	}
	last := h.Verdicts[len(h.Verdicts)-1]
	for revision := 1; revision < 9; revision++ {
		last.Revision = revision
		h.put(last)
	}
	if e := h.now(); !e.On || e.Quiet != 1 {
		t.Errorf("revisions of one quiet window ended it: %+v", e)
	}
	first := h.Verdicts[0]
	first.Revision, first.Alarm = 1, false
	h.put(first)
	if e := h.now(); e.On {
		t.Errorf("the only alarming window was revised, and it is still on: %+v", e)
	}
	first.Revision, first.Alarm = 0, true
	if h.put(first) || h.now().On {
		t.Errorf("an earlier revision came again and counted")
	}
}

// Where a window stands follows from the last revisions, whatever the order of all
// revisions was. To step an episode as verdicts come fails.
func TestHistoryDoesNotDependOnTheOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var all []verdict
		for _, v := range hopping("..........................................................") {
			for revision := range 1 + random.IntN(3) {
				v.Revision, v.Alarm = revision, random.IntN(12) == 0
				all = append(all, v)
			}
		}
		var want history
		for _, v := range all {
			want.put(v)
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var got history
		for _, v := range all {
			got.put(v)
		}
		if got.now() != want.now() || !slices.Equal(got.Verdicts, want.Verdicts) {
			t.Fatalf("in another order %+v, want %+v", got.now(), want.now())
		}
	}
}

// Verdicts that are no longer kept still count, and their number is bounded.
func TestHistoryFoldsOldVerdicts(t *testing.T) {
	var h history
	for i, v := range hopping(string(slices.Repeat([]byte("!"), 5*keptVerdicts))) {
		if !h.put(v) {
			t.Fatalf("verdict %d was not taken", i)
		}
	}
	if e := h.now(); !e.On || e.Since != 0 || len(h.Verdicts) != keptVerdicts {
		t.Errorf("%d verdicts are kept, and %+v", len(h.Verdicts), e)
	}
	old := hopping("..")[1]
	old.Revision = 7
	if h.put(old) {
		t.Error("a window was revised that is no longer kept")
	}
}
