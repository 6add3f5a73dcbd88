package drift

import (
	"math"
	"testing"
)

// linspace are n values at equal distances.
func linspace(low, high float64, n int) []float64 { return spaced(low, high, n-1) }

func repeated(counts map[float64]int, plus float64) []float64 {
	var all []float64
	for v, n := range counts {
		for range n {
			all = append(all, v+plus)
		}
	}
	return ascending(all, isNumber)
}

// The values are those of scipy's tests of ks_2samp.
func TestKSPValue(t *testing.T) {
	moved := linspace(1, 100, 110)
	for i := range moved {
		moved[i] += 20.1
	}
	ties := map[float64]int{2: 3, 3: 4, 5: 5, 6: 4}
	for _, c := range []struct {
		name   string
		a, b   []float64
		d, p   float64
		within float64
	}{
		{"100 against 110", linspace(1, 100, 100), moved, 232. / 1100, 0.015739183865607353, 1e-14},
		{"ties", repeated(ties, 0), repeated(ties, 1), 5. / 16, 0.4262934613454952, 1e-14},
		{"the same", []float64{1, 2}, []float64{1, 2}, 0, 1, 0},
		{"apart", []float64{1, 2}, []float64{3, 4}, 1, 1. / 3, 1e-15}, // 2 of the 6 orders
	} {
		if d := ksDistance(c.a, c.b); math.Abs(d-c.d) > 1e-15 {
			t.Errorf("%s: the distance is %.17g, want %.17g", c.name, d, c.d)
		}
		if p := ksPValue(c.a, c.b); math.Abs(p-c.p) > c.within {
			t.Errorf("%s: p is %.17g, want %.17g", c.name, p, c.p)
		}
		if p, q := ksPValue(c.a, c.b), ksPValue(c.b, c.a); p != q {
			t.Errorf("%s: p is %g one way and %g the other", c.name, p, q)
		}
	}
}

// Up to 10000 values the p-value is exact, beyond it is that of one sample of the
// effective size.
func TestKSPValueIsExactWhereScipysIs(t *testing.T) {
	few := linspace(.5, 1, 10)
	many := linspace(0, 1, 10_001)
	if got, want := ksPValue(few, many[1:]), pathsOutside(10_000, 10, ksSteps(few, many[1:])); got != want {
		t.Errorf("of 10000 values p is %g, want %g", got, want)
	}
	if got, want := ksPValue(few, many), kolmogorovSurvival(10, ksDistance(few, many)); got != want {
		t.Errorf("of 10001 values p is %g, want %g", got, want)
	}
}

// The values are scipy 1.17.1's: kstwo.sf, and where that is an approximation the
// exact _kolmogn_DMTW behind it.
func TestKolmogorovSurvival(t *testing.T) {
	for _, c := range []struct {
		n       int
		d, want float64
	}{
		{1, 0.4, 1},
		{1, 0.7, 0.60000000000000009},
		{2, 0.2, 1},
		{3, 0.3, 0.88622222222222224},
		{10, 0.04, 1},
		{10, 0.2, 0.74871903999999989},
		{10, 0.45, 0.022891810311718608},
		{10, 0.6, 0.00056816720000000035},
		{10, 1.0, 0},
		{40, 0.12, 0.57092763899911547},
		{140, 0.1, 0.11353657290090673},
		{140, 0.169, 0.00057786828061401341},
		{140, 0.2, 2.1981563302200222e-05},
		{141, 0.12, 0.031600043092470165},
		{141, 0.2, 2.0276784223976912e-05},
		{500, 0.03, 0.74731662218084483},
		{500, 0.07, 0.014168320200190709},
		{923, 0.0245, 0.62760577744883206},
		{990, 0.01, 0.99995501417165467},
		{990, 0.046, 0.02935623689299504},
		{990, 0.048, 0.020199333488432877},
		{990, 0.2, 3.4811671868824613e-35},
	} {
		if got := kolmogorovSurvival(c.n, c.d); math.Abs(got-c.want) > 1e-12*c.want+1e-14 {
			t.Errorf("n %d, d %g: it is %.17g, want %.17g", c.n, c.d, got, c.want)
		}
	}
}
