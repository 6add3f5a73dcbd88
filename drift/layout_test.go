package drift_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/penstock/penstock/drift"
)

// ascending are numbers at which a layout could go wrong.
var ascending = []float64{
	math.Inf(-1), -math.MaxFloat64, -1e300, -2, math.Nextafter(-1, -2), -1, math.Nextafter(-1, 0), -0x1p-1022, -0x1p-1023,
	-math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 0x1p-1023, 0x1p-1022, 0.1, math.Nextafter(1, 0), 1, math.Nextafter(1, 2),
	1 + 1./64, 1.5, 2, 1e300, math.MaxFloat64, math.Inf(1),
}

func TestKeysAreInTheOrderOfTheirValues(t *testing.T) {
	for i, v := range ascending {
		if got := drift.Value(drift.Key(v)); got != v {
			t.Errorf("the value of the key of %g is %g", v, got)
		}
		if i > 0 && drift.Key(ascending[i-1]) >= drift.Key(v) {
			t.Errorf("the key of %g is not below that of %g", ascending[i-1], v)
		}
	}
	if drift.Key(math.Copysign(0, -1)) != drift.Key(0) {
		t.Error("-0 and 0 have keys of their own")
	}
}

func TestBasicBucketsHaveSixBitsOfTheMantissa(t *testing.T) {
	var l drift.Layout
	for _, c := range []struct{ v, low, behind float64 }{
		{1, 1, 1 + 1./64},
		{math.Nextafter(1+1./64, 0), 1, 1 + 1./64},
		{1 + 1./64, 1 + 1./64, 1 + 2./64},
		{127, 127, 128}, // whole numbers below 128 have a bucket each
		{126, 126, 127},
		{0, 0, 0x1p-1028}, // subnormal
		{0x1p-1023, 0x1p-1023, 0x1p-1023 + 0x1p-1028},
		{math.MaxFloat64, 0x1.FCp1023, math.Inf(1)},
		{-1, math.Nextafter(-1-1./64, 0), math.Nextafter(-1, 0)}, // the last of its bucket
	} {
		bucket := l.Bucket(c.v)
		if low, behind := drift.Value(bucket), drift.Value(l.End(bucket)); low != c.low || behind != c.behind {
			t.Errorf("%g is in the bucket from %g to %g, want from %g to %g", c.v, low, behind, c.low, c.behind)
		}
	}
}

// split halves a bucket. It tells whether it could: one of a single value stays.
func split(l *drift.Layout, bucket uint64) bool {
	size := l.End(bucket) - bucket
	if size == 1 {
		return false
	}
	i, found := slices.BinarySearch(l.Splits, bucket)
	if !found {
		l.Splits = slices.Insert(l.Splits, i, bucket)
	}
	l.Splits = slices.Insert(l.Splits, i+1, bucket+size/2)
	return true
}

func TestSplitsHalveABucket(t *testing.T) {
	var l drift.Layout
	for range 3 {
		if !split(&l, l.Bucket(1.01)) {
			t.Fatal("a bucket of many values was not split")
		}
	}
	var lows []float64
	for _, key := range l.Splits {
		lows = append(lows, (drift.Value(key)-1)*64)
	}
	if want := []float64{0, .5, .625, .75}; !slices.Equal(lows, want) {
		t.Errorf("the bucket of 1.01 was split at %v, want %v 64ths", lows, want)
	}
	if got := drift.Value(l.End(l.Bucket(1.01))); got != 1+.75/64 {
		t.Errorf("the bucket of 1.01 ends at %v", got)
	}
	split(&l, l.Bucket(8)) // what lies between is whole
	if got := drift.Value(l.End(drift.Key(1 + .75/64))); got != 1+1./64 {
		t.Errorf("the last part of the bucket of 1.01 ends at %v", got)
	}
	for _, outside := range []float64{math.Nextafter(1, 0), 1 + 1./64} {
		if got, want := l.Bucket(outside), (&drift.Layout{}).Bucket(outside); got != want {
			t.Errorf("a split of the bucket beside moved %g", outside)
		}
	}
	if err := l.Validate(); err != nil {
		t.Error(err)
	}
}

func TestHalvingEndsAtASingleValue(t *testing.T) {
	for _, v := range []float64{1, -1, 0, math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64} {
		var l drift.Layout
		splits := 0
		for split(&l, l.Bucket(v)) {
			splits++
		}
		if bucket := l.Bucket(v); splits != 46 || bucket != drift.Key(v) || l.End(bucket) != bucket+1 {
			t.Errorf("after %d splits %g has the bucket %g to %g", splits, v, drift.Value(bucket), drift.Value(l.End(bucket)))
		}
		if err := l.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidateRefusesWhatHalvingDoesNotMake(t *testing.T) {
	one := drift.Key(1)
	const size = 1 << 46
	for name, splits := range map[string][]uint64{
		"not ascending":          {one, one},
		"without the first part": {one + size/2},
		"of no power of two":     {one, one + size/3},
		"at odd places":          {one, one + size/4, one + size*3/4},
		"infinite":               {drift.Key(math.Inf(1))},
		"not a number":           {drift.Key(math.NaN())},
		"below all":              {0},
	} {
		if err := (&drift.Layout{Splits: splits}).Validate(); err == nil {
			t.Errorf("a layout %s is accepted", name)
		}
	}
}

// randomLayout splits the buckets of values.
func randomLayout(random *rand.Rand, values []float64, splits int) drift.Layout {
	var l drift.Layout
	for range splits {
		if v := values[random.IntN(len(values))]; !math.IsInf(v, 0) && !math.IsNaN(v) {
			split(&l, l.Bucket(v))
		}
	}
	return l
}

// FuzzLayout holds that a bucket contains its values, that buckets are in the order
// of their values, and that a split parts one bucket and touches no other.
func FuzzLayout(f *testing.F) {
	for i, v := range ascending[1 : len(ascending)-2] {
		f.Add(v, ascending[i+2], uint8(i*5))
	}
	f.Fuzz(func(t *testing.T, v, other float64, splits uint8) {
		if v-v != 0 || other-other != 0 {
			return // not finite
		}
		var l drift.Layout
		for range splits {
			split(&l, l.Bucket(v))
		}
		if err := l.Validate(); err != nil {
			t.Fatal(err)
		}
		a, b := l.Bucket(v), l.Bucket(other)
		if key := drift.Key(v); a > key || l.End(a) <= key {
			t.Fatalf("the bucket %g to %g does not contain %g", drift.Value(a), drift.Value(l.End(a)), v)
		}
		if order := cmp.Compare(v, other); a != b && cmp.Compare(a, b) != order {
			t.Fatalf("the buckets of %g and %g are in another order", v, other)
		}
		if a != b && (a < b) != (l.End(a) <= b) {
			t.Fatalf("the buckets of %g and %g overlap", v, other)
		}
		before := drift.Layout{Splits: slices.Clone(l.Splits)}
		if split(&l, a) && b != a && l.Bucket(other) != before.Bucket(other) {
			t.Fatalf("a split of the bucket of %g moved %g", v, other)
		}
	})
}
