package drift

import "math"

// bucketPair is what both sides have in one bucket.
type bucketPair struct {
	a, b        float64
	first, last float64 // the values that may lie in it
}

// bucketPairs are all buckets that are not empty on both sides, ascending, the
// infinities at either end.
type bucketPairs struct {
	all  []bucketPair
	n, m float64
}

func pairBuckets(l *Layout, a, b *Counts) bucketPairs {
	p := bucketPairs{all: make([]bucketPair, 0, len(a.Buckets)+len(b.Buckets)+2)}
	p.add(math.Inf(-1), math.Inf(-1), a.NegInf, b.NegInf)
	x, y := a.Buckets, b.Buckets
	for len(x) > 0 || len(y) > 0 {
		var n, m int64
		var key uint64
		switch {
		case len(y) == 0 || len(x) > 0 && x[0].Key < y[0].Key:
			key, n, x = x[0].Key, x[0].N, x[1:]
		case len(x) == 0 || y[0].Key < x[0].Key:
			key, m, y = y[0].Key, y[0].N, y[1:]
		default:
			key, n, m, x, y = x[0].Key, x[0].N, y[0].N, x[1:], y[1:]
		}
		p.add(Value(key), Value(l.End(key)-1), n, m)
	}
	p.add(math.Inf(1), math.Inf(1), a.PosInf, b.PosInf)
	return p
}

func (p *bucketPairs) add(first, last float64, n, m int64) {
	if n+m > 0 {
		p.all = append(p.all, bucketPair{float64(n), float64(m), first, last})
		p.n, p.m = p.n+float64(n), p.m+float64(m)
	}
}

// kolmogorovSmirnov gives bounds of the two-sample statistic, the largest
// difference of both distribution functions. At the ends of buckets the difference
// is known; within one it can at most be what it is if all values of one side come
// first. The bounds are as far apart as the lighter side of one bucket weighs, and
// no further.
func (p *bucketPairs) kolmogorovSmirnov() (lower, upper float64) {
	if p.n == 0 || p.m == 0 {
		return math.NaN(), math.NaN()
	}
	var a, b float64 // rows below
	for _, c := range p.all {
		if c.first < c.last {
			upper = max(upper, (a+c.a)/p.n-b/p.m, (b+c.b)/p.m-a/p.n)
		}
		a, b = a+c.a, b+c.b
		lower = max(lower, math.Abs(a/p.n-b/p.m))
	}
	return lower, max(lower, upper)
}

// wasserstein is the Wasserstein-1 distance of the finite values over the standard
// deviation of the reference's, every value standing in the middle of its bucket.
func (p *bucketPairs) wasserstein() float64 {
	var n, m, scale float64
	for _, c := range p.all {
		if !math.IsInf(c.first, 0) {
			n, m = n+c.a, m+c.b
			scale = max(scale, math.Abs(c.first), math.Abs(c.last))
		}
	}
	if n == 0 || m == 0 || scale == 0 {
		return math.NaN()
	}
	// Values are taken as parts of the largest, as squares would overflow.
	var mean, squares, seen float64 // of the reference
	var area, before, difference float64
	for _, c := range p.all {
		if math.IsInf(c.first, 0) {
			continue
		}
		x := c.first/scale/2 + c.last/scale/2
		area += math.Abs(difference) * (x - before)
		before = x
		difference += c.a/n - c.b/m
		if c.a > 0 {
			seen += c.a
			step := x - mean
			mean += step * c.a / seen
			squares += c.a * step * (x - mean)
		}
	}
	if squares == 0 {
		return math.NaN()
	}
	return area / math.Sqrt(squares/n)
}
