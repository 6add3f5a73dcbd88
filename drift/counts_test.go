package drift_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock/drift"
)

// mixed are the fields of the tests of sums.
var mixed = []drift.Field{{Name: "x"}, {Name: "c", Kind: drift.Categorical}, {Name: "v", Kind: drift.Embedding, Width: 8}}

// row is a value of each of them; bits say what is missing.
type row struct {
	x      float64
	c      []byte
	v      []float32
	absent int
}

func rows(random *rand.Rand, n, different int) []row {
	all := make([]row, n)
	for i, x := range numbers(random, n) {
		all[i] = row{x: x, v: make([]float32, 8), absent: random.IntN(16)}
		for j := range all[i].v {
			all[i].v[j] = float32(random.NormFloat64())
		}
	}
	for i, text := range words(random, n, different) {
		all[i].c = text
	}
	return all
}

func count(c *drift.Counter, all []row) {
	for _, r := range all {
		c.Row()
		if r.absent&1 == 0 {
			c.Number(0, r.x)
		} else {
			c.Missing(0)
		}
		if r.absent&2 == 0 {
			c.Text(1, r.c)
		} else {
			c.TypeError(1)
		}
		if r.absent&4 == 0 {
			c.Vector(2, r.v)
		} else {
			c.Missing(2)
		}
	}
}

func showAll(all []drift.Counts) string {
	var s strings.Builder
	for i := range all {
		s.WriteString(show(&all[i]) + "\n")
	}
	return s.String()
}

// Whatever way rows fall into parts, and however these are added up, the sum is
// what one counter says of all of them. Categories are more than are counted here,
// and registers enough to be dense. A sum that keeps the first categories instead
// of those of the smallest hashes fails, as does one that adds ranks.
func TestSumsDoNotDependOnPartsOrOrder(t *testing.T) {
	schema := drift.NewSchema(mixed, nil)
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 8))
		different := []int{50, 1500, 30_000, 150_000}[seed]
		all := rows(random, 3*min(different, 40_000), different)
		whole := drift.NewCounter(schema)
		count(whole, all)
		want := showAll(whole.Counts(nil))
		for range 3 {
			if got := showAll(sumInParts(schema, random, all)); got != want {
				t.Fatalf("seed %d: the sum of parts is not the whole", seed)
			}
		}
	}
}

// sumInParts adds up rows in random order, in random parts, as a random tree.
func sumInParts(schema *drift.Schema, random *rand.Rand, all []row) []drift.Counts {
	all = slices.Clone(all)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var parts [][]drift.Counts
	c := drift.NewCounter(schema)
	for len(all) > 0 {
		n := min(1+random.IntN(len(all)), len(all))
		if len(parts) > 20 {
			n = len(all)
		}
		count(c, all[:n])
		var part []drift.Counts
		for _, counts := range c.Counts(nil) {
			part = append(part, counts.Clone())
		}
		c.Reset()
		all, parts = all[n:], append(parts, part)
	}
	for len(parts) > 1 {
		i, j := random.IntN(len(parts)), random.IntN(len(parts)-1)
		if j >= i {
			j++
		}
		for f := range parts[i] {
			parts[i][f].Add(&parts[j][f])
		}
		parts = slices.Delete(parts, j, j+1)
	}
	return parts[0]
}

func TestAddSharesNothing(t *testing.T) {
	schema := drift.NewSchema(mixed, nil)
	random := rand.New(rand.NewPCG(1, 8))
	c := drift.NewCounter(schema)
	count(c, rows(random, 500, 100))
	var sum, twice []drift.Counts
	for _, counts := range c.Counts(nil) {
		var s drift.Counts
		s.Add(&counts)
		sum, twice = append(sum, s), append(twice, s.Clone())
	}
	before := showAll(sum)
	c.Reset()
	count(c, rows(random, 500, 100)) // in the memory that was told before
	c.Counts(nil)
	for i := range twice {
		twice[i].Add(&sum[i])
	}
	if showAll(sum) != before {
		t.Error("a sum changed with what had been added to it, or was cloned from it")
	}
}

func TestAddGrowsOnlyWhereItHasTo(t *testing.T) {
	schema := drift.NewSchema(mixed, nil)
	c := drift.NewCounter(schema)
	random := rand.New(rand.NewPCG(1, 8))
	count(c, rows(random, 5000, 3000))
	part := c.Counts(nil)
	sum := make([]drift.Counts, len(part))
	if n := testing.AllocsPerRun(10, func() {
		for i := range sum {
			sum[i].Buckets, sum[i].Categories = sum[i].Buckets[:0], sum[i].Categories[:0]
			sum[i].Add(&part[i])
			sum[i].Add(&part[i])
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
