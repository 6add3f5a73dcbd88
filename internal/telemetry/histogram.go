package telemetry

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Histogram counts values, in seconds or rows, in native and in classic
// buckets. The lock is there for the scrape; the worker is alone otherwise.
type Histogram struct {
	mu sync.Mutex
	counts
}

// counts is what a histogram holds, and what one is once scraped.
type counts struct {
	bounds  []float64 // upper, inclusive, of the classic buckets
	classic []uint64  // one more than bounds, for what is above them
	native  [nativeCells]uint64
	zero    uint64
	total   uint64
	sum     float64
}

func newCounts(bounds []float64) counts {
	return counts{bounds: bounds, classic: make([]uint64, len(bounds)+1)}
}

// Observe counts one value. What is no positive number, as after a clock went
// back, counts as 0: a sum must not shrink, or spoil for ever.
func (h *Histogram) Observe(value float64) {
	h.mu.Lock()
	h.observe(value, 1)
	h.mu.Unlock()
}

func (c *counts) observe(value float64, n uint64) {
	if !(value > zeroThreshold) { // a NaN as well
		c.zero += n
		value = 0
	} else {
		value = min(value, highestValue)
		c.native[nativeCell(value)] += n
	}
	bucket, _ := slices.BinarySearch(c.bounds, value)
	c.classic[bucket] += n
	c.total += n
	c.sum += value * float64(n)
}

// addTo adds what h holds to a sum over workers.
func (h *Histogram) addTo(sum *counts) {
	h.mu.Lock()
	sum.add(&h.counts)
	h.mu.Unlock()
}

func (c *counts) add(other *counts) {
	for i, n := range other.classic {
		c.classic[i] += n
	}
	for i, n := range other.native {
		c.native[i] += n
	}
	c.zero += other.zero
	c.total += other.total
	c.sum += other.sum
}

// histogramMetric is the sum over workers as client_golang takes it.
type histogramMetric struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	counts *counts
}

func newHistogramMetric(desc *prometheus.Desc, c *counts, labels ...string) histogramMetric {
	return histogramMetric{desc: desc, labels: prometheus.MakeLabelPairs(desc, labels), counts: c}
}

// Desc implements prometheus.Metric.
func (m histogramMetric) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric.
func (m histogramMetric) Write(out *dto.Metric) error {
	c := m.counts
	h := &dto.Histogram{
		SampleCount:   new(c.total),
		SampleSum:     new(c.sum),
		Schema:        new(int32(schema)),
		ZeroThreshold: new(zeroThreshold),
		ZeroCount:     new(c.zero),
	}
	h.PositiveSpan, h.PositiveDelta = spans(&c.native)
	var below uint64
	for i, bound := range c.bounds {
		below += c.classic[i]
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: new(below), UpperBound: new(bound)})
	}
	out.Label, out.Histogram = m.labels, h
	return nil
}
