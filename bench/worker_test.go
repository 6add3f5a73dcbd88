// Package bench measures what the product promises, beside the sum of its own
// parts and beside what people write today. Its results are in results/.
package bench

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnx"
	"github.com/penstock/penstock/internal/runtimelib"
)

// batchRows is the default of batch.max_rows.
const batchRows = 256

// BenchmarkWorker times one worker's decode, run and encode apart and
// together, a batch an iteration, always on events that it has not just seen.
// It reports the medians in ns an event and what the whole costs beside the
// sum of its parts, which must stay below 1.15.
func BenchmarkWorker(b *testing.B) {
	for _, name := range []string{"logreg_tiny", "card_fraud_gbdt"} {
		b.Run(name, func(b *testing.B) { benchmarkWorker(b, newWorker(b, name)) })
	}
}

func benchmarkWorker(b *testing.B, w *worker) {
	parts := map[string][]float64{}
	took := func(part string, start time.Time) {
		parts[part] = append(parts[part], float64(time.Since(start).Nanoseconds())/batchRows)
	}
	for b.Loop() {
		start := time.Now()
		w.decode(w.next())
		took("decode", start)

		in := w.batch.Tensors(0, batchRows, batchRows)
		start = time.Now()
		if err := w.runner.Run(in, w.out, time.Second); err != nil {
			b.Fatal(err)
		}
		took("run", start)

		scores := w.score(b)
		start = time.Now()
		w.encode(scores)
		took("encode", start)

		events := w.next()
		start = time.Now()
		w.decode(events)
		w.encode(w.score(b))
		took("whole", start)
	}
	sum := 0.0
	for _, part := range []string{"decode", "run", "encode"} {
		m := median(parts[part])
		sum += m
		b.ReportMetric(m, part+"-ns/event")
	}
	whole := median(parts["whole"])
	b.ReportMetric(whole, "whole-ns/event")
	b.ReportMetric(whole/sum, "whole/sum")
	b.ReportMetric(0, "ns/op")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// worker is what one worker of a pipeline owns.
type worker struct {
	plan    *inference.Plan
	output  *inference.OutputPlan
	events  [][]byte
	at      int
	batch   *inference.Batch
	runner  inference.Runner
	out     []*inference.Tensor
	scorer  *inference.Scorer
	encoder *inference.Encoder
	arena   []byte
	stamp   inference.Stamp
}

func newWorker(b *testing.B, name string) *worker {
	b.Helper()
	model := openModel(b, name)
	cfg := &inference.Config{Inputs: []inference.Input{fraudInput(model.Inputs()[0].Name)}}
	plan, problems := inference.Compile(cfg, model.Inputs(), inference.CompileOptions{EventTime: "event_time"})
	if plan == nil {
		b.Fatal(problems)
	}
	output, problems := inference.CompileOutput(&cfg.Output, model.Outputs())
	if output == nil {
		b.Fatal(problems)
	}
	scorer, err := inference.NewScorer(model, plan, output, inference.ScorerOptions{Timeout: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { scorer.Close() })
	runner, err := model.NewRunner()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { runner.Close() })
	w := &worker{
		plan: plan, output: output,
		events: readEvents(b), batch: plan.NewBatch(batchRows), runner: runner, scorer: scorer,
		encoder: inference.NewEncoder(inference.EncoderOptions{
			Pipeline: "card-fraud", Variant: "champion", Plan: 1,
			Model: penstock.ModelIdentity{Name: "fraud", Version: "7", Digest: "sha256:9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c9f2c"},
		}),
		stamp: inference.Stamp{ID: penstock.EventID{Source: "transactions"}},
	}
	for range model.Outputs() {
		w.out = append(w.out, new(inference.Tensor))
	}
	return w
}

func openModel(b *testing.B, name string) inference.Model {
	b.Helper()
	library, err := runtimelib.Find()
	if err != nil {
		b.Fatal(err)
	}
	if err := onnx.Load(library.Path); err != nil {
		b.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join("..", "testdata", "models", name, "model.onnx"))
	if err != nil {
		b.Fatal(err)
	}
	model, err := onnx.Open(file, onnx.Options{IntraOpNumThreads: 1, Device: "cpu"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { model.Close() })
	return model
}

// fraudInput is the 20-column mapping of the card-fraud models.
func fraudInput(name string) inference.Input {
	in := inference.Input{Name: name, List: true}
	for i, path := range []string{
		"amount", "amount_avg_30d", "amount_sum_24h", "tx_count_1h", "tx_count_24h", "secs_since_last", "merchant_risk",
		"mcc", "distance_home_km", "is_3ds", "card_present", "hour", "weekday", "failed_pin_24h", "customer.age",
		"customer.tenure_days", "customer.credit_limit", "customer.utilization", "device.age_days", "device.ip_risk",
	} {
		in.Columns = append(in.Columns, inference.Column{From: path, At: i, Missing: inference.Missing{Policy: inference.MissingNaN}})
	}
	return in
}

// readEvents gives the events of PENSTOCK_BENCH_EVENTS, which `make bench`
// draws; a few repeated events would let the trees' branches be learned.
func readEvents(tb testing.TB) [][]byte {
	tb.Helper()
	path := os.Getenv("PENSTOCK_BENCH_EVENTS")
	if path == "" {
		tb.Fatal("PENSTOCK_BENCH_EVENTS is not set: run `make bench`, which draws the events")
	}
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var events [][]byte
	for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
		events = append(events, bytes.Clone(lines.Bytes()))
	}
	if len(events) < 100*batchRows {
		tb.Fatalf("%s holds %d events, too few to stay fresh", path, len(events))
	}
	return events
}

// next gives a batch of events, going round through all of them.
func (w *worker) next() [][]byte {
	if w.at+batchRows > len(w.events) {
		w.at = 0
	}
	w.at += batchRows
	return w.events[w.at-batchRows : w.at]
}

func (w *worker) decode(events [][]byte) {
	w.batch.Reset()
	for _, event := range events {
		if rejection := w.batch.DecodeJSON(event); rejection != nil {
			panic(rejection)
		}
	}
}

func (w *worker) score(b *testing.B) *inference.Scores {
	scores, err := w.scorer.Score(w.batch)
	if err != nil {
		b.Fatal(err)
	}
	return scores
}

func (w *worker) encode(scores *inference.Scores) {
	w.arena = w.arena[:0]
	w.stamp.Time = time.Now().UnixNano()
	for row := range w.batch.Len() {
		w.stamp.ID.Offset++
		w.arena = w.encoder.Append(w.arena, &w.stamp, scores, row)
	}
}
