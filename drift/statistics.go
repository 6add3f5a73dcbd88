package drift

import "math"

// Statistics compare a window with the reference. Both are samples. NaN stands
// where a statistic is not defined: of Kolmogorov-Smirnov and Wasserstein for what
// is not numeric, of Wasserstein where the reference is constant, of all where one
// side is empty. docs/drift.md has all definitions.
type Statistics struct {
	JS, JSLower       float64 // Jensen-Shannon distance, base 2, and its lower confidence bound
	PSI, PSICorrected float64
	W1                float64 // over the reference's standard deviation
	KSLower, KSUpper  float64
	Hellinger, Linf   float64
}

// Compare computes the statistics of cur against the reference. dispersion is how
// much more than independent draws the field varies between stretches, at least 1.
func (f *ReferenceField) Compare(cur *Counts, dispersion float64) Statistics {
	return f.compare(cur, f.Cells(&f.Counts, nil), f.Cells(cur, nil), dispersion)
}

// compare is Compare, for who has the cells of the reference and of cur.
func (f *ReferenceField) compare(cur *Counts, known, cells []int64, dispersion float64) Statistics {
	nan := math.NaN()
	s := Statistics{
		JS: nan, JSLower: nan, PSI: nan, PSICorrected: nan, W1: nan, KSLower: nan, KSUpper: nan, Hellinger: nan, Linf: nan,
	}
	p := newCells(known, cells)
	if p.n == 0 || p.m == 0 {
		return s
	}
	s.JS, s.JSLower = p.jensenShannon(dispersion)
	s.PSI, s.PSICorrected = p.stability()
	s.Hellinger, s.Linf = hellingerDistance(p.p, p.q), largestDifference(p.p, p.q)
	if f.Kind == Numeric {
		pairs := pairBuckets(&f.Layout, &f.Counts, cur)
		s.KSLower, s.KSUpper = pairs.kolmogorovSmirnov()
		s.W1 = pairs.wasserstein()
	}
	return s
}

// cellPair are both sides in the cells that are not empty on both.
type cellPair struct {
	a, b []int64   // counts
	n, m int64     // their sums
	p, q []float64 // shares
}

func newCells(a, b []int64) cellPair {
	c := cellPair{a: make([]int64, 0, len(a)), b: make([]int64, 0, len(a)), p: make([]float64, 0, len(a)), q: make([]float64, 0, len(a))}
	for i := range a {
		if a[i]+b[i] > 0 {
			c.a, c.b = append(c.a, a[i]), append(c.b, b[i])
			c.n, c.m = c.n+a[i], c.m+b[i]
		}
	}
	for i := range c.a {
		c.p, c.q = append(c.p, float64(c.a[i])/float64(c.n)), append(c.q, float64(c.b[i])/float64(c.m))
	}
	return c
}

// noise is 1/n + 1/m times the degrees of freedom of the cells: how much the squared
// relative differences of the shares of two samples of one distribution come to.
func (c *cellPair) noise() float64 {
	return float64(len(c.a)-1) * (1/float64(c.n) + 1/float64(c.m))
}
