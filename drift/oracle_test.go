package drift

import (
	"maps"
	"math"
	"slices"
)

// Counted is what a Counter should say of numbers, by a layout's Bucket alone.
func Counted(l *Layout, values []float64) *Counts {
	c := &Counts{Rows: int64(len(values))}
	buckets := map[uint64]int64{}
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			c.NaN++
		case math.IsInf(v, 1):
			c.PosInf++
		case math.IsInf(v, -1):
			c.NegInf++
		default:
			buckets[l.Bucket(v)]++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(buckets)) {
		c.Buckets = append(c.Buckets, Bucket{key, buckets[key]})
	}
	return c
}
