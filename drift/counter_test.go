package drift_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/penstock/penstock/drift"
)

// numbers are values of all kinds: ties, tails, neighbours, what is not finite.
func numbers(random *rand.Rand, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		switch random.IntN(5) {
		case 0:
			all[i] = ascending[random.IntN(len(ascending))]
		case 1:
			all[i] = float64(random.IntN(5))
		case 2:
			all[i] = math.NaN()
		case 3:
			all[i] = 1 + random.Float64()/100
		default:
			all[i] = math.Float64frombits(random.Uint64())
		}
	}
	return all
}

// show gives counts as bytes, which are the same exactly where the counts are.
func show(c *drift.Counts) string {
	distinct := []byte("nobody asked")
	if c.Distinct != nil {
		distinct = c.Distinct.AppendBinary(nil)
	}
	return fmt.Sprint(c.Rows, c.Missing, c.NaN, c.PosInf, c.NegInf, c.TypeErrors, c.Buckets, c.Categories, c.Other, c.New, distinct)
}

func TestNumbersAreCountedByTheLayout(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 6))
		values := numbers(random, 2000)
		if seed%2 == 1 { // they repeat each other
			for i := range values {
				values[i] = values[random.IntN(40)]
			}
		}
		l := randomLayout(random, values, int(seed)*20)
		field := drift.Field{Name: "x"}
		schema := drift.NewSchema([]drift.Field{field}, &drift.Reference{Fields: []drift.ReferenceField{{Field: field, Layout: l}}})
		c := drift.NewCounter(schema)
		for round := range 3 { // a counter that was emptied counts as a new one does
			some := values[round*300:]
			c.Numbers(0, some[:100])
			for _, v := range some[100:] {
				c.Number(0, v)
			}
			want := drift.Counted(&l, some)
			if got := c.Counts(nil)[0]; show(&got) != show(want) {
				t.Fatalf("seed %d, round %d:\n%s\nwant\n%s", seed, round, show(&got), show(want))
			}
			c.Reset()
		}
	}
}

func TestNumbersAtTheEdges(t *testing.T) {
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x"}}, nil))
	c.Numbers(0, ascending)
	c.Number(0, math.Copysign(0, -1))
	c.Number(0, math.Copysign(math.NaN(), -1))
	c.Number(0, math.Float64frombits(0x7FF0000000000001)) // a signalling NaN
	got := c.Counts(nil)[0]
	if got.NaN != 2 || got.PosInf != 1 || got.NegInf != 1 || got.Finite() != int64(len(ascending)-1) || got.Rows != int64(len(ascending)+3) {
		t.Errorf("%d numbers gave %s", len(ascending), show(&got))
	}
	if i := slices.IndexFunc(got.Buckets, func(b drift.Bucket) bool { return b.Key == drift.Key(0) }); i < 0 || got.Buckets[i].N != 3 {
		t.Errorf("0, -0 and the smallest number are not in one bucket: %v", got.Buckets)
	}
}

// words are values, of which a few are frequent.
func words(random *rand.Rand, n, different int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = []byte("w" + strconv.Itoa(int(float64(different)*math.Pow(random.Float64(), 2))))
	}
	return all
}

func TestTextsAreCountedByName(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 6))
	texts := words(random, 5000, 100)
	field := drift.Field{Name: "x", Kind: drift.Categorical}
	names := []string{"w0", "w1", "w7", "", "never"}
	known := []uint64{drift.Hash([]byte("w2")), drift.Hash([]byte("w3")), drift.Hash([]byte("w0"))}
	slices.Sort(known)
	for _, open := range []bool{false, true} {
		c := drift.NewCounter(drift.NewSchema([]drift.Field{field}, &drift.Reference{Fields: []drift.ReferenceField{
			{Field: field, Names: names, Known: known, Open: open},
		}}))
		want := drift.Counts{Rows: int64(len(texts))}
		named := map[uint64]int64{}
		for _, text := range texts {
			c.Text(0, text)
			switch {
			case slices.Contains(names, string(text)):
				named[drift.Hash(text)]++
			case open || slices.Contains(known, drift.Hash(text)):
				want.Other++
			default:
				want.New++
			}
		}
		for _, hash := range slices.Sorted(maps.Keys(named)) {
			want.Categories = append(want.Categories, drift.Category{Key: hash, N: named[hash]})
		}
		got := c.Counts(nil)[0]
		want.Distinct = got.Distinct
		if show(&got) != show(&want) {
			t.Errorf("open %v:\n%s\nwant\n%s", open, show(&got), show(&want))
		}
		if n := got.Distinct.Estimate(); n < 95 || n > 105 {
			t.Errorf("of 100 values %d are different", n)
		}
		for range c.Texts() {
			t.Error("there are texts of values that the schema has a name for, or does not count")
		}
	}
}

