package drift

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// The golden values are the tools' own: testdata/make_compat.py made them.

// columnSpec says how a column of testdata/compat_cases.json is drawn.
type columnSpec struct {
	Shape         string  `json:"shape"`
	Rows          int     `json:"rows"`
	Seed          uint32  `json:"seed"`
	Values        float64 `json:"values"`
	From          int     `json:"from"`
	Scale         float64 `json:"scale"`
	Shift         float64 `json:"shift"`
	MissingEvery  int     `json:"missing_every"`
	InfiniteEvery int     `json:"infinite_every"`
}

// draw gives the column bit for bit as make_compat.py does.
func (s columnSpec) draw() Column {
	column := Column{Numbers: []float64{}}
	if s.Shape == "text" {
		column = Column{Texts: []string{}}
	}
	scale := cmp.Or(s.Scale, 1)
	state := s.Seed
	for i := range s.Rows {
		var total, u float64
		for range 4 {
			state = state*1664525 + 1013904223
			u = float64(state>>8) / (1 << 24)
			total += u
		}
		missing := s.MissingEvery > 0 && i%s.MissingEvery == 0
		var v float64
		switch s.Shape {
		case "hump":
			v = total - 2
		case "tail":
			v = 1 / (u + 0.001)
		case "whole":
			v = math.Floor(u * s.Values)
		case "text":
			if missing {
				column.Missing++
			} else {
				column.Texts = append(column.Texts, fmt.Sprintf("v%d", int(u*s.Values)+s.From))
			}
			continue
		}
		v = float64(v*scale) + s.Shift
		switch {
		case missing:
			v = math.NaN()
		case s.InfiniteEvery > 0 && i%s.InfiniteEvery == 1:
			v = math.Inf(1)
		}
		column.Numbers = append(column.Numbers, v)
	}
	return column
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

type compatGolden struct {
	Cases   map[string]map[string]float64            `json:"cases"`
	Housing map[string]map[string]map[string]float64 `json:"housing"`
}

func readGolden(t *testing.T, tool CompatTool) compatGolden {
	t.Helper()
	var golden compatGolden
	readJSON(t, "testdata/compat_"+string(tool)+".json", &golden)
	return golden
}

// same holds the values to the tool's. A bin's share that is 1e-16 off, which
// the tools make of rounding, is 1e-8 in a distance that takes its root: so much
// may they differ beside a relative 1e-9, or what more a case allows.
func same(t *testing.T, name string, got, want map[string]float64, more float64) {
	t.Helper()
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("%s: it has %v, the tool %v", name, got, want)
	}
	for statistic, w := range want {
		if g := got[statistic]; math.Abs(g-w) > 2e-8+1e-9*math.Abs(w)+more {
			t.Errorf("%s: %s is %.17g, the tool's %.17g", name, statistic, g, w)
		}
	}
}

func TestCompatIsWhatTheToolsCompute(t *testing.T) {
	var cases map[string]struct{ Reference, Current columnSpec }
	readJSON(t, "testdata/compat_cases.json", &cases)
	for _, tool := range []CompatTool{NannyML, Evidently} {
		golden := readGolden(t, tool)
		if len(golden.Cases) != len(cases) {
			t.Fatalf("%s: there are %d golden cases of %d", tool, len(golden.Cases), len(cases))
		}
		for name, c := range cases {
			got, err := Compat(tool, c.Reference.draw(), c.Current.draw())
			if err != nil {
				t.Fatal(err)
			}
			more := 0.0
			if tool == Evidently && c.Current.Rows > ksExact {
				more = 1e-7 // scipy's p-value is an approximation there, ours is not: see TestKolmogorovSurvival
			}
			same(t, string(tool)+": "+name, got, golden.Cases[name], more)
		}
	}
}

