package drift_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/penstock/penstock/drift"
)

// distinct counts texts from-to.
func distinct(from, to int) *drift.Distinct {
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x", Kind: drift.Categorical}}, &drift.Reference{
		Fields: []drift.ReferenceField{{Field: drift.Field{Name: "x", Kind: drift.Categorical}}},
	}))
	for i := from; i < to; i++ {
		c.Text(0, strconv.AppendInt(nil, int64(i), 10))
	}
	return c.Counts(nil)[0].Distinct
}

// The standard error of a HyperLogLog of m registers is 1.04/√m: 2.3 % of 2048.
// With a rank too many for each hash, or without the terms for empty registers,
// every line here is off.
func TestEstimateIsAsGoodAsTheTheorySays(t *testing.T) {
	const draws = 40
	standard := 1.04 / math.Sqrt(2048)
	for _, n := range []int{1, 10, 100, 1000, 3000, 10_000, 100_000} {
		var squares, sum float64
		draws := max(5, min(draws, 400_000/n))
		for i := range draws {
			off := float64(distinct(i*n, (i+1)*n).Estimate())/float64(n) - 1
			squares += off * off
			sum += off
		}
		// Five standard errors of the mean, and of the deviation.
		if mean := sum / float64(draws); math.Abs(mean) > 5*standard/math.Sqrt(float64(draws)) {
			t.Errorf("of %d values the estimate is off by %.4f", n, mean)
		}
		if deviation := math.Sqrt(squares / float64(draws)); deviation > standard*(1+5/math.Sqrt(2*float64(draws))) {
			t.Errorf("of %d values the estimate deviates by %.4f", n, deviation)
		}
	}
	if n := new(drift.Distinct).Estimate(); n != 0 {
		t.Errorf("of none it estimates %d", n)
	}
}

func TestDistinctReadsBackWhatItWrites(t *testing.T) {
	for _, n := range []int{0, 1, 3, 500, 760, 790, 2000, 1_000_000} {
		d := distinct(0, n)
		data := d.AppendBinary([]byte("before"))[6:]
		var back drift.Distinct
		if err := back.UnmarshalBinary(data); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if again := back.AppendBinary(nil); !bytes.Equal(again, data) || back.Estimate() != d.Estimate() {
			t.Errorf("%d: read back it is another", n)
		}
		if most := 2 + 1280; len(data) > most {
			t.Errorf("%d: %d bytes", n, len(data))
		}
	}
}

// The bytes are in deltas, states and references: they may not change. These were
// computed apart from this package.
func TestDistinctBytes(t *testing.T) {
	if got, want := hex.EncodeToString(distinct(0, 3).AppendBinary(nil)), "030025602163a1b7"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzDistinct(f *testing.F) {
	for _, n := range []int{0, 3, 700, 1000} {
		f.Add(distinct(0, n).AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d drift.Distinct
		if err := d.UnmarshalBinary(data); err != nil {
			return
		}
		if again := d.AppendBinary(nil); !bytes.Equal(again, data) {
			t.Fatalf("%x is read and written as %x", data, again)
		}
		d.Estimate()
		sum := distinct(0, 10)
		sum.Add(&d)
		d.Add(distinct(0, 10))
		if !bytes.Equal(sum.AppendBinary(nil), d.AppendBinary(nil)) {
			t.Fatal("the order of a sum matters")
		}
	})
}

func TestDistinctOfASumIsThatOfAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for _, n := range []int{20, 600, 1200, 50_000} {
		at := random.IntN(n)
		sum := distinct(0, at+1)
		sum.Add(distinct(at/2, n))
		if !bytes.Equal(sum.AppendBinary(nil), distinct(0, n).AppendBinary(nil)) {
			t.Errorf("%d values in two parts have other registers", n)
		}
	}
}
