package drift

import (
	"math"
	"slices"
	"testing"
)

// steps are series of 0 and then 1, by how many there are of each.
func steps(zeros, ones int) []float64 {
	return append(make([]float64, zeros), slices.Repeat([]float64{1}, ones)...)
}

// With a bound of next to nothing ADWIN finds a step at the first check that there
// is: behind the grace period, and as soon as both parts are long enough.
func TestADWINLooksAsSoonAsItMay(t *testing.T) {
	for _, c := range []struct{ least, grace, clock, zeros, want int }{
		{3, 0, 1, 3, 5},   // both parts as long as they must be
		{1, 12, 1, 5, 12}, // the value after the grace period
		{1, 0, 8, 5, 7},   // the check at the eighth value
		{1, 8, 8, 5, 15},  // the check at the end of the grace period is none
	} {
		a := &ADWIN{Clock: c.clock, MaxBuckets: 30, MinWindowLength: c.least, GracePeriod: c.grace}
		found := -1
		for i, x := range steps(c.zeros, 40) {
			a.Delta = 1.999 * math.Log(float64(i+1)) // at twice the logarithm the bound is 0
			if a.Update(x) {
				found = i
				break
			}
		}
		if found != c.want {
			t.Errorf("%+v: found at %d", c, found)
		}
	}
}

// KSWIN tests as soon as its window is full, begins anew behind a change, and takes a
// distance of a tenth for none.
func TestKSWINAtItsEdges(t *testing.T) {
	twice := append(steps(70, 30), steps(70, 30)...)
	if got := changes(&KSWIN{Alpha: 1e-4, WindowSize: 100, StatSize: 30}, twice); !slices.Equal(got, []int{99, 199}) {
		t.Errorf("changes at %v, want 99 and 199", got)
	}
	if got := changes(&KSWIN{Alpha: 1, WindowSize: 20, StatSize: 10}, steps(20, 5)); !slices.Equal(got, []int{21}) {
		t.Errorf("of one in ten and two in ten: changes at %v, want 21", got)
	}
}

// CUSUM looks from the last of the values on that it takes the mean from, which is
// 0.366 deviations above its slack, and in the directions that it is told.
func TestCUSUMAtItsEdges(t *testing.T) {
	series := []float64{0, 2, 0, 2, 0, 2, 0, 2}
	for _, c := range []struct {
		mode      string
		threshold float64
		sign      float64
		want      []int
	}{
		{"both", .36, 1, []int{3, 7}},
		{"up", .36, 1, []int{3, 7}},
		{"down", .36, -1, []int{3, 7}},
		{"down", .36, 1, []int{4}},
		{"up", .36, -1, []int{4}},
		{"both", .37, 1, []int{}},
	} {
		signed := make([]float64, len(series))
		for i, x := range series {
			signed[i] = c.sign * x
		}
		got := changes(&CUSUM{MinInstances: 4, Slack: .5, Threshold: c.threshold, Mode: c.mode}, signed)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: changes at %v", c, got)
		}
	}
}

// The sums of before a change are forgotten, and so a constant behind it is none.
func TestCUSUMBeginsAnew(t *testing.T) {
	series := []float64{0, 2, 0, 2, 1, 1, 1, 1, 1}
	if got := changes(&CUSUM{MinInstances: 4, Slack: .5, Threshold: .36, Mode: "both"}, series); !slices.Equal(got, []int{3}) {
		t.Errorf("changes at %v, want 3", got)
	}
}

// A sum that is as large as the threshold is no change, up or down.
func TestPageHinkleyAtItsThreshold(t *testing.T) {
	for threshold, want := range map[float64][]int{1: {}, .99: {1}} {
		for _, series := range [][]float64{{0, 2, 1}, {2, 0, 1}} {
			if got := changes(&PageHinkley{MinInstances: 1, Threshold: threshold, Alpha: 1, Mode: "both"}, series); !slices.Equal(got, want) {
				t.Errorf("%v and a threshold of %g: changes at %v", series, threshold, got)
			}
		}
	}
}