func TestCompatOnCaliforniaHousing(t *testing.T) {
	reference := map[string][]float64{}
	for _, columns := range housing(t, "testdata/california_housing_reference.csv.gz") {
		for name, values := range columns {
			reference[name] = append(reference[name], values...)
		}
	}
	months := housing(t, "testdata/california_housing_analysis.csv.gz")
	distance := map[string]float64{} // mean over the months
	for _, tool := range []CompatTool{NannyML, Evidently} {
		golden := readGolden(t, tool).Housing
		if len(golden) != 12 || len(months) != 12 {
			t.Fatalf("%s: there are %d months and golden values of %d", tool, len(months), len(golden))
		}
		for month, features := range golden {
			for feature, want := range features {
				got, err := Compat(tool, Column{Numbers: reference[feature]}, Column{Numbers: months[month][feature]})
				if err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprintf("%s: %s in %s", tool, feature, month), got, want, 0)
				distance[feature] += got["kolmogorov_smirnov"] / 12
			}
		}
	}
	for feature, want := range map[string]float64{"Longitude": .836534, "HouseAge": .173479, "MedInc": .158278, "AveRooms": .110907} {
		if got := distance[feature]; math.Abs(got-want) > 5e-7 {
			t.Errorf("%s: the mean distance is %.6f, want %.6f", feature, got, want)
		}
	}
}

func repeat(counts map[string]int) Column {
	var c Column
	for text, n := range counts {
		c.Texts = append(c.Texts, slices.Repeat([]string{text}, n)...)
	}
	return c
}

// The values are those of Deequ's own tests.
func TestCompatDeequ(t *testing.T) {
	ref := repeat(map[string]int{"a": 207, "b": 20, "c": 25, "d": 14, "e": 25, "g": 13})
	cur := repeat(map[string]int{"a": 22, "b": 20, "c": 25, "d": 12, "e": 13, "f": 15})
	d := largestDifference([]float64{207. / 304}, []float64{22. / 107})
	for alpha, want := range map[float64]float64{.003: .2726338046550349, .1: .33774199396969184} {
		constant := math.Sqrt(-math.Log(alpha/2) / 2)
		if got := robust(d, 304, 107, constant); math.Abs(got-want) > 1e-15 {
			t.Errorf("for α = %g it is %.17g, want %.17g", alpha, got, want)
		}
	}
	got, err := Compat(Deequ, ref, cur)
	if err != nil {
		t.Fatal(err)
	}
	if want := d - 1.8*math.Sqrt(411./(304*107)); math.Abs(got["linf_robust"]-want) > 1e-15 {
		t.Errorf("by default it is %v, want %v", got, want)
	}
	// Missing values are a category: all of them against none are a distance of 1.
	got, err = Compat(Deequ, repeat(map[string]int{"a": 200}), Column{Texts: []string{}, Missing: 200})
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 - 1.8*math.Sqrt(400./40000); math.Abs(got["linf_robust"]-want) > 1e-15 {
		t.Errorf("with everything missing it is %v, want %v", got, want)
	}
	got, err = Compat(Deequ, Column{Numbers: []float64{1, 2, 3}}, Column{Numbers: []float64{math.NaN()}})
	if err != nil || len(got) != 0 {
		t.Errorf("without a number it gives %v, %v", got, err)
	}
}

func TestCompatRefusesWhatCannotBeCompared(t *testing.T) {
	if _, err := Compat(NannyML, Column{Numbers: []float64{1}}, Column{Texts: []string{"1"}}); err == nil {
		t.Error("numbers were compared with texts")
	}
	if _, err := Compat("alibi", Column{}, Column{}); err == nil {
		t.Error("an unknown tool was accepted")
	}
}

func TestCompatLeavesTheCallersValuesAlone(t *testing.T) {
	ref, cur := []float64{3, math.NaN(), 1, 2}, []float64{5, 4, math.Inf(1), 3}
	for _, tool := range []CompatTool{NannyML, Evidently, Deequ} {
		if _, err := Compat(tool, Column{Numbers: ref}, Column{Numbers: cur}); err != nil {
			t.Fatal(err)
		}
	}
	if ref[0] != 3 || !math.IsNaN(ref[1]) || cur[0] != 5 || !math.IsInf(cur[2], 1) {
		t.Errorf("they became %v and %v", ref, cur)
	}
}

// housing reads the columns of a file of the California housing data, by month.
func housing(t *testing.T, file string) map[string]map[string][]float64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unpacked).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	months := map[string]map[string][]float64{}
	at := slices.Index(rows[0], "timestamp")
	for _, row := range rows[1:] {
		month := row[at][:len("2006-01")]
		if months[month] == nil {
			months[month] = map[string][]float64{}
		}
		for i, name := range rows[0] {
			if v, err := strconv.ParseFloat(row[i], 64); err == nil {
				months[month][name] = append(months[month][name], v)
			}
		}
	}
	return months
}
