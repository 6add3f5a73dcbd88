package drift

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// A table of the chi-squared distribution: R's pchisq(x, df, lower.tail=FALSE).
func TestTailWithoutVariationIsChiSquared(t *testing.T) {
	for _, tc := range []struct {
		x    float64
		df   int
		want float64
	}{
		{3.841459, 1, .05},
		{16.918978, 9, .05},
		{27.877165, 9, .001},
		{0, 9, 1},
		{-1, 9, 1},
	} {
		if got := (variation{stretches: 50}).tail(tc.x, tc.df, 1000); math.Abs(got-tc.want) > 1e-7 {
			t.Errorf("the tail of %g with %d degrees is %g, want %g", tc.x, tc.df, got, tc.want)
		}
	}
	if got := (variation{}).tail(100, 0, 1000); got != 1 {
		t.Errorf("without degrees of freedom p is %g, want 1", got)
	}
}

// The sum of few degrees is the incomplete gamma function, which many degrees have.
func TestTailIsTheIncompleteGammaFunction(t *testing.T) {
	for df := 1; df <= fewDegrees+1; df++ {
		for _, x := range []float64{1e-9, .1, 1, 5, float64(df), 40, 200, 900} {
			want := mathext.GammaIncRegComp(float64(df)/2, x/2)
			if got := chiSquaredTail(x, df); math.Abs(got/want-1) > 1e-12 {
				t.Errorf("the tail of %g with %d degrees is %g, want %g", x, df, got, want)
			}
		}
	}
}

// The quadrature is held against draws of the very sum that it is about. Taking
// the variation for a scaled chi-squared (a dispersion) fails where it counts,
// far out: see the last check.
func TestTailIsThatOfDrawsAndCourse(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct {
		df, stretches int
		excess        float64
	}{
		{1, 8, .001}, {9, 8, .0001}, {9, 50, .002}, {20, 300, .0005}, {9, 50, .1},
	} {
		const draws, rows = 200_000, 1000
		v := variation{excess: tc.excess, stretches: tc.stretches}
		chi := distuv.ChiSquared{K: float64(tc.df), Src: random}
		student := distuv.StudentsT{Sigma: 1, Nu: float64(tc.stretches - 1), Src: random}
		mean := float64(tc.df) * v.dispersion(rows)
		limits := []float64{.5 * mean, mean, 3 * mean, 8 * mean}
		counts := make([]float64, len(limits))
		for range draws {
			z := student.Rand()
			x := chi.Rand() + float64(tc.df)*v.excess*rows*z*z
			for i, limit := range limits {
				if x >= limit {
					counts[i]++
				}
			}
		}
		for i, limit := range limits {
			want := counts[i] / draws
			got := v.tail(limit, tc.df, rows)
			if off := 5*math.Sqrt(want*(1-want)/draws) + 1e-5; math.Abs(got-want) > off {
				t.Errorf("%+v: the tail of %g is %g, and %g of draws are there", tc, limit, got, want)
			}
		}
	}
	v := variation{excess: .1, stretches: 1000}
	far := 16 * 9 * v.dispersion(1000) // four standard deviations of a course
	if got := v.tail(far, 9, 1000); got < 5e-5 || got > 2e-4 {
		t.Errorf("four standard deviations have p %g, want about 6e-5: a scaled chi-squared has %g", got, chiSquaredTail(16*9, 9))
	}
}

// Neither a statistic that grows may gain in p, nor a field that varies more lose.
func TestTailIsMonotone(t *testing.T) {
	for _, df := range []int{1, 2, 9, 100} {
		for _, excess := range []float64{0, 1e-9, 1e-6, 1e-3, 1} {
			v := variation{excess: excess, stretches: 20}
			more := variation{excess: 1.1 * excess, stretches: 20}
			last := 1.0
			for x := .01; x < 1e6; x *= 1.3 {
				p := v.tail(x, df, 5000)
				if math.IsNaN(p) || p < 0 || p > last*(1+1e-6) {
					t.Fatalf("df %d, excess %g: p of %g is %g, after %g", df, excess, x, p, last)
				}
				if q := more.tail(x, df, 5000); q < p*(1-1e-3) {
					t.Fatalf("df %d, x %g: p is %g with an excess of %g and %g with more", df, x, p, excess, q)
				}
				last = p
			}
		}
	}
}
