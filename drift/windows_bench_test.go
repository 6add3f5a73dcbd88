package drift

import (
	"math/rand/v2"
	"testing"
	"time"
)

// newBenchWindows are windows of an hour and of a day, over 200 features.
func newBenchWindows() *Windows {
	return NewWindows(WindowsConfig{
		Pane: time.Minute, Lateness: 10 * time.Minute, Idle: time.Minute,
		Windows: []WindowSpec{{Name: "1h", Length: time.Hour}, {Name: "24h", Length: 24 * time.Hour}},
	}, make([]FieldSchema, 200))
}

// benchWindows come with a delta that fills some 500 buckets of each feature.
func benchWindows() (*Windows, *Delta) {
	d := drawnDelta(rand.New(rand.NewPCG(1, 2)), 50_000, 200)
	d.Idle = false
	w := newBenchWindows()
	w.Partitions([]PartitionID{{d.Source, d.Partition}})
	return w, d
}

// put applies the delta as one of the given minute.
func put(tb testing.TB, w *Windows, d *Delta, minute int64) {
	d.From, d.To = d.To, d.To+50_000
	d.Horizon = minute * 60_000
	d.Panes[0].Start = d.Horizon
	if _, err := w.Apply(d); err != nil {
		tb.Fatal(err)
	}
}

// A delta of 50,000 rows goes into one sum a window.
func BenchmarkWindowsApply(b *testing.B) {
	w, d := benchWindows()
	for b.Loop() {
		put(b, w, d, 0)
	}
}

// Two hours of event time, a pane a minute, of which only the last moment counts: a
// window of 24 hours and one of an hour close.
func BenchmarkWindowsClose(b *testing.B) {
	w, d := benchWindows()
	minute, closed := int64(0), 0
	for ; minute < 24*60; minute++ {
		put(b, w, d, minute)
		advance(w, 0)
	}
	var most time.Duration
	for b.Loop() {
		b.StopTimer()
		for range 119 {
			put(b, w, d, minute)
			advance(w, 0)
			minute++
		}
		put(b, w, d, minute)
		minute++
		put(b, w, d, minute)
		b.StartTimer()
		start := time.Now()
		closed += len(advance(w, 0))
		most = max(most, time.Since(start))
	}
	b.ReportMetric(float64(closed)/float64(b.N), "windows/op")
	b.ReportMetric(float64(most.Microseconds())/1000, "ms-at-most")
}

// What a monitor writes each time, and all that it keeps.
func BenchmarkWindowsState(b *testing.B) {
	w, d := benchWindows()
	minute := int64(0)
	for ; minute < 26*60; minute++ {
		put(b, w, d, minute)
		advance(w, 0)
	}
	records := func() (n, size int) {
		for _, record := range stored(w) {
			n, size = n+1, size+len(record)
			if len(record) > MaxDelta {
				b.Fatalf("a record of %d bytes", len(record))
			}
		}
		return n, size
	}
	n, all := records()
	size := 0
	for b.Loop() {
		put(b, w, d, minute)
		_, size = records()
	}
	b.ReportMetric(float64(all), "B-kept")
	b.ReportMetric(float64(n), "records-kept")
	b.ReportMetric(float64(size), "B-written")
}
