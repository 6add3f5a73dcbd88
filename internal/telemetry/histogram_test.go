package telemetry

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// reference is what client_golang makes of the same values.
func reference(t *testing.T, bounds, values []float64) *dto.Histogram {
	t.Helper()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Buckets: bounds, NativeHistogramBucketFactor: 1.1})
	for _, v := range values {
		h.Observe(v)
	}
	var m dto.Metric
	if err := h.Write(&m); err != nil {
		t.Fatal(err)
	}
	m.Histogram.CreatedTimestamp = nil
	return m.Histogram
}

func written(t *testing.T, c *counts) *dto.Histogram {
	t.Helper()
	var m dto.Metric
	if err := newHistogramMetric(newMetrics().latency, c, "p").Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.Histogram
}

// same compares all but the sums' last bits: they depend on the order of
// addition.
func same(t *testing.T, got, want *dto.Histogram) {
	t.Helper()
	if g, w := got.GetSampleSum(), want.GetSampleSum(); math.Abs(g-w) > 1e-9*math.Abs(w) {
		t.Errorf("sum %v, not %v", g, w)
	}
	got.SampleSum, want.SampleSum = nil, nil
	if !proto.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestHistogramCountsAsClientGolangDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	cases := map[string][]float64{
		"none":   nil,
		"zero":   {0, 0},
		"one":    {1},
		"bounds": latencyBounds(),
		"powers": {1, 2, 4, 8, 16, 0.5, 0.25, 1. / 1024},
		"gaps":   {1, 1.2, 1.5, 1.9, 1e-6, 1e3},
	}
	// The bounds of native buckets, and their neighbours.
	for key := -200; key < 200; key++ {
		bound := math.Ldexp(fractions[key&(octave-1)], key>>3+1)
		cases["native bounds"] = append(cases["native bounds"], bound, math.Nextafter(bound, 0), math.Nextafter(bound, math.Inf(1)))
	}
	for range 20000 {
		cases["many"] = append(cases["many"], math.Exp(random.NormFloat64()*4-6))
		cases["narrow"] = append(cases["narrow"], 0.003+random.Float64()/1000)
	}
	for name, values := range cases {
		t.Run(name, func(t *testing.T) {
			h := &Histogram{counts: newCounts(latencyBounds())}
			for _, v := range values {
				h.Observe(v)
			}
			same(t, written(t, &h.counts), reference(t, latencyBounds(), values))
		})
	}
}

func TestHistogramSumsWorkers(t *testing.T) {
	var values []float64
	workers := []*Histogram{{counts: newCounts(rowBounds())}, {counts: newCounts(rowBounds())}, {counts: newCounts(rowBounds())}}
	for i := range 3000 {
		v := float64(i % 257)
		values = append(values, v)
		workers[i%3].Observe(v)
	}
	sum := newCounts(rowBounds())
	for _, w := range workers {
		w.addTo(&sum)
	}
	same(t, written(t, &sum), reference(t, rowBounds(), values))
}

func TestLatencyCountsAsClientGolangDoes(t *testing.T) {
	var values []float64
	single, together := &Latency{}, &Latency{}
	single.above, together.above = newCounts(latencyBounds()), newCounts(latencyBounds())
	const now = 1_790_000_000_000
	var times []int64
	for _, ms := range []int64{0, 1, 2, 3, 5, 8, 9, 10, 14, 55, 100, 999, 1000, 4095, 4096, 4097, 5000, 10000, 60000, 60001, 3_600_000} {
		for range ms%7 + 1 {
			values = append(values, float64(ms)/1000)
			times = append(times, now-ms)
		}
		single.ObserveMillis(ms, ms%7+1)
	}
	together.ObserveSince(now, times)
	for name, l := range map[string]*Latency{"ObserveMillis": single, "ObserveSince": together} {
		t.Run(name, func(t *testing.T) {
			sum := latencies{above: newCounts(latencyBounds())}
			l.addTo(&sum)
			same(t, written(t, sum.histogram()), reference(t, latencyBounds(), values))
		})
	}
}

func TestWhatIsNoPositiveNumberCountsAsZero(t *testing.T) {
	h := &Histogram{counts: newCounts(commitBounds())}
	h.Observe(-1)
	h.Observe(math.NaN())
	h.Observe(math.Inf(-1))
	same(t, written(t, &h.counts), reference(t, commitBounds(), []float64{0, 0, 0}))

	l := &Latency{latencies: latencies{above: newCounts(latencyBounds())}}
	l.ObserveMillis(-5, 2)
	l.ObserveSince(1000, []int64{1001, math.MaxInt64})
	same(t, written(t, l.histogram()), reference(t, latencyBounds(), []float64{0, 0, 0, 0}))
}

func TestWhatIsBeyondTheBucketsCountsInTheOutermost(t *testing.T) {
	h := &Histogram{counts: newCounts(latencyBounds())}
	for _, v := range []float64{1e-30, 0x1p-40, 1e30, math.Inf(1)} {
		h.Observe(v)
	}
	if first, last := h.native[0], h.native[nativeCells-1]; first != 2 || last != 2 || h.total != 4 {
		t.Errorf("outermost buckets hold %d and %d of %d", first, last, h.total)
	}
	if math.IsInf(h.sum, 0) || math.IsNaN(h.sum) {
		t.Errorf("the sum is spoilt: %v", h.sum)
	}
}

func TestNativeMiddleIsWithinItsBucket(t *testing.T) {
	for v := 1e-9; v < 1e9; v *= 1.01 {
		if middle := nativeMiddle(nativeCell(v)); math.Abs(middle/v-1) > 0.0454 {
			t.Fatalf("%v stands for %v", middle, v)
		}
	}
}
