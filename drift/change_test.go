package drift

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// configured makes a detector with parameters by their names.
func configured(t *testing.T, name string, parameters []byte) ChangeDetector {
	t.Helper()
	d, err := NewChangeDetector(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(parameters, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// changes are the indexes at which a detector finds a change.
func changes(d ChangeDetector, series []float64) []int {
	found := []int{}
	for i, x := range series {
		if d.Update(x) {
			found = append(found, i)
		}
	}
	return found
}

// TestDetectionsAreThoseOfRiver compares every change. ADWIN's over the four
// segments are [1023 2015 3007]; with a loop that leaves out each size's newest
// bucket, as an older one of river, they are [1023 2047 3039].
func TestDetectionsAreThoseOfRiver(t *testing.T) {
	var golden struct {
		Series map[string][]float64
		Runs   []struct {
			Detector, Series string
			Parameters       json.RawMessage
			Changes          []int
		}
	}
	readJSON(t, "testdata/change_series.json", &golden)
	some := map[string]bool{}
	for _, run := range golden.Runs {
		got := changes(configured(t, run.Detector, run.Parameters), golden.Series[run.Series])
		if !slices.Equal(got, run.Changes) {
			t.Errorf("%s%s over %s: changes at %v, river's at %v", run.Detector, run.Parameters, run.Series, got, run.Changes)
		}
		some[run.Detector] = some[run.Detector] || len(run.Changes) > 0
	}
	if len(some) != 7 {
		t.Errorf("the golden runs are of %v", some)
	}
	for name, any := range some {
		if !any {
			t.Errorf("no golden run of %s has a change", name)
		}
	}
	if got := changes(NewADWIN(), golden.Series["four segments"]); !slices.Equal(got, []int{1023, 2015, 3007}) {
		t.Errorf("ADWIN over the four segments finds %v", got)
	}
}

// The streams and detections are those of river's documentation.
func TestDetectionsOfTheDocumentation(t *testing.T) {
	var golden struct {
		Streams  map[string][]float64
		Expected []struct {
			Detector, Stream  string
			Params            json.RawMessage
			DetectionsInclude []int `json:"detections_include"`
		}
	}
	readJSON(t, "testdata/change_detectors.json", &golden)
	names := map[string]string{"ADWIN": "adwin", "PageHinkley": "page_hinkley", "DDM": "ddm", "HDDM_A": "hddm_a"}
	if len(golden.Expected) != len(names) {
		t.Fatalf("there are %d expectations", len(golden.Expected))
	}
	for _, e := range golden.Expected {
		got := changes(configured(t, names[e.Detector], e.Params), golden.Streams[e.Stream])
		for _, want := range e.DetectionsInclude {
			if !slices.Contains(got, want) {
				t.Errorf("%s over %s: changes at %v, want one at %d", e.Detector, e.Stream, got, want)
			}
		}
	}
}

// A mean of 0 that is not the first must not start the weighted mean again, and a
// constant series has no change.
func TestNoDetectorFiresOnAConstant(t *testing.T) {
	for _, name := range ChangeDetectors() {
		for _, x := range []float64{0, 1, 0.3} {
			d, err := NewChangeDetector(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := changes(d, slices.Repeat([]float64{x}, 2000)); len(got) > 0 {
				t.Errorf("%s over a constant %g: changes at %v", name, x, got)
			}
		}
	}
	if _, err := NewChangeDetector("adwn"); err == nil {
		t.Error("an unknown detector was made")
	}
}

func TestKSWIN(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	series := make([]float64, 600)
	for i := range series {
		series[i] = random.NormFloat64()
		if i >= 300 {
			series[i] += 2.5
		}
	}
	strict := func(seed uint64) *KSWIN { return &KSWIN{Alpha: 1e-4, WindowSize: 100, StatSize: 30, Seed: seed} }
	found := changes(strict(1), series)
	if len(found) != 1 || found[0] < 305 || found[0] > 335 {
		t.Errorf("changes at %v, the level rises at 300", found)
	}
	if again := changes(strict(1), series); !slices.Equal(found, again) {
		t.Errorf("the same seed gives %v and %v", found, again)
	}
	// The draw is without replacement and reaches every older value, no newer one.
	k := strict(3)
	drawn := map[float64]int{}
	for range 200 {
		older := linspace(0, 69, 70)
		sample := k.draw(older)
		slices.Sort(sample)
		if len(slices.Compact(sample)) != 30 {
			t.Fatalf("drawn twice: %v", sample)
		}
		for _, v := range sample {
			drawn[math.Round(v)]++
		}
	}
	for v := range 70 {
		if n := drawn[float64(v)]; n < 50 || n > 125 { // 200 draws of 30 in 70: 86 ± 7
			t.Errorf("value %d was drawn %d times of 200", v, n)
		}
	}
}

func ExampleNewChangeDetector() {
	detector, _ := NewChangeDetector("cusum")
	for i := range 100 {
		latency := 10 + float64(i%3)
		if i >= 60 {
			latency += 2
		}
		if detector.Update(latency) {
			fmt.Println("changed at", i)
			break
		}
	}
	// Output: changed at 62
}
