//go:build unix

package main

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i)*time.Millisecond)
	}
	if got, want := quantiles(times, 0, 0.5, 0.99, 1), []float64{1, 100, 198, 200}; !slices.Equal(got, want) {
		t.Errorf("quantiles of 1 to 200 ms are %v, want %v", got, want)
	}
	if got := quantiles(nil, 0.5); got[0] != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("the median of 9, 1 and 5 is %v", got)
	}
}

func TestCPUTime(t *testing.T) {
	stat := []byte("4242 (a) (b c) S 1 4242 4242 0 -1 4194304 100 0 0 0 123 45 6 7 20 0 12 0 100 200 300")
	if got, err := parseCPU(stat); err != nil || got != 1680*time.Millisecond {
		t.Errorf("123 ticks of user and 45 of system time are %v, %v", got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", "no command"} {
		if got, err := parseCPU([]byte(bad)); err == nil {
			t.Errorf("parseCPU(%q) = %v", bad, got)
		}
	}
}

func TestReadEvents(t *testing.T) {
	file := t.TempDir() + "/events.jsonl"
	if err := os.WriteFile(file, []byte("{\"a\":1}\n{\"a\":2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := readEvents(file)
	if err != nil || len(events) != 2 || string(events[1]) != `{"a":2}` {
		t.Errorf("readEvents = %q, %v", events, err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readEvents(file); err == nil {
		t.Error("an empty file was read without an error")
	}
}
