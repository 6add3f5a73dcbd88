package cli

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	start := time.Unix(1000, 0)
	tests := []struct {
		total, done int64
		tally       tally
		want        string
	}{
		{200, 50, tally{predicted: 2_000_000}, "[======                  ]  25%  2,000,000 events  1,000,000/s  6s left"},
		{math.MaxInt64, 1, tally{predicted: 2}, "[                        ]   0%  2 events  1/s  1000h0m0s left"},
		{200, 180, tally{predicted: 2}, "[=====================   ]  90%  2 events  1/s"},
		{200, 0, tally{}, "[                        ]   0%  0 events  0/s"},
		{200, 200, tally{predicted: 998, rejected: 2}, "[========================] 100%  1,000 events  500/s  2 rejected"},
		{0, 50, tally{predicted: 10}, "10 events  5/s"},
	}
	for _, tt := range tests {
		p := progress{started: start, total: tt.total, what: "events"}
		if got := p.line(&tt.tally, tt.done, start.Add(2*time.Second)); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

// TestProgressIsNotDrawnTooOften also checks that nothing is drawn on what is
// no terminal.
func TestProgressIsNotDrawnTooOften(t *testing.T) {
	var w strings.Builder
	start := time.Unix(1000, 0)
	p := newProgress(&w, &w, 0, start)
	p.update(&tally{}, 0, start)
	if w.Len() > 0 {
		t.Fatalf("drawn on a file: %q", w.String())
	}
	p.w = &w
	for ms := range 1001 {
		p.update(&tally{predicted: 1}, 0, start.Add(time.Duration(ms)*time.Millisecond))
	}
	p.clear()
	if got := strings.Count(w.String(), "events"); got != 10 {
		t.Errorf("drawn %d times in a second, want 10", got)
	}
	if !strings.HasSuffix(w.String(), "\r\x1b[K") {
		t.Error("the bar is left behind")
	}
}

func TestSummary(t *testing.T) {
	var total tally
	total.add(&tally{predicted: 1_234_565})
	total.add(&tally{rejected: 2, byClass: [len(classes)]int64{1: 1, 6: 1}, first: "a"})
	total.add(&tally{first: "b"})
	want := "1,234,567 events in 2s (617,283/s): 1,234,565 predicted, 2 rejected (missing 1, too_large 1)"
	if got := summary(&total, 2*time.Second); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if total.first != "a" {
		t.Errorf("the first reject is %q, want a", total.first)
	}
}
