package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A sketch that had to give up resolution still knows how many values lie below
// any key, to within some thousandths of all, wherever these came to lie later;
// stretches that did not lie within each other, or counted twice, would not.
func TestSketchesKnowHowManyLieBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for name, draw := range map[string]func(i int) float64{
		"normal":       func(int) float64 { return r.NormFloat64() },
		"heavy tailed": func(int) float64 { return 1 / (1 - r.Float64()) },
		"narrow":       func(int) float64 { return 1e6 + r.Float64() },
		"moving": func(i int) float64 { // into what few had reached before
			return math.Abs(r.NormFloat64()) * (1 + float64(i/50_000)*20)
		},
	} {
		c := &numberColumn{}
		var all []uint64
		for i := range 200_000 {
			v := draw(i)
			all = append(all, Key(v))
			c.add(v, int32(i/20_000))
		}
		c.fold()
		slices.Sort(all)
		if len(c.all) > sketchRoom {
			t.Errorf("%s: %d stretches", name, len(c.all))
		}
		if !slices.IsSortedFunc(c.all, func(a, b stretch) int {
			if a.before(b) {
				return -1
			}
			return 1
		}) {
			t.Errorf("%s: the sketch is not in order", name)
		}
		for i := 0; i < len(all); i += 1000 {
			var least, most int64 // that may lie below
			for _, s := range c.all {
				if s.key+1<<s.shift <= all[i] {
					least += s.n
				}
				if s.key < all[i] {
					most += s.n
				}
			}
			exact, _ := slices.BinarySearch(all, all[i])
			if int64(exact) < least || int64(exact) > most || most-least > int64(len(all))/400 {
				t.Fatalf("%s: %d lie below %v, and it says %d to %d", name, exact, Value(all[i]), least, most)
			}
		}
	}
}

// No bucket may hold more than a hundredth that could be divided, and buckets
// must be those that the layout tells.
func TestRefinedBucketsHoldAtMostAHundredth(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	var values []float64
	for range 20_000 {
		values = append(values, 0, 101_325+r.NormFloat64(), float64(r.IntN(7)), -r.ExpFloat64())
	}
	f := referenceOf(t, values)
	if err := f.Layout.Validate(); err != nil {
		t.Error(err)
	}
	most := int64(len(values) / 100)
	for _, b := range f.Counts.Buckets {
		if width := f.Layout.End(b.Key) - b.Key; b.N > most && width > 1 {
			t.Errorf("the bucket from %v on holds %d of %d and %d keys", Value(b.Key), b.N, len(values), width)
		}
	}
	// The sketch gave up the places of a few values only.
	exact := Counted(&f.Layout, values)
	for i, b := range f.Counts.Buckets {
		if i >= len(exact.Buckets) || exact.Buckets[i].Key != b.Key || math.Abs(float64(exact.Buckets[i].N-b.N)) > float64(most)/10 {
			t.Fatalf("bucket %v has %d, and should have %+v", Value(b.Key), b.N, exact.Buckets[i])
		}
	}
}

func TestSamplesAreSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	samples := make([]sample, 3000)
	for i := range samples {
		samples[i] = sample{r.Uint64() >> r.IntN(60), int32(r.IntN(5))}
	}
	want := slices.Clone(samples)
	slices.SortStableFunc(want, func(a, b sample) int { return compareCategory(Category{Key: a.key}, b.key) })
	sorted := sortSamples(samples)
	if !slices.Equal(sorted, want) {
		t.Error("they are not in order, or not stable")
	}
	var n int
	for block := range byBlock(sorted) {
		n += len(block)
		for i := range block {
			if block[i].block != block[0].block || i > 0 && block[i].key < block[i-1].key {
				t.Fatal("a block is mixed or out of order")
			}
		}
	}
	if n != len(samples) {
		t.Errorf("%d of %d samples are in blocks", n, len(samples))
	}
}
