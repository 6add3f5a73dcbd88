package drift

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// minStretches is the fewest stretches of a reference that say how much a field varies.
const minStretches = 8

// variation is how much more a field's counts vary between stretches of a window's
// length than independent draws of the same rows would: with the season, the hour,
// whatever the stream's own course is where nothing drifts.
//
// Counts of n rows have the variance of draws times 1 + excess·n. That is so
// whatever n is as long as the time is the same, since the course that the
// distribution took in that time does not depend on how often it was looked at.
type variation struct {
	excess    float64
	stretches int // that it was measured with
}

// untimedStretches is into how many stretches rows without a time are divided.
const untimedStretches = 32

// variation measures that of a field over stretches of a window's length. It is
// false where the reference is too small for that.
//
// Where the reference has too few such stretches, they are shorter: a stationary
// stream's shorter stretches vary at least as much, so that this errs towards
// silence. Where they have too few rows, they are longer: what happens within them
// is then hidden, and windows are taken to vary independently, and so as much more
// as they are shorter. Few rows without a time are taken for independent draws.
func (r *Reference) variation(f *ReferenceField, length time.Duration) (variation, bool) {
	if len(r.Starts) < minStretches {
		return variation{}, r.Block == 0
	}
	first, block := r.Starts[0], r.Block
	if block == 0 { // rows
		block = r.Starts[1] - first
	}
	span := r.Starts[len(r.Starts)-1] + block - first
	wanted := length.Milliseconds()
	if r.Block == 0 {
		wanted = span / untimedStretches
	}
	whole := func(size int64) int64 { return max(block, size-size%block) }
	size := whole(min(wanted, span/minStretches))
	stretches := r.join(f.Blocks, size, span)
	for len(stretches) < minStretches && size > block { // there are gaps
		size = whole(size / 2)
		stretches = r.join(f.Blocks, size, span)
	}
	for len(stretches) >= minStretches {
		if v, ok := calibrate(stretches); ok {
			if r.Block > 0 {
				v.excess *= max(1, float64(size)/float64(wanted))
			}
			return v, true
		}
		size *= 2
		stretches = r.join(f.Blocks, size, span)
	}
	return variation{}, r.Block == 0
}

// calibrate holds each stretch out and compares it with the rest of the reference,
// as a window will be with the whole. It is false where fewer than minStretches have
// rows enough to tell; of a field that never varies there is nothing to tell.
//
// The excess is the greater of two estimates. One is from the mean of the likelihood-ratio
// statistics, which is right where all stretches vary alike, plus its standard error
// under independent draws, as what is not seen in a few stretches may be there. The
// other is from the greatest of them and the median of the greatest of as many squares
// of normals, which is right where the variation is that of a few hours of a season.
func calibrate(stretches [][]int64) (variation, bool) {
	var total []int64
	for _, s := range stretches {
		total = addCells(total, s)
	}
	var v variation
	share := math.Pow(0.5, 1/float64(len(stretches)))
	greatest := distuv.ChiSquared{K: 1}.Quantile(share)
	var excess, degrees, weight, most float64
	rest := make([]int64, len(total))
	for _, s := range stretches {
		copy(rest, total)
		for i, n := range s {
			rest[i] -= n
		}
		statistic, df := likelihoodRatio(s, rest)
		if df == 0 {
			continue
		}
		v.stretches++
		scale := float64(df) * effectiveRows(rowsOf(s), rowsOf(rest))
		excess += statistic - float64(df)
		degrees += float64(df)
		weight += scale
		usual := distuv.ChiSquared{K: float64(df)}.Quantile(share)
		most = max(most, (statistic-usual)/greatest/scale)
	}
	if weight > 0 {
		v.excess = max(0, most, (excess+math.Sqrt(2*degrees))/weight)
	}
	return v, v.stretches >= minStretches || constant(total)
}

// constant says that all rows are in one cell.
func constant(cells []int64) bool { return slices.Contains(cells, rowsOf(cells)) }

// join adds up the blocks of each stretch of that size; the last one is left out
// unless the span covers it.
func (r *Reference) join(blocks [][]int64, size, span int64) [][]int64 {
	var joined [][]int64
	last := int64(-1)
	for i, b := range blocks {
		stretch := (r.Starts[i] - r.Starts[0]) / size
		switch {
		case (stretch+1)*size > span:
			return joined
		case stretch != last:
			joined = append(joined, nil)
			last = stretch
		}
		joined[len(joined)-1] = addCells(joined[len(joined)-1], b)
	}
	return joined
}

// effectiveRows is the size of the sample that differs from a known distribution as
// much as samples of n and m rows do from each other.
func effectiveRows(n, m int64) float64 {
	if n+m == 0 {
		return 0
	}
	return float64(n) * float64(m) / float64(n+m)
}

// addCells adds b to a, which grows to its length.
func addCells(a, b []int64) []int64 {
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for i, n := range b {
		a[i] += n
	}
	return a
}

func rowsOf(cells []int64) int64 {
	var n int64
	for _, c := range cells {
		n += c
	}
	return n
}
