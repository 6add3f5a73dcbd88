//go:build unix

package main

import (
	"math"
	"slices"
	"time"
)

// quantiles are those of times, in ms: the least that at least a share q of them
// does not exceed. It sorts them.
func quantiles(times []time.Duration, qs ...float64) []float64 {
	slices.Sort(times)
	out := make([]float64, len(qs))
	for i, q := range qs {
		if n := len(times); n > 0 {
			at := int(math.Ceil(q*float64(n))) - 1
			out[i] = millis(times[min(max(at, 0), n-1)])
		}
	}
	return out
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is that of some numbers, the lower one of two; it sorts them.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return v[(len(v)-1)/2]
}
