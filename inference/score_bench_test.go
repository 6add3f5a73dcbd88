package inference

import "testing"

// BenchmarkEncode writes the prediction of a two-class classifier; one
// iteration is one event.
func BenchmarkEncode(b *testing.B) {
	plan := scoringPlan(b, 0)
	const rows = 64
	m := &fakeModel{
		outputs: []TensorInfo{info("label", Int64, 1), classMap("probabilities", "0", "1")},
		fill: func(x, _ []float32, out []*Tensor) {
			out[0].Resize(Int64, int64(len(x)))
			out[1].Resize(Float32, int64(len(x)), 2)
			out[1].Keys = []string{"0", "1"}
			for i := range x {
				Values[int64](out[0])[i] = int64(i & 1)
				Values[float32](out[1])[2*i+1] = 1 / (1 + x[i])
				Values[float32](out[1])[2*i] = 1 - 1/(1+x[i])
			}
		},
	}
	for name, cfg := range map[string]Output{
		"headline": {},
		"include":  {Include: &Include{Names: []string{"probabilities"}}},
	} {
		b.Run(name, func(b *testing.B) {
			events := make([]string, rows)
			for i := range events {
				events[i] = `{"x":` + string(rune('1'+i%9)) + `,"y":1,"ts":"2026-11-21T09:00:00.123Z"}`
			}
			scores, err := newTestScorer(b, m, plan, cfg).Score(fillBatch(b, plan, events...))
			if err != nil {
				b.Fatal(err)
			}
			e := NewEncoder(cardFraud)
			stamp := stampAt(b, "transactions", 1234, "2026-11-21T09:00:00.127Z")
			dst := make([]byte, 0, 1024)
			b.ReportAllocs()
			row := 0
			for b.Loop() {
				stamp.Time += 1_000_000
				stamp.ID.Offset++
				dst = e.Append(dst[:0], stamp, scores, row)
				row = (row + 1) % rows
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}
