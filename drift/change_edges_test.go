package drift

import (
	"encoding/json"
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

// The parameters are the authors' or river's, as the documentation names them.
func TestDetectorsHaveTheirDefaults(t *testing.T) {
	for name, want := range map[string]string{
		"adwin":        `{"delta":0.002,"clock":32,"max_buckets":5,"min_window_length":5,"grace_period":10}`,
		"cusum":        `{"min_instances":30,"slack":0.5,"threshold":5,"mode":"both"}`,
		"ddm":          `{"warm_start":30,"drift_threshold":3}`,
		"eddm":         `{"warm_start":30,"beta":0.9}`,
		"hddm_a":       `{"drift_confidence":0.001,"two_sided_test":false}`,
		"hddm_w":       `{"drift_confidence":0.001,"lambda_val":0.05,"two_sided_test":false}`,
		"kswin":        `{"alpha":0.005,"window_size":100,"stat_size":30,"seed":0}`,
		"page_hinkley": `{"min_instances":30,"delta":0.005,"threshold":50,"alpha":0.9999,"mode":"both"}`,
	} {
		d, err := NewChangeDetector(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(d); err != nil || string(got) != want {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
}

// Only 1 is an error to EDDM, and a level that is just the share of the highest is no
// change.
func TestEDDMAtItsEdges(t *testing.T) {
	if got := changes(&EDDM{WarmStart: 30, Beta: 1}, slices.Repeat([]float64{1}, 200)); len(got) > 0 {
		t.Errorf("errors at even distances: changes at %v", got)
	}
	series := slices.Repeat([]float64{0, 0, 0, 1}, 100)
	halves := slices.Repeat([]float64{.5, 0, .5, 1}, 100)
	series, halves = append(series, steps(0, 1000)...), append(halves, steps(0, 1000)...)
	if a, b := changes(NewEDDM(), series), changes(NewEDDM(), halves); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("changes at %v, and where halves stand for no error at %v", a, b)
	}
}

// Hoeffding's bound of 50 values: √(ln e⁴ / 100).
func TestHDDMAsBound(t *testing.T) {
	h := &HDDMA{DriftConfidence: math.Exp(-4)}
	near(t, "the bound", h.bound(50), .2, 1e-15)
}

// Where the weights have settled at λ/(2-λ), a mean of as many zeros as there may be is
// passed by 1-0.95ᵏ at k = 11, the bound being √(0.0256 ln 1000) = 0.421: the split does
// not move on while the level stays the same. And no bound at all makes no change.
func TestHDDMWAtItsEdges(t *testing.T) {
	if got := changes(NewHDDMW(), steps(3000, 11)); !slices.Equal(got, []int{3010}) {
		t.Errorf("changes at %v, want 3010", got)
	}
	if got := changes(&HDDMW{DriftConfidence: 1, LambdaVal: .05}, steps(50, 0)); len(got) > 0 {
		t.Errorf("zeros: changes at %v", got)
	}
}

// A p-value that is just alpha is a change: ten zeros and ten ones are one of the two
// of 184,756 orders that are as far apart.
func TestKSWINAtItsLevel(t *testing.T) {
	p := ksPValue(steps(10, 0), steps(0, 10))
	near(t, "the p-value", p, 2./184756, 1e-18)
	if got := changes(&KSWIN{Alpha: p, WindowSize: 20, StatSize: 10}, steps(10, 10)); !slices.Equal(got, []int{19}) {
		t.Errorf("changes at %v, want 19", got)
	}
}

// SplitMix64 of the seed 1234567, as its authors' code gives it.
func TestKSWINDrawsBySplitMix64(t *testing.T) {
	k := &KSWIN{Seed: 1234567, WindowSize: 1, StatSize: 0}
	k.Update(0) // begins with the seed
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := k.next(); got != want {
			t.Errorf("draw %d is %d, want %d", i, got, want)
		}
	}
}