func TestTextsAreCountedByHashWithoutAReference(t *testing.T) {
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x", Kind: drift.Categorical}}, nil))
	for range 2 {
		random := rand.New(rand.NewPCG(1, 6))
		long := bytes.Repeat([]byte("long"), drift.MaxText)
		want := map[uint64]int64{drift.Hash(long): 1, drift.Hash(nil): 2}
		texts := map[uint64]string{drift.Hash(nil): ""}
		c.Text(0, long)
		c.Text(0, nil)
		c.Text(0, nil)
		for _, text := range words(random, 5000, 500) {
			c.Text(0, text)
			want[drift.Hash(text)]++
			texts[drift.Hash(text)] = string(text)
		}
		got := c.Counts(nil)[0]
		if !slices.IsSortedFunc(got.Categories, func(a, b drift.Category) int { return int(a.Key>>1) - int(b.Key>>1) }) {
			t.Error("categories do not ascend")
		}
		counts := map[uint64]int64{}
		for _, category := range got.Categories {
			counts[category.Key] = category.N
		}
		if !maps.Equal(counts, want) || got.Other != 0 || got.New != 0 || got.Rows != 5003 {
			t.Errorf("counted %s, want %v", show(&got), want)
		}
		if told := maps.Collect(c.Texts()); !maps.Equal(told, texts) {
			t.Errorf("told %d texts, want %d", len(told), len(texts))
		}
		c.Reset()
	}
}

// What a pane of many values leaves to Other is no matter of the next one.
func TestACounterForgetsWhichHashesWereTooLarge(t *testing.T) {
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x", Kind: drift.Categorical}}, nil))
	for i := range 5 * drift.MaxCategories {
		c.Text(0, strconv.AppendInt(nil, int64(i), 10))
	}
	if got := c.Counts(nil)[0]; len(got.Categories) != drift.MaxCategories || got.Other != 4*drift.MaxCategories || got.Rows != 5*drift.MaxCategories {
		t.Errorf("%d categories, %d others", len(got.Categories), got.Other)
	}
	c.Reset()
	for i := range drift.MaxCategories {
		c.Text(0, strconv.AppendInt(nil, int64(i), 10))
	}
	if got := c.Counts(nil)[0]; len(got.Categories) != drift.MaxCategories || got.Other != 0 {
		t.Errorf("emptied: %d categories, %d others", len(got.Categories), got.Other)
	}
}

func TestRowsAreWhatAFieldWasLookedAtIn(t *testing.T) {
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "n"}, {Name: "c", Kind: drift.Categorical}}, nil))
	for _, v := range []float64{1, 2, math.NaN(), math.Inf(-1)} {
		c.Row()
		c.Number(0, v)
		c.Text(1, []byte("a"))
	}
	c.Row()
	c.Missing(0)
	c.Missing(1)
	c.Row()
	c.TypeError(1)
	got := c.Counts(nil)
	if n := got[0]; n.Rows != 5 || n.Missing != 1 || n.NaN != 1 || n.NegInf != 1 || n.Finite() != 2 || n.TypeErrors != 0 {
		t.Errorf("the number: %s", show(&n))
	}
	if n := got[1]; n.Rows != 6 || n.Missing != 1 || n.TypeErrors != 1 || n.Named() != 4 {
		t.Errorf("the category: %s", show(&n))
	}
	if c.Rows() != 6 {
		t.Errorf("%d rows", c.Rows())
	}
	c.Reset()
	if got := c.Counts(got); c.Rows() != 0 || got[0].Rows != 0 || got[1].Rows != 0 || got[1].Distinct.Estimate() != 0 {
		t.Errorf("after a reset: %d rows, %v", c.Rows(), got)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	names := drift.Field{Name: "names", Kind: drift.Categorical}
	c := drift.NewCounter(drift.NewSchema(
		[]drift.Field{{Name: "x"}, {Name: "values", Kind: drift.Categorical}, names, {Name: "vector", Kind: drift.Embedding, Width: 32}},
		&drift.Reference{Fields: []drift.ReferenceField{{Field: names, Names: []string{"w1", "w2"}}}},
	))
	random := rand.New(rand.NewPCG(1, 6))
	values, texts := numbers(random, 2000), words(random, 2000, 300)
	vector := make([]float32, 32)
	var counts []drift.Counts
	if n := testing.AllocsPerRun(10, func() {
		c.Numbers(0, values)
		for i, text := range texts {
			c.Row()
			c.Number(0, values[i])
			c.Text(1, text)
			c.Text(2, text)
		}
		c.Vector(3, vector)
		c.Missing(3)
		counts = c.Counts(counts)
		c.Reset()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
