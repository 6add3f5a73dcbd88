package telemetry

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/prometheus/client_golang/prometheus"
)

// epoch is the timestamps of 4096 events, some milliseconds old.
func epoch(now int64) []int64 {
	times := make([]int64, 4096)
	for i := range times {
		times[i] = now - int64(i*7919%16)
	}
	return times
}

func TestCountingAllocatesNothing(t *testing.T) {
	w := NewPipeline(PipelineOptions{Name: "a"}).NewWorker()
	const now = 1_790_000_000_000
	times := epoch(now)
	for name, count := range map[string]func(){
		"Counter":      func() { w.Predicted.Add(1) },
		"Seconds":      func() { w.Decode.Add(time.Microsecond) },
		"Stopwatch":    func() { w.Idle.Start(); w.Idle.Stop() },
		"DeadLettered": func() { w.DeadLettered(penstock.ClassDecode, 1) },
		"Histogram":    func() { w.CommitDuration.Observe(0.0015) },
		"Millis":       func() { w.Latency.ObserveMillis(9, 1); w.Latency.ObserveMillis(9000, 1) },
		"Since":        func() { w.Latency.ObserveSince(now, times) },
	} {
		if n := testing.AllocsPerRun(100, count); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkCounter(b *testing.B) {
	w := newWorker()
	for b.Loop() {
		w.Predicted.Add(1)
	}
}

// BenchmarkStore is the rejected way: a single writer that loads and stores.
func BenchmarkStore(b *testing.B) {
	var n atomic.Int64
	for b.Loop() {
		n.Store(n.Load() + 1)
	}
}

func BenchmarkHistogram(b *testing.B) {
	w := newWorker()
	for b.Loop() {
		w.InferenceDuration.Observe(0.00015)
	}
}

// BenchmarkClientGolang is the rejected way: one of client_golang's own.
func BenchmarkClientGolang(b *testing.B) {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Buckets: inferenceBounds(), NativeHistogramBucketFactor: 1.1})
	for b.Loop() {
		h.Observe(0.00015)
	}
}

// BenchmarkLatency reports the time an event, of thousands per commit.
func BenchmarkLatency(b *testing.B) {
	w := newWorker()
	const now = 1_790_000_000_000
	times := epoch(now)
	for b.Loop() {
		w.Latency.ObserveSince(now, times)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(times)), "ns/event")
}

func BenchmarkTotals(b *testing.B) {
	p := busy()
	for b.Loop() {
		p.Totals()
	}
}
