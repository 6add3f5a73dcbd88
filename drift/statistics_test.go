package drift

import (
	"math"
	"math/rand/v2"
	"slices"
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
	var pearson float64 // both samples have 88 rows
	for i, a := range evidently.a {
		d := float64(a - evidently.b[i])
		pearson += d * d / float64(a+evidently.b[i])
	}
	near(t, "the p-value of homogeneity", chiSquaredTail(pearson, 5), .899, 5e-4)

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
		s := f.Compare(Counted(&f.Layout, c.b), 1)
		if c.want < s.KSLower-1e-12 || c.want > s.KSUpper+1e-12 || s.KSUpper-s.KSLower > .0101 {
			t.Errorf("[%v, %v] should hold %v", s.KSLower, s.KSUpper, c.want)
		}
	}
}

// The values of scipy's documentation, over the deviation of the first ones.
func TestWassersteinHasItsGoldenValue(t *testing.T) {
	f := referenceOf(t, []float64{0, 1, 3})
	s := f.Compare(Counted(&f.Layout, []float64{5, 6, 8}), 1)
	// Those that the reference has not are up to 1.6 % beside their bucket's middle.
	near(t, "Wasserstein", s.W1*math.Sqrt(14./9), 5, .05)
}

// multinomial draws n times from shares.
func multinomial(r *rand.Rand, n int, shares []float64) []int64 {
	counts, upTo := make([]int64, len(shares)), make([]float64, len(shares))
	var sum float64
	for i, share := range shares {
		sum += share
		upTo[i] = sum
	}
	for range n {
		i, _ := slices.BinarySearch(upTo, r.Float64()*sum)
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
	for _, size := range []struct{ n, m int }{{200, 200}, {1000, 1000}, {1000, 200}} {
		const windows = 1000
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
		if size.n == 200 {
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
		p, q []float64
	}{
		{"no drift", []float64{.5, .5}, []float64{.5, .5}},
		{"no drift in many cells", even(50), even(50)},
		{"a little", []float64{.1, .2, .3, .4}, []float64{.12, .21, .3, .37}},
		{"much", []float64{.1, .2, .3, .4}, []float64{.4, .3, .2, .1}},
		{"a new value", []float64{.1, .2, .3, .4, 0}, []float64{.1, .2, .3, .3, .1}},
	} {
		truth := shannonDistance(c.p, c.q) / math.Sqrt(math.Ln2)
		for _, m := range []int{200, 2000} {
			const windows = 500
			held, width := 0, 0.0
			for range windows {
				pair := newCells(multinomial(r, 1000, c.p), multinomial(r, m, c.q))
				js, lower := pair.jensenShannon(1)
				if lower <= truth {
					held++
				}
				width += (js - lower) / windows
			}
			t.Logf("%s, %d rows: truth %.4f, held in %d, %.4f below the distance of the samples", c.name, m, truth, held, width)
			if held < 465 { // 475, less two standard deviations
				t.Errorf("%s, %d rows: the bound held in %d of %d windows", c.name, m, held, windows)
			}
		}
	}
}

// The p-value of samples of one distribution is below any level as often as that
// says, with cells that are small too.
func TestPValuesWithoutDriftAreUniform(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	p := []float64{.5, .2, .1, .1, .05, .03, .01, .005, .004, .001}
	const windows = 3000
	var below [2]float64
	for range windows {
		statistic, degrees := likelihoodRatio(multinomial(r, 1000, p), multinomial(r, 300, p))
		tail := chiSquaredTail(statistic, degrees)
		for i, level := range []float64{.05, .01} {
			if tail < level {
				below[i] += 1. / windows
			}
		}
	}
	near(t, "the share below .05", below[0], .05, .012)
	near(t, "the share below .01", below[1], .01, .006)
}

// What is missing, not a number or infinite is part of the distribution.
func TestWhatIsNoNumberIsADifference(t *testing.T) {
	values := linspace(0, 1, 1000)
	f := referenceOf(t, values)
	like := Counted(&f.Layout, values)
	if s := f.Compare(like, 1); s.JS != 0 || s.PSI != 0 || s.KSLower != 0 || s.W1 != 0 || s.Linf != 0 {
		t.Errorf("a window like the reference: %+v", s)
	}
	for name, change := range map[string]func(*Counts){
		"missing":     func(c *Counts) { c.Missing = 1000 },
		"type errors": func(c *Counts) { c.TypeErrors = 1000 },
		"NaN":         func(c *Counts) { c.NaN = 1000 },
		"+Inf":        func(c *Counts) { c.PosInf = 1000 },
		"-Inf":        func(c *Counts) { c.NegInf = 1000 },
	} {
		c := like.Clone()
		change(&c)
		s := f.Compare(&c, 1)
		near(t, name+": L-infinity", s.Linf, .5, 1e-12)
		if ks := s.KSLower; (name == "+Inf" || name == "-Inf") != (math.Abs(ks-.5) < 1e-12) {
			t.Errorf("%s: Kolmogorov-Smirnov is at least %v", name, ks)
		}
		if s.W1 != 0 {
			t.Errorf("%s: Wasserstein is %v, of the finite ones", name, s.W1)
		}
	}
}

// A report must be able to say each of them: none is infinite, and those that a
// field has are numbers.
func TestStatisticsAreNumbersWhereTheyAreDefined(t *testing.T) {
	most := math.MaxFloat64
	for name, values := range map[string][]float64{
		"a single row": {1}, "constant": {5, 5, 5, 5}, "zeros": {0, 0, math.Copysign(0, -1)},
		"extremes": {-most, most, 5e-324, -5e-324, 0}, "infinite only": {math.Inf(1), math.Inf(-1)}, "NaN only": {math.NaN()},
	} {
		for other, window := range map[string][]float64{"the same": values, "extremes": {-most, most, most}, "NaN": {math.NaN()}, "one": {1}} {
			f := referenceOf(t, values)
			s := f.Compare(Counted(&f.Layout, window), 1)
			for i, v := range []float64{s.JS, s.JSLower, s.PSI, s.PSICorrected, s.Hellinger, s.Linf} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s and %s: statistic %d is %v", name, other, i, v)
				}
			}
			if math.IsInf(s.W1, 0) || math.IsInf(s.KSUpper, 0) || s.KSUpper > 1+1e-12 || s.KSLower > s.KSUpper {
				t.Errorf("%s and %s: %+v", name, other, s)
			}
		}
	}
	f := referenceOf(t, []float64{1, 2})
	if s := f.Compare(&Counts{}, 1); !math.IsNaN(s.JS) || !math.IsNaN(s.KSLower) {
		t.Errorf("a window without rows: %+v", s)
	}
}

