package drift

import (
	"math"
	"slices"
	"strings"
)

// What the tools do with raw values, in numpy's and scipy's terms.

func isNumber(v float64) bool { return !math.IsNaN(v) }

func isFinite(v float64) bool { return v-v == 0 }

// ascending are the values that are to be kept, sorted. It is the caller's own
// slice where there is nothing to do.
func ascending(values []float64, keep func(float64) bool) []float64 {
	drop := func(v float64) bool { return !keep(v) }
	if slices.ContainsFunc(values, drop) {
		values = slices.DeleteFunc(slices.Clone(values), drop)
	}
	if !slices.IsSorted(values) {
		values = slices.Clone(values)
		slices.Sort(values)
	}
	return values
}

// below counts the values that are less than x.
func below(sorted []float64, x float64) int {
	n, _ := slices.BinarySearch(sorted, x)
	return n
}

// upTo counts the values that are at most x.
func upTo(sorted []float64, x float64) int {
	return below(sorted, math.Nextafter(x, math.Inf(1)))
}

// meanAndDeviation are the mean and the standard deviation over n.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v
	}
	mean /= n
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / n)
}

// evenEdges are the n+1 edges of n bins of equal width; a range without width
// becomes one of 1 around the value.
func evenEdges(low, high float64, n int) []float64 {
	if low == high {
		low, high = low-0.5, high+0.5
	}
	return spaced(low, high, n)
}

// spaced are n+1 values at equal distances.
func spaced(low, high float64, n int) []float64 {
	step := (high - low) / float64(n)
	edges := make([]float64, n+1)
	for i := range edges {
		edges[i] = float64(float64(i)*step) + low // not fused: numpy rounds twice
	}
	edges[n] = high
	return edges
}

// cumulated counts, for each bin, the values in it and in those before it. Bins
// include their lower edge, the last one its upper edge as well.
func cumulated(sorted, edges []float64) []int {
	first, last := below(sorted, edges[0]), len(edges)-2
	counts := make([]int, len(edges)-1)
	for i := range counts[:last] {
		counts[i] = below(sorted, edges[i+1]) - first
	}
	counts[last] = upTo(sorted, edges[last+1]) - first
	return counts
}

// wasserstein1 is the area between two empirical distribution functions.
func wasserstein1(a, b []float64) float64 {
	var area float64
	i, j := 0, 0
	at := min(a[0], b[0])
	for i < len(a) || j < len(b) {
		next := math.Inf(1)
		if i < len(a) {
			next = a[i]
		}
		if j < len(b) {
			next = min(next, b[j])
		}
		if next > at {
			area += math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))) * (next - at)
			at = next
		}
		if i < len(a) && a[i] == next {
			i++
		} else {
			j++
		}
	}
	return area
}

// frequencies are how often each value occurs.
type frequencies struct {
	counts map[string]int
	total  int
}

func tally(texts []string) frequencies {
	f := frequencies{counts: map[string]int{}, total: len(texts)}
	for _, t := range texts {
		f.counts[t]++
	}
	return f
}

// paired gives the counts of both by value, values in order, so that sums do not
// depend on a map's.
func paired(a, b frequencies) (ofA, ofB []int) {
	names := make([]string, 0, len(a.counts)+len(b.counts))
	for name := range a.counts {
		names = append(names, name)
	}
	for name := range b.counts {
		if a.counts[name] == 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	for _, name := range names {
		ofA, ofB = append(ofA, a.counts[name]), append(ofB, b.counts[name])
	}
	return ofA, ofB
}

// different counts the values that occur in either.
func different(a, b frequencies) int {
	n := len(a.counts)
	for name := range b.counts {
		if a.counts[name] == 0 {
			n++
		}
	}
	return n
}

// shares divides the counts by the total.
func shares(counts []int, total int) []float64 {
	all := make([]float64, len(counts))
	for i, n := range counts {
		all[i] = float64(n) / float64(total)
	}
	return all
}

// shannonDistance is the Jensen-Shannon distance of two distributions in nats:
// the root of the mean of both divergences from their middle.
func shannonDistance(p, q []float64) float64 {
	var sum float64
	for i := range p {
		middle := (p[i] + q[i]) / 2
		for _, v := range []float64{p[i], q[i]} {
			if v > 0 {
				sum += v * math.Log(v/middle)
			}
		}
	}
	return math.Sqrt(max(sum, 0) / 2)
}

// hellingerDistance is the Hellinger distance of two distributions.
func hellingerDistance(p, q []float64) float64 {
	var sum float64
	for i := range p {
		d := math.Sqrt(p[i]) - math.Sqrt(q[i])
		sum += d * d
	}
	return math.Sqrt(sum / 2)
}

// largestDifference is the L-infinity distance.
func largestDifference(p, q []float64) float64 {
	var d float64
	for i := range p {
		d = max(d, math.Abs(p[i]-q[i]))
	}
	return d
}
