package drift

import (
	"math"
	"testing"
)

// The p-values and what scipy.stats.false_discovery_control makes of them.
func TestAdjustIsBenjaminiHochberg(t *testing.T) {
	p := []float64{.005, .009, .019, .022, .051, .101, .361, .387}
	want := []float64{.036, .036, .044, .044, .082, .135, .387, .387}
	for i, q := range adjust(p) {
		if math.Abs(q-want[i]) > 1e-3 {
			t.Errorf("q of %g is %g, want %g", p[i], q, want[i])
		}
	}
}

// Sorting in place, or writing the q-values in the order of the p-values' ranks, fails.
func TestAdjustKeepsTheOrder(t *testing.T) {
	p := []float64{.387, .005, .101, .019, .051, .009, .361, .022}
	want := []float64{.387, .036, .135, .044, .082, .036, .387, .044}
	q := adjust(p)
	for i := range want {
		if math.Abs(q[i]-want[i]) > 1e-3 {
			t.Errorf("q-values are %v, want %v", q, want)
			break
		}
	}
	if p[0] != .387 || p[1] != .005 {
		t.Errorf("the p-values became %v", p)
	}
}

func TestAdjustAtTheEdges(t *testing.T) {
	if q := adjust(nil); len(q) != 0 {
		t.Errorf("no p-values give %v", q)
	}
	if q := adjust([]float64{0, 1, 1}); q[0] != 0 || q[1] != 1 || q[2] != 1 {
		t.Errorf("0, 1, 1 give %v", q)
	}
}
