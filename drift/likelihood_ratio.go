package drift

import "math"

// minExpected is the fewest rows that a cell must be expected to have in either
// sample to be tested by itself; the others are one cell together.
const minExpected = 5

// likelihoodRatio is the G statistic of two samples, twice the logarithm of the
// ratio of their likelihoods with distributions of their own and with one for both,
// and its degrees of freedom: 0, 0 where there is nothing to compare. (Wilks, "The
// large-sample distribution of the likelihood ratio", 1938.)
//
// Pearson's chi-squared is the same where it is not large. Alarms are decided far
// out, at p of 1e-6, and there the chance that a rare cell has so many rows falls
// with the likelihood ratio (Chernoff), and much slower than Pearson's says.
func likelihoodRatio(a, b []int64) (statistic float64, degrees int) {
	n, m := float64(rowsOf(a)), float64(rowsOf(b))
	if n == 0 || m == 0 {
		return 0, 0
	}
	cells := -1
	add := func(x, y float64) {
		if x+y > 0 {
			statistic += surprise(x, (x+y)*n/(n+m)) + surprise(y, (x+y)*m/(n+m))
			cells++
		}
	}
	var rareA, rareB float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		if (x+y)*min(n, m)/(n+m) < minExpected {
			rareA, rareB = rareA+x, rareB+y
			continue
		}
		add(x, y)
	}
	add(rareA, rareB)
	return max(0, 2*statistic), cells
}

// surprise is what a cell adds to the logarithm of the likelihood ratio.
func surprise(observed, expected float64) float64 {
	if observed == 0 {
		return 0
	}
	return observed * math.Log(observed/expected)
}
