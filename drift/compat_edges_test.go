package drift

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// names are those of what a tool computes of two columns.
func names(t *testing.T, tool CompatTool, ref, cur Column) string {
	t.Helper()
	got, err := Compat(tool, ref, cur)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(slices.Sorted(maps.Keys(got)), " ")
}

// cycle has so many rows of so many different values in turn.
func cycle(rows, different int) (numbers, texts Column) {
	for i := range rows {
		numbers.Numbers = append(numbers.Numbers, float64(i%different))
		texts.Texts = append(texts.Texts, fmt.Sprint(i%different))
	}
	return numbers, texts
}

// Up to 1000 values of the reference Evidently tests, and up to five different
// numbers are categories to it; of two it compares the shares.
func TestEvidentlyChoosesBySize(t *testing.T) {
	for _, c := range []struct {
		rows, different int
		numbers, texts  string
	}{
		{1000, 7, "ks", "chisquare"},
		{1001, 7, "wasserstein_normed", "jensen_shannon"},
		{1000, 6, "ks", "chisquare"},
		{1000, 5, "chisquare", "chisquare"},
		{1001, 5, "jensen_shannon", "jensen_shannon"},
		{1000, 3, "chisquare", "chisquare"},
		{1000, 2, "z", "z"},
		{1000, 1, "z", "z"},
	} {
		numbers, texts := cycle(c.rows, c.different)
		currentNumbers, currentTexts := cycle(500, c.different)
		if got := names(t, Evidently, numbers, currentNumbers); got != c.numbers {
			t.Errorf("%d rows of %d numbers: %s, want %s", c.rows, c.different, got, c.numbers)
		}
		if got := names(t, Evidently, texts, currentTexts); got != c.texts {
			t.Errorf("%d rows of %d texts: %s, want %s", c.rows, c.different, got, c.texts)
		}
	}
	// What both have together counts, and 0 and -0 are one.
	five, _ := cycle(500, 5)
	six, _ := cycle(500, 6)
	zeros := Column{Numbers: []float64{math.Copysign(0, -1), 0, 1, 2, 3, 4}}
	if got := names(t, Evidently, five, six) + " " + names(t, Evidently, six, five) + " " + names(t, Evidently, five, zeros); got != "ks ks chisquare" {
		t.Errorf("five numbers and six, and with -0: %s", got)
	}
	// Only finite ones count, on both sides.
	odd := Column{Numbers: append(slices.Repeat([]float64{math.NaN(), math.Inf(1)}, 600), six.Numbers...)}
	if got := names(t, Evidently, odd, six) + " " + names(t, Evidently, six, odd); got != "ks ks" {
		t.Errorf("with what is not finite: %s", got)
	}
	for _, c := range [][2]Column{{six, odd}, {odd, six}} {
		if got, err := Compat(Evidently, c[0], c[1]); err != nil || got["ks"] != 1 {
			t.Errorf("the same finite numbers: %v, %v", got, err)
		}
	}
}

// The distance of a reference that hardly varies is taken in thousandths.
func TestEvidentlyOfAConstant(t *testing.T) {
	ref, cur := Column{Numbers: slices.Repeat([]float64{7}, 1001)}, Column{Numbers: linspace(8, 9, 50)}
	got, err := Compat(Evidently, ref, cur)
	if err != nil || math.Abs(got["wasserstein_normed"]-1500) > 1e-9 {
		t.Errorf("%v, %v, want 1500", got, err)
	}
}

// Where one side is empty there is nothing to compare, whichever it is.
func TestCompatOfNothing(t *testing.T) {
	for _, tool := range []CompatTool{Evidently, NannyML, Deequ} {
		numbers, texts := cycle(10, 3)
		for _, c := range [][2]Column{
			{numbers, {}}, {{}, numbers}, {texts, {Texts: []string{}}}, {{Texts: []string{}}, texts}, {{}, {}},
		} {
			if got := names(t, tool, c[0], c[1]); got != "" {
				t.Errorf("%s of %d and %d rows: %s", tool, len(c[0].Numbers)+len(c[0].Texts), len(c[1].Numbers)+len(c[1].Texts), got)
			}
		}
	}
}

