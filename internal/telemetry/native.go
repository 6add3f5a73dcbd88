package telemetry

import (
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// Native buckets as Prometheus defines them, at one resolution: with schema 3
// each power of two has 8 buckets, each 1.09 times as wide as the one before.
const (
	schema        = 3
	octave        = 1 << schema
	zeroThreshold = 0x1p-128 // client_golang's default
)

// Buckets are kept for what lies between a quarter of a nanosecond and a
// century, in seconds; whatever is beyond counts in the outermost ones.
const (
	lowest      = -32 * octave
	highest     = 32 * octave
	nativeCells = highest - lowest + 1
)

// highestValue is the upper bound of the outermost bucket.
const highestValue = 1 << 32

// fractions are the upper bounds of the buckets within [0.5, 1): 2^(i/8 - 1).
var fractions = [octave]float64{
	0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048,
	0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711,
}

// nativeKey gives the bucket of a positive value: its upper bound is
// 2^(key/8), inclusive.
func nativeKey(v float64) int {
	fraction, exponent := math.Frexp(v)
	i, _ := slices.BinarySearch(fractions[:], fraction)
	return i + (exponent-1)*octave
}

// nativeCell gives the place of a positive value in an array of nativeCells.
func nativeCell(v float64) int {
	return min(max(nativeKey(v), lowest), highest) - lowest
}

// nativeMiddle is the value that stands for those in a cell: none is further
// than 4.5 % from it.
func nativeMiddle(cell int) float64 {
	return math.Exp2((float64(cell+lowest) - 0.5) / octave)
}

// spans writes cells as Prometheus wants them: runs of buckets, each count as
// the difference from the one before. Up to two empty buckets are cheaper
// within a run than a run of their own.
func spans(cells *[nativeCells]uint64) (runs []*dto.BucketSpan, deltas []int64) {
	var previous int64
	next := 0 // the key that would go on with the last run
	add := func(count int64) {
		*runs[len(runs)-1].Length++
		deltas = append(deltas, count-previous)
		previous = count
	}
	for cell, count := range cells {
		if count == 0 {
			continue
		}
		gap := cell + lowest - next
		if len(runs) == 0 || gap > 2 {
			runs = append(runs, &dto.BucketSpan{Offset: new(int32(gap)), Length: new(uint32(0))})
		} else {
			for range gap {
				add(0)
			}
		}
		add(int64(count))
		next = cell + lowest + 1
	}
	return runs, deltas
}
