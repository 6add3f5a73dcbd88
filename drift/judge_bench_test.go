package drift

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// What a window of a day of 200 features takes once it is summed: its statistics
// and its verdict, against a reference of a week.
func BenchmarkJudge(b *testing.B) {
	fields := make([]Field, 200)
	for i := range fields {
		fields[i].Name = strconv.Itoa(i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(c interface{ Number(int, float64) }) {
		for i := range fields {
			c.Number(i, math.Exp(random.NormFloat64()))
		}
	}
	builder := NewReferenceBuilder(fields, 2*time.Hour)
	const rows = 5000
	for i := range int64(rows) {
		r := builder.At(i*7*day.Milliseconds()/rows, true)
		r.Row()
		draw(r)
	}
	ref, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	schema := NewSchema(fields, ref)
	counter := NewCounter(schema)
	for range rows {
		counter.Row()
		draw(counter)
	}
	closed := &Closed{Window: WindowSpec{Name: "24h", Length: day}, Rows: rows, Complete: true, Fields: counter.Counts(nil)}
	judge := NewJudge(schema, ref, judgeConfig())
	for b.Loop() {
		closed.Span = Span{closed.Span.Start + day.Milliseconds(), closed.Span.End + day.Milliseconds()}
		if r, _ := judge.Judge(closed); r.Features[199].JS == nil {
			b.Fatal("no statistics")
		}
	}
	b.ReportMetric(float64(len(closed.Fields[0].Buckets)), "buckets")
}