// A more dispersed field needs more to be sure of a difference.
func TestDispersionWidens(t *testing.T) {
	f := referenceOf(t, linspace(0, 1, 1000))
	c := Counted(&f.Layout, linspace(.2, 1.2, 1000))
	plain, wide := f.Compare(c, 1), f.Compare(c, 4)
	if plain.JSLower <= wide.JSLower || plain.JS != wide.JS || plain.PSICorrected != wide.PSICorrected {
		t.Errorf("%+v, dispersed %+v", plain, wide)
	}
}

func TestCategoricalStatistics(t *testing.T) {
	b := NewReferenceBuilder([]Field{{Name: "k", Kind: Categorical, Top: 2}}, 1)
	for _, text := range []string{"a", "a", "a", "b", "b", "c"} {
		rows := b.At(0, true)
		rows.Row()
		rows.Text(0, []byte(text))
	}
	r, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	f := &r.Fields[0]
	a := Hash([]byte("a"))
	window := &Counts{Rows: 6, Categories: []Category{{a, 3}}, Other: 1, New: 2}
	if got := f.Cells(window, nil); !slices.Equal(got, []int64{3, 0, 1, 2, 0, 0}) {
		t.Errorf("the cells are %v", got)
	}
	s := f.Compare(window, 1)
	near(t, "L-infinity", s.Linf, 1./3, 1e-12)
	if !math.IsNaN(s.KSLower) || !math.IsNaN(s.W1) {
		t.Errorf("categories have no order: %+v", s)
	}
}
