package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// waves are the counts of stretches in which ten cells' shares move in one
// direction, by size times a normal.
func waves(random *rand.Rand, stretches int, rows, size float64) [][]int64 {
	s := newStream(family{values: normalValues()[3:13]}, 1, time.Minute, 0, random.Uint64())
	all := make([][]int64, stretches)
	for i := range all {
		all[i] = s.draw(int64(rows), size*random.NormFloat64())
	}
	return all
}

// excessOf is what waves of that size have: the mean over many of the excess of
// stretches of very many rows.
func excessOf(random *rand.Rand, size float64) float64 {
	var ratio, rows float64
	all := waves(random, 1000, 1e7, size)
	var total []int64
	for _, s := range all {
		total = addCells(total, s)
	}
	for _, s := range all {
		statistic, df := likelihoodRatio(s, total)
		ratio += statistic / float64(df)
		rows += effectiveRows(rowsOf(s), rowsOf(total))
	}
	return ratio / rows
}

// The estimate is a bit above what is there: by its standard error, and by what the
// greatest stretch adds. In-sample (each stretch beside all, itself among them) it
// would be below with few stretches, and a factor (a dispersion that is measured
// once) would not be the same for more rows.
func TestCalibrationMeasuresTheExcess(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, size := range []float64{.05, .2} {
		want := excessOf(random, size)
		for _, rows := range []float64{1000, 10_000, 100_000} {
			for _, stretches := range []int{8, 64} {
				var mean float64
				const times = 100
				for range times {
					v, ok := calibrate(waves(random, stretches, rows, size))
					if !ok {
						t.Fatalf("%d stretches are too few", stretches)
					}
					mean += v.excess / times
				}
				draws := math.Sqrt(2/(9*float64(stretches))) / rows
				if low, high := .97*want, 1.5*want+1.5*draws; mean < low || mean > high {
					t.Errorf("size %g, %d stretches of %g rows: excess %g, want %g to %g", size, stretches, rows, mean, low, high)
				}
			}
		}
	}
}

// One hour of the day differs: by the mean over the hours it would alarm each day.
func TestCalibrationSeesTheRareHour(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	s := newStream(family{values: normalValues()[3:13]}, 1, time.Minute, 0, random.Uint64())
	var all [][]int64
	for hour := range 7 * 24 {
		shift := 0.
		if hour%24 == 3 {
			shift = 1.5
		}
		all = append(all, s.draw(5000, shift))
	}
	v, _ := calibrate(all)
	total := make([]int64, len(all[0]))
	for _, a := range all {
		total = addCells(total, a)
	}
	night := s.draw(5000, 1.5)
	statistic, df := likelihoodRatio(night, total)
	if p := v.tail(statistic, df, effectiveRows(5000, rowsOf(total))); p < 1e-3 {
		t.Errorf("the hour that is so each day has p %g", p)
	}
}

func TestVariationChoosesItsStretches(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	minute := time.Minute.Milliseconds()
	blocks := func(n int, rows float64) ([]int64, [][]int64) {
		var starts []int64
		for i := range n {
			starts = append(starts, int64(i)*5*minute)
		}
		return starts, waves(random, n, rows, 0)
	}
	for _, tc := range []struct {
		what   string
		blocks int
		rows   float64
		length time.Duration
		gaps   bool
		want   int // stretches
	}{
		{"as long as the window", 12 * 48, 500, time.Hour, false, 48},
		{"shorter where there are few", 12 * 48, 500, day, false, 8},
		{"the window is shorter than a block", 100, 500, time.Minute, false, 100},
		{"longer where there are few rows", 12 * 48, 1, time.Hour, false, 12},
		{"half of the time nothing came", 12 * 48, 500, time.Hour, true, 24},
		{"too few blocks", 7, 500, time.Hour, false, 0},
		{"too few rows", 50, 1, time.Hour, false, 0},
	} {
		r := &Reference{Block: 5 * minute}
		f := &ReferenceField{}
		r.Starts, f.Blocks = blocks(tc.blocks, tc.rows)
		if tc.gaps {
			odd := func(start int64) bool { return start/(60*minute)%2 == 1 }
			var starts []int64
			var kept [][]int64
			for i, start := range r.Starts {
				if !odd(start) {
					starts, kept = append(starts, start), append(kept, f.Blocks[i])
				}
			}
			r.Starts, f.Blocks = starts, kept
		}
		v, ok := r.variation(f, tc.length)
		if ok != (tc.want > 0) || ok && v.stretches != tc.want {
			t.Errorf("%s: %d stretches (%v), want %d", tc.what, v.stretches, ok, tc.want)
		}
	}

	r, f := &Reference{}, &ReferenceField{}
	for i := range int64(1000) { // of 50 rows each, without a time
		r.Starts = append(r.Starts, 50*i)
	}
	f.Blocks = waves(random, 1000, 50, 0)
	if v, ok := r.variation(f, time.Hour); !ok || v.stretches != untimedStretches {
		t.Errorf("rows without a time: %d stretches (%v), want %d", v.stretches, ok, untimedStretches)
	}
}

// What a stretch hides is made up for: blocks of a day say nothing of its hours.
func TestVariationOfWindowsShorterThanBlocks(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	r := &Reference{Block: day.Milliseconds()}
	f := &ReferenceField{Blocks: waves(random, 50, 50_000, .2)}
	for i := range f.Blocks {
		r.Starts = append(r.Starts, int64(i)*r.Block)
	}
	whole, _ := r.variation(f, day)
	hour, _ := r.variation(f, time.Hour)
	if ratio := hour.excess / whole.excess; math.Abs(ratio-24) > 1e-9 {
		t.Errorf("an hour varies %g times as much as a day, want 24", ratio)
	}
}

func TestVariationOfAConstant(t *testing.T) {
	r, f := &Reference{Block: 1000}, &ReferenceField{}
	for i := range int64(50) {
		r.Starts = append(r.Starts, i*1000)
		f.Blocks = append(f.Blocks, []int64{0, 100, 0})
	}
	v, ok := r.variation(f, time.Minute)
	if !ok || v.excess != 0 {
		t.Errorf("a constant has variation %+v, %v", v, ok)
	}
	statistic, df := likelihoodRatio([]int64{0, 900, 100}, []int64{0, 5000, 0})
	if p := v.tail(statistic, df, 800); p > 1e-9 {
		t.Errorf("a tenth is new where there was one value: p %g", p)
	}
}

// Not the golden of Pearson's: the likelihood ratio of the same table, as
// scipy.stats.chi2_contingency(table, lambda_="log-likelihood") has it.
func TestLikelihoodRatio(t *testing.T) {
	a, b := []int64{16, 18, 16, 14, 12, 12}, []int64{16, 16, 16, 16, 16, 8}
	statistic, df := likelihoodRatio(a, b)
	if want := 1.62996; math.Abs(statistic-want) > 1e-3 || df != 5 {
		t.Errorf("G is %g with %d degrees, want %g with 5", statistic, df, want)
	}
	if again, _ := likelihoodRatio(b, a); math.Abs(again-statistic) > 1e-12 {
		t.Errorf("it is %g one way and %g the other", statistic, again)
	}
	if s, df := likelihoodRatio(a, slices.Repeat([]int64{0}, 6)); s != 0 || df != 0 {
		t.Errorf("beside nothing it is %g, %d", s, df)
	}
	// The two cells with few rows are one.
	if _, df := likelihoodRatio([]int64{100, 100, 1, 2}, []int64{100, 100, 2, 1}); df != 2 {
		t.Errorf("%d degrees of freedom, want 2", df)
	}
}
