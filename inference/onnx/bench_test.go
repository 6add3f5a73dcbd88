//go:build cgo

package onnx

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

// freshBatches makes batches that hold ever other rows, by drawing each cell
// from that column of the events: with the same rows again and again the
// processor learns a tree's branches, and the model looks three times as fast.
func freshBatches(tb testing.TB, name string, rows int) [][]*inference.Tensor {
	tb.Helper()
	e := loadEvents(tb, name, "events.jsonl")
	pool := e.tensors(tb, 0, len(e.values))
	random := rand.New(rand.NewPCG(1, uint64(rows)))
	batches := make([][]*inference.Tensor, max(16, 16384/rows))
	for b := range batches {
		for _, from := range pool {
			batches[b] = append(batches[b], mixRows(random, from, rows))
		}
	}
	return batches
}

func mixRows(random *rand.Rand, from *inference.Tensor, rows int) *inference.Tensor {
	count := int(from.Shape[0])
	width := from.Count() / count
	shape := append([]int64{int64(rows)}, from.Shape[1:]...)
	if from.Type == inference.String {
		t := textTensor(shape, make([]string, rows*width)...)
		t.Text = from.Text
		for i := range t.Refs {
			t.Refs[i] = from.Refs[random.IntN(count)*width+i%width]
		}
		return t
	}
	t := new(inference.Tensor)
	t.Resize(from.Type, shape...)
	size := from.Type.Size()
	for i := range rows * width {
		at := (random.IntN(count)*width + i%width) * size
		copy(t.Data[i*size:], from.Data[at:at+size])
	}
	return t
}

// benchmark runs fresh batches and reports the time a row takes.
func benchmark(b *testing.B, name string, o Options, rows int, limit time.Duration) {
	m := openShared(b, name, o)
	r := newRunner(b, m)
	batches := freshBatches(b, name, rows)
	out := outputsFor(m)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Run(batches[i%len(batches)], out, limit); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

func BenchmarkRun(b *testing.B) {
	for _, name := range []string{"logreg_tiny", "card_fraud_gbdt"} {
		for _, rows := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("%s/rows=%d", name, rows), func(b *testing.B) {
				benchmark(b, name, Options{}, rows, 2*time.Second)
			})
		}
	}
}

// BenchmarkLimit shows what a time limit costs.
func BenchmarkLimit(b *testing.B) {
	for _, limit := range []time.Duration{0, 2 * time.Second} {
		b.Run(limit.String(), func(b *testing.B) { benchmark(b, "logreg_tiny", Options{}, 1, limit) })
	}
}

// BenchmarkZipMap shows what cutting the ZipMap off saves.
func BenchmarkZipMap(b *testing.B) {
	for _, name := range zipMapModels {
		for _, rows := range []int{1, 64, 256} {
			for _, uncut := range []bool{false, true} {
				what := map[bool]string{false: "cut", true: "uncut"}[uncut]
				b.Run(fmt.Sprintf("%s/%s/rows=%d", what, name, rows), func(b *testing.B) {
					benchmark(b, name, Options{uncut: uncut}, rows, 2*time.Second)
				})
			}
		}
	}
}

// BenchmarkArena is behind the decision to run without the runtime's arena.
func BenchmarkArena(b *testing.B) {
	for _, name := range []string{"logreg_tiny", "card_fraud_gbdt", "tiny_transformer"} {
		for _, rows := range []int{1, 64, 256} {
			for _, arena := range []bool{false, true} {
				what := map[bool]string{false: "off", true: "on"}[arena]
				b.Run(fmt.Sprintf("%s/%s/rows=%d", what, name, rows), func(b *testing.B) {
					benchmark(b, name, Options{arena: arena}, rows, 2*time.Second)
				})
			}
		}
	}
}

// BenchmarkOpen is a load and unload.
func BenchmarkOpen(b *testing.B) {
	for _, name := range []string{"logreg_tiny", "iris_rf", "card_fraud_gbdt"} {
		b.Run(name, func(b *testing.B) {
			bytes := readModel(b, sharedModels+"/"+name+"/model.onnx")
			for b.Loop() {
				m, err := Open(bytes, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
