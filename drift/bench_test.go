package drift_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
)

// BenchmarkBareLoop is what the machine takes at this moment for a count in a table
// of the same size: the others are to be read beside it.
func BenchmarkBareLoop(b *testing.B) {
	var table [1024]int64
	random := rand.New(rand.NewPCG(1, 2))
	column := make([]int, 4096)
	for i := range column {
		column[i] = random.IntN(len(table))
	}
	for b.Loop() {
		for _, i := range column {
			table[i]++
		}
	}
	perEvent(b, len(column))
}

func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}

// BenchmarkNumbers is a numeric feature, per event: without a reference and with
// one, of numbers over many powers of two, close to each other, and of a few.
func BenchmarkNumbers(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		draw func() float64
	}{
		{"wide", func() float64 { return math.Exp(random.NormFloat64() * 2) }},
		{"narrow", func() float64 { return 100 + 3*random.NormFloat64() }},
		{"discrete", func() float64 { return float64(random.IntN(24)) }},
	} {
		column := make([]float64, 4096)
		for i := range column {
			column[i] = c.draw()
		}
		for kind, counter := range map[string]*drift.Counter{"bare": numeric(), "by-reference": numericByReference(b, column)} {
			b.Run(c.name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					counter.Numbers(0, column)
				}
				perEvent(b, len(column))
			})
			b.Run(c.name+"/"+kind+"-alone", func(b *testing.B) {
				for b.Loop() {
					for _, v := range column {
						counter.Number(0, v)
					}
				}
				perEvent(b, len(column))
			})
		}
	}
}

func numeric() *drift.Counter {
	return drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x"}}, nil))
}

func numericByReference(tb testing.TB, values []float64) *drift.Counter {
	fields := []drift.Field{{Name: "x"}}
	builder := drift.NewReferenceBuilder(fields, time.Hour)
	for _, v := range values {
		rows := builder.At(0, false)
		rows.Row()
		rows.Number(0, v)
	}
	ref, err := builder.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return drift.NewCounter(drift.NewSchema(fields, ref))
}

// BenchmarkTexts is a categorical feature, per event.
func BenchmarkTexts(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 500)
	for i := range names {
		names[i] = "merchant-" + strconv.Itoa(i*7919)
	}
	texts := make([][]byte, 4096)
	for i := range texts {
		texts[i] = []byte(names[int(random.ExpFloat64()*60)%len(names)])
	}
	field := drift.Field{Name: "x", Kind: drift.Categorical}
	ref := &drift.Reference{Fields: []drift.ReferenceField{{Field: field, Names: names[:400]}}}
	for name, ref := range map[string]*drift.Reference{"by-name": ref, "by-hash": nil} {
		c := drift.NewCounter(drift.NewSchema([]drift.Field{field}, ref))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, text := range texts {
					c.Text(0, text)
				}
			}
			perEvent(b, len(texts))
		})
	}
}

// BenchmarkAdd is the sum of two panes of a feature: of the same 500 buckets, of
// 500 of which some are not in both, and of 500 categories with their cardinality.
func BenchmarkAdd(b *testing.B) {
	pane := func(seed uint64) []drift.Counts {
		c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x"}, {Name: "c", Kind: drift.Categorical}}, nil))
		random := rand.New(rand.NewPCG(seed, 2))
		for range 20_000 {
			c.Number(0, math.Exp(random.NormFloat64()*.85))
			c.Text(1, strconv.AppendInt(nil, random.Int64N(500), 10))
		}
		return c.Counts(nil)
	}
	x, y := pane(1), pane(2)
	sums := []drift.Counts{x[0].Clone(), x[1].Clone()}
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			sums[0].Add(&x[0])
		}
		b.ReportMetric(float64(len(sums[0].Buckets)), "buckets")
	})
	b.Run("other", func(b *testing.B) {
		for b.Loop() {
			sums[0].Buckets = append(sums[0].Buckets[:0], x[0].Buckets...)
			sums[0].Add(&y[0])
		}
		b.ReportMetric(float64(len(sums[0].Buckets)), "buckets")
	})
	b.Run("categories", func(b *testing.B) {
		for b.Loop() {
			sums[1].Add(&y[1])
		}
		b.ReportMetric(float64(len(sums[1].Categories)), "categories")
	})
}

// BenchmarkDelta is what a feature costs when an epoch ends: its counts and the
// emptying of the counter, after few events and after many.
func BenchmarkDelta(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, events := range []int{1, 10_000} {
		column := make([]float64, events)
		for i := range column {
			column[i] = math.Exp(random.NormFloat64())
		}
		c := numeric()
		c.Numbers(0, []float64{1, 2, 3, 5, 8, 13})
		c.Reset()
		b.Run(strconv.Itoa(events), func(b *testing.B) {
			var counts []drift.Counts
			for b.Loop() {
				c.Numbers(0, column)
				counts = c.Counts(counts)
				c.Reset()
			}
		})
	}
}
