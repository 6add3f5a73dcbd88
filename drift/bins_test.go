package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestBinsAreDecilesAndHeavyTies(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	draw := func(one func() float64) []float64 {
		values := make([]float64, 10_000)
		for i := range values {
			values[i] = one()
		}
		return values
	}
	for _, c := range []struct {
		name   string
		values []float64
		bins   int
		most   float64 // share of a bin that is no tie
	}{
		{"normal", draw(r.NormFloat64), 10, .111},
		{"heavy tailed", draw(func() float64 { return 1 / (1 - r.Float64()) }), 10, .111},
		{"whole numbers", draw(func() float64 { return float64(r.IntN(40)) }), 10, .13},
		// Half are 0, which is between two stretches of five and none tenths.
		{"half of them 0", draw(func() float64 { return max(0, r.NormFloat64()) }), 7, .111},
		{"constant", draw(func() float64 { return 5 }), 3, 0},
		// Each of the values, and what lies before, between and behind them.
		{"three values", draw(func() float64 { return float64(r.IntN(3)) }), 7, 0},
	} {
		f := referenceOf(t, c.values)
		if len(f.Bins) != c.bins || f.Bins[0] != Key(-math.MaxFloat64) {
			t.Errorf("%s: there are %d bins, want %d: %v", c.name, len(f.Bins), c.bins, f.Bins)
		}
		cells := f.Cells(&f.Counts, nil)
		for i, key := range f.Bins {
			if f.Layout.Bucket(Value(key)) != key {
				t.Errorf("%s: bin %d does not begin where a bucket does", c.name, i)
			}
			tie := i+1 < len(f.Bins) && f.Bins[i+1] == key+1
			if share := float64(cells[i]) / 10_000; !tie && share > c.most {
				t.Errorf("%s: bin %d holds %.3f", c.name, i, share)
			}
		}
	}
}

// A value between two that the reference knows must be seen.
func TestNewValuesBetweenTiesAreADifference(t *testing.T) {
	var ties, between []float64
	for i := range 1000 {
		ties = append(ties, float64(i%2))
		between = append(between, .5)
	}
	f := referenceOf(t, ties)
	s := f.Compare(Counted(&f.Layout, between), 1)
	near(t, "the distance", s.JS, 1, 1e-12)
}
