package drift

import "math"

// deequConstant scales what chance alone does to the distance: 1.8 is Deequ's
// default, its root(-ln(α/2)/2) for α = .003 (Knuth, The Art of Computer
// Programming, volume 2, 3.3.1, equation 15).
const deequConstant = 1.8

// deequNull is the category that Deequ counts missing values as.
const deequNull = "NullValue"

func deequ(ref, cur Column, categorical bool) map[string]float64 {
	var d, n, m float64
	if categorical {
		r, c := withNull(ref), withNull(cur)
		n, m = float64(r.total), float64(c.total)
		ofRef, ofCur := paired(r, c)
		d = largestDifference(shares(ofRef, r.total), shares(ofCur, c.total))
	} else {
		r, c := ascending(ref.Numbers, isNumber), ascending(cur.Numbers, isNumber)
		n, m = float64(len(r)), float64(len(c))
		d = ksDistance(r, c)
	}
	if n == 0 || m == 0 {
		return nil
	}
	return map[string]float64{"linf_robust": robust(d, n, m, deequConstant)}
}

func withNull(c Column) frequencies {
	f := tally(c.Texts)
	if c.Missing > 0 {
		f.counts[deequNull] += c.Missing
		f.total += c.Missing
	}
	return f
}

// robust takes from a distance between n and m values what chance may have done.
func robust(d, n, m, constant float64) float64 {
	return max(0, d-constant*math.Sqrt((n+m)/(n*m)))
}
