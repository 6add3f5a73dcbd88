package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.17g, want %.17g within %g", what, got, want, within)
	}
}

// Values that other tools publish, the shares being those of the counts.
func TestStatisticsHaveTheirGoldenValues(t *testing.T) {
	evidently := newCells([]int64{16, 18, 16, 14, 12, 12}, []int64{16, 16, 16, 16, 16, 8})
	near(t, "Evidently's Hellinger distance", hellingerDistance(evidently.p, evidently.q), .06812, 1e-5)
	statistic, degrees := chiSquared(evidently.a, evidently.b)
	near(t, "the p-value of homogeneity", chiSquaredTail(statistic, float64(degrees)), .899, 5e-4)

	scipy := newCells([]int64{2, 0}, []int64{1, 1})
	js, _ := scipy.jensenShannon(1)
	near(t, "scipy's Jensen-Shannon distance in nats", js*math.Sqrt(math.Ln2), .46450140402245893, 1e-15)

	// The buckets of both sides, cut where either has an end, values being spread
	// evenly: [1,2), [2,3), [3,4), [4,6).
	tfdv := newCells([]int64{4, 4, 0, 0}, []int64{0, 2, 2, 4})
	js, _ = tfdv.jensenShannon(1)
	near(t, "TFDV's Jensen-Shannon divergence", js*js, .65563906222, 1e-11)
}

// The values of scipy's documentation, with and without ties.
func TestKolmogorovSmirnovIntervalsHoldScipysDistances(t *testing.T) {
	shifted := linspace(1, 100, 110)
	for i := range shifted {
		shifted[i] += 20.1
	}
	ties := map[float64]int{2: 3, 3: 4, 5: 5, 6: 4}
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{linspace(1, 100, 100), shifted, 232. / 1100},
		{repeated(ties, 0), repeated(ties, 1), 5. / 16},
	} {
		f := referenceOf(t, c.a)
		s := f.Compare(counted(&f.Layout, c.b), 1)
		if c.want < s.KSLower-1e-12 || c.want > s.KSUpper+1e-12 || s.KSUpper-s.KSLower > .0101 {
			t.Errorf("[%v, %v] should hold %v", s.KSLower, s.KSUpper, c.want)
		}
	}
}

// multinomial draws n times from shares.
func multinomial(r *rand.Rand, n int, shares []float64) []int64 {
	counts := make([]int64, len(shares))
	for range n {
		u, i := r.Float64(), 0
		for u -= shares[0]; u >= 0 && i+1 < len(shares); u -= shares[i] {
			i++
		}
		counts[i]++
	}
	return counts
}

func even(n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = 1 / float64(n)
	}
	return all
}

// Under no drift the index is not 0: with 200 rows on each side and 10 bins it is
// above 0.1 in about 37 of a hundred windows.
func TestPSIWithoutDriftIsTheNoiseThatItsCorrectionTakesAway(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []struct{ n, m int }{{200, 200}, {1000, 1000}, {5000, 500}} {
		const windows = 2000
		var psi, corrected, above float64
		for range windows {
			c := newCells(multinomial(r, size.n, even(10)), multinomial(r, size.m, even(10)))
			raw, less := c.stability()
			psi += raw / windows
			corrected += less / windows
			if raw > .1 {
				above += 1. / windows
			}
		}
		want := 9 * (1/float64(size.n) + 1/float64(size.m))
		near(t, "the mean", psi, want, .05*want)
		near(t, "the corrected mean", corrected, 0, .05*want)
		if size.m == 200 {
			near(t, "the share above 0.1", above, .37, .05)
		}
	}
}

// The bound is to be below the distance of the distributions, not of the samples,
// in 95 of 100 windows at least; without the bias taken away, or the second order
// where there is no drift, it is not.
func TestTheLowerBoundOfTheDistanceHolds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name string
		q    []float64
	}{
		{"no drift", []float64{.1, .2, .3, .4}},
		{"a little", []float64{.12, .21, .3, .37}},
		{"much", []float64{.4, .3, .2, .1}},
		{"a new value", []float64{.1, .2, .3, .3, .1}},
	} {
		p := append([]float64{.1, .2, .3, .4}, make([]float64, len(c.q)-4)...)
		truth := shannonDistance(p, c.q) / math.Sqrt(math.Ln2)
		for _, m := range []int{200, 2000} {
			const windows = 1000
			held, width := 0, 0.0
			for range windows {
				pair := newCells(multinomial(r, 1000, p), multinomial(r, m, c.q))
				js, lower := pair.jensenShannon(1)
				if lower <= truth {
					held++
				}
				width += (js - lower) / windows
			}
			t.Logf("%s, %d rows: truth %.4f, held in %d, %.4f below the distance of the samples", c.name, m, truth, held, width)
			if held < 936 { // 950, less two standard deviations
				t.Errorf("%s, %d rows: the bound held in %d of %d windows", c.name, m, held, windows)
			}
		}
	}
}
