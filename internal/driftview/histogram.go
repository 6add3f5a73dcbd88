package driftview

import (
	"math"

	"github.com/penstock/penstock/drift"
)

const (
	// mostBars is how many bars a numeric field's histogram has, tails included;
	// one of few whole numbers has one for each.
	mostBars = 26
	// mostNames is how many categories have a bar of their own.
	mostNames = 12
	// tailShare is the share of the reference below the first and beyond the last
	// inner bar: what lies there would squeeze all the rest together.
	tailShare = 0.005
)

// histogram puts counts of one field into bars. They are for the eye: statistics
// are computed over other, finer cells.
type histogram struct {
	field *drift.ReferenceField
	// Of a numeric field: the bounds of the inner bars, which are equally wide. The
	// first and the last bar take what is beyond.
	low, high float64
	bars      int
	labels    []string // Of a categorical field, one a bar.
}

func newHistogram(f *drift.ReferenceField) *histogram {
	h := &histogram{field: f}
	if f.Kind == drift.Categorical {
		h.labels = append(h.labels, f.Names[:min(len(f.Names), mostNames)]...)
		h.labels = append(h.labels, "other", "new")
		return h
	}
	h.low, h.high, h.bars = h.quantile(tailShare), h.quantile(1-tailShare), mostBars
	switch inner := h.high - h.low + 1; {
	case inner <= mostBars-2 && h.whole():
		h.low, h.high, h.bars = h.low-0.5, h.high+0.5, int(inner)+2
	case h.low == h.high:
		around := math.Max(math.Abs(h.low)/2, 1)
		h.low, h.high = h.low-around, h.high+around
	}
	return h
}

// whole tells whether the reference's values are all whole numbers, as far as its
// buckets tell.
func (h *histogram) whole() bool {
	for _, b := range h.field.Counts.Buckets {
		if v := drift.Value(b.Key); v != math.Trunc(v) {
			return false
		}
	}
	return true
}

// quantile is a value with about share of the reference's finite values below it.
func (h *histogram) quantile(share float64) float64 {
	c := &h.field.Counts
	rank := int64(share * float64(c.Finite()))
	for i := range c.Buckets {
		if rank -= c.Buckets[i].N; rank < 0 || i == len(c.Buckets)-1 {
			return drift.Value(c.Buckets[i].Key)
		}
	}
	return 0
}

// shares are the bars' shares of all values in c.
func (h *histogram) shares(c *drift.Counts) []float64 {
	var counts []float64
	if h.labels != nil {
		counts = h.named(c)
	} else {
		counts = h.binned(c)
	}
	var total float64
	for _, n := range counts {
		total += n
	}
	if total > 0 {
		for i := range counts {
			counts[i] /= total
		}
	}
	return counts
}

func (h *histogram) named(c *drift.Counts) []float64 {
	counts := make([]float64, len(h.labels))
	shown := len(h.labels) - 2
	bar := map[uint64]int{}
	for i, name := range h.labels[:shown] {
		bar[drift.Hash([]byte(name))] = i
	}
	counts[shown], counts[shown+1] = float64(c.Other), float64(c.New)
	for i := range c.Categories {
		if at, ok := bar[c.Categories[i].Key]; ok {
			counts[at] += float64(c.Categories[i].N)
		} else {
			counts[shown] += float64(c.Categories[i].N)
		}
	}
	return counts
}

func (h *histogram) binned(c *drift.Counts) []float64 {
	counts := make([]float64, h.bars)
	for i := range c.Buckets {
		b := &c.Buckets[i]
		from, to := drift.Value(b.Key), drift.Value(h.field.Layout.End(b.Key))
		first, last := h.position(from), h.position(to)
		if bar := int(first); last <= math.Ceil(first) || last-first < 1e-9 {
			counts[bar] += float64(b.N)
			continue
		}
		for bar := int(first); float64(bar) < last; bar++ {
			part := math.Min(last, float64(bar+1)) - math.Max(first, float64(bar))
			counts[bar] += float64(b.N) * part / (last - first)
		}
	}
	return counts
}

// position is where a value lies among the bars: 1 at low, and within the first and
// the last bar for all that is beyond.
func (h *histogram) position(v float64) float64 {
	at := 1 + (v-h.low)/(h.high-h.low)*float64(h.bars-2)
	return math.Max(0.5, math.Min(at, float64(h.bars)-0.5))
}
