package drift_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

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

// BenchmarkNumbers is a numeric feature, per event.
func BenchmarkNumbers(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	column := make([]float64, 4096)
	for i := range column {
		column[i] = math.Exp(random.NormFloat64() * 2)
	}
	for name, c := range map[string]*drift.Counter{"basic": numeric(), "split": numericSplit(column)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c.Numbers(0, column)
			}
			perEvent(b, len(column))
		})
		b.Run(name+"-single", func(b *testing.B) {
			for b.Loop() {
				for _, v := range column {
					c.Number(0, v)
				}
			}
			perEvent(b, len(column))
		})
	}
}

func numeric() *drift.Counter {
	return drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x"}}, nil))
}

func numericSplit(values []float64) *drift.Counter {
	var l drift.Layout
	for range 3 {
		for i, v := range values {
			if i%10 == 0 && len(l.Splits) < 500 {
				l.Split(l.Bucket(v))
			}
		}
	}
	ref := &drift.Reference{Fields: []drift.ReferenceField{{Field: drift.Field{Name: "x"}, Layout: l}}}
	return drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "x"}}, ref))
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
	for name, ref := range map[string]*drift.Reference{"names": ref, "values": nil} {
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

func BenchmarkAdd(b *testing.B) {
	part := func(seed uint64) drift.Counts {
		c := numeric()
		random := rand.New(rand.NewPCG(seed, 2))
		for c.Rows() < 20_000 {
			c.Row()
			c.Number(0, math.Exp(random.NormFloat64()*1.6))
		}
		return c.Counts(nil)[0]
	}
	x, y := part(1), part(2)
	sum := x.Clone()
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			sum.Add(&x)
		}
		b.ReportMetric(float64(len(sum.Buckets)), "buckets")
	})
	b.Run("other", func(b *testing.B) {
		for b.Loop() {
			sum.Buckets = append(sum.Buckets[:0], x.Buckets...)
			sum.Add(&y)
		}
		b.ReportMetric(float64(len(sum.Buckets)), "buckets")
	})
}