// From 10000 reference values on NannyML estimates, and of a reference that is not
// finite it gives nothing.
func TestNannyMLAtItsEdges(t *testing.T) {
	for rows, exact := range map[int]bool{9_999: true, 10_000: false} {
		ref := linspace(0, 1, rows)
		cur := linspace(1e-5, .9, 1000)
		got, err := Compat(NannyML, Column{Numbers: ref}, Column{Numbers: cur})
		if err != nil || (got["kolmogorov_smirnov"] == ksDistance(ref, cur)) != exact || (got["wasserstein"] == wasserstein1(ref, cur)) != exact {
			t.Errorf("%d rows: %v, %v", rows, got, err)
		}
	}
	for _, infinite := range []float64{math.Inf(1), math.Inf(-1)} {
		if got := names(t, NannyML, Column{Numbers: []float64{0, 1, 2, infinite}}, Column{Numbers: []float64{0, 1}}); got != "" {
			t.Errorf("with %g: %s", infinite, got)
		}
	}
}

// Doane's bins, by numpy's formula. So many zeros and ones have levels just above or
// below an integer.
func TestDoane(t *testing.T) {
	for _, c := range []struct{ zeros, ones, want int }{
		{2, 0, 1}, {1, 1, 1}, {2, 1, 4}, // log₂ 3 + 1 + log₂(1 + 0.707/0.5) is 3.86
		{4, 1, 6},  // 5.11
		{3, 2, 5},  // 4.06
		{6, 1, 6},  // 5.92
		{15, 1, 9}, // 8.02
		{10, 6, 7}, // 6.01
	} {
		if got := doane(steps(c.zeros, c.ones)); got != c.want {
			t.Errorf("%d zeros and %d ones: %d bins, want %d", c.zeros, c.ones, got, c.want)
		}
	}
}

// Yates's correction takes no more than there is: of a table that is as even as its
// sums allow nothing is left.
func TestYatesTakesNoMoreThanThereIs(t *testing.T) {
	if got := homogeneity([]int{10, 10}, []int{10, 11}); got != 0 {
		t.Errorf("it is %g", got)
	}
}

// Ties are on one side of each value: the distance is scipy's 5/16 for the same ties,
// less what chance does to 1600 rows each.
func TestDeequOfNumbers(t *testing.T) {
	tied := func(add float64) Column {
		var c Column
		for v, n := range map[float64]int{2: 300, 3: 400, 5: 500, 6: 400} {
			c.Numbers = append(c.Numbers, slices.Repeat([]float64{v + add}, n)...)
		}
		return c
	}
	robustOf := func(ref, cur Column) float64 {
		t.Helper()
		got, err := Compat(Deequ, ref, cur)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		return got["linf_robust"]
	}
	want := 5./16 - 1.8*math.Sqrt(3200./(1600*1600))
	if got := robustOf(tied(0), tied(1)); math.Abs(got-want) > 1e-15 {
		t.Errorf("it is %.17g, want %.17g", got, want)
	}
	// It is never below 0, counts infinite numbers, and sets all missing values
	// beside those that are called as they are.
	if got := robustOf(tied(0), tied(0)); got != 0 {
		t.Errorf("of the same numbers it is %g", got)
	}
	infinite := Column{Numbers: append(slices.Repeat([]float64{math.Inf(1)}, 1600), tied(0).Numbers...)}
	half := .5 - 1.8*math.Sqrt(4800./(1600*3200))
	for _, got := range []float64{robustOf(tied(0), infinite), robustOf(infinite, tied(0))} {
		if math.Abs(got-half) > 1e-15 {
			t.Errorf("with infinite ones it is %.17g, want %.17g", got, half)
		}
	}
	called := repeat(map[string]int{"a": 800, deequNull: 800})
	called.Missing = 800
	want = 2./3 - 1.8*math.Sqrt(4800./(2400*2400))
	if got := robustOf(called, repeat(map[string]int{"a": 800, "b": 400, "c": 400, "d": 400, "e": 400})); math.Abs(got-want) > 1e-15 {
		t.Errorf("with what is called as missing values are it is %.17g, want %.17g", got, want)
	}
	one := repeat(map[string]int{"a": 1600})
	one.Missing = 1
	want = 1 - 1.8*math.Sqrt(3201./(1601*1600))
	if got := robustOf(one, repeat(map[string]int{"b": 1600})); math.Abs(got-want) > 1e-15 {
		t.Errorf("with one missing value it is %.17g, want %.17g", got, want)
	}
}
