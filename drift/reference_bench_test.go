package drift

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// The cost of learning one value: of a number that hardly ever comes twice, of one
// of a few hundred, and of a text.
func BenchmarkReferenceBuilder(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	const some = 1 << 16
	continuous, discrete := make([]float64, some), make([]float64, some)
	texts := make([][]byte, some)
	for i := range some {
		continuous[i] = r.NormFloat64() * 100
		discrete[i] = float64(r.IntN(300))
		texts[i] = strconv.AppendInt(nil, int64(r.IntN(1000)), 10)
	}
	for _, c := range []struct {
		name  string
		field Field
		add   func(rows *ReferenceRows, i int)
	}{
		{"continuous", Field{Name: "x"}, func(rows *ReferenceRows, i int) { rows.Number(0, continuous[i]+float64(i)) }},
		{"discrete", Field{Name: "x"}, func(rows *ReferenceRows, i int) { rows.Number(0, discrete[i]) }},
		{"text", Field{Name: "x", Kind: Categorical}, func(rows *ReferenceRows, i int) { rows.Text(0, texts[i]) }},
	} {
		for _, order := range []string{"sorted", "shuffled"} {
			b.Run(c.name+"/"+order, func(b *testing.B) {
				builder := NewReferenceBuilder([]Field{c.field}, time.Hour)
				b.ReportAllocs()
				for i := range b.N {
					at := int64(i) * 100
					if order == "shuffled" {
						at = int64(i%some*7919%some) * 36_000
					}
					rows := builder.At(at, true)
					rows.Row()
					c.add(rows, i%some)
				}
				if _, err := builder.Build(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
