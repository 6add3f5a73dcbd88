package bench

import (
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/observe"
)

// BenchmarkCounting times what one worker does in an epoch without counting for
// drift and what that adds, the delta too, on events that it has not just seen, by a
// reference of the first quarter of them. It reports the medians in ns an event, and
// the throughput with drift on as a share of that without. The share of a whole
// pipeline is higher: there the broker costs the same in both.
func BenchmarkCounting(b *testing.B) {
	for _, name := range []string{"logreg_tiny", "card_fraud_gbdt"} {
		b.Run(name, func(b *testing.B) { benchmarkCounting(b, newWorker(b, name)) })
	}
}

func benchmarkCounting(b *testing.B, w *worker) {
	plan, problems := observe.New(observe.Selection{All: true}, w.plan, w.output)
	if plan == nil {
		b.Fatal(problems)
	}
	schema := drift.NewSchema(plan.Fields, reference(b, w, plan))
	epoch := observe.NewEpoch(&observe.Config{
		Model: penstock.ModelIdentity{Name: "fraud", Version: "7"}, Pane: time.Minute, Lateness: 10 * time.Minute,
		Plan: plan, Schema: func() *drift.Schema { return schema },
	})
	const batches = 16 // an epoch
	var bare, counting, share []float64
	for b.Loop() {
		var scoring, observing time.Duration
		for range batches {
			start := time.Now()
			w.decode(w.next())
			scores := w.score(b)
			w.encode(scores)
			scored := time.Now()
			count(epoch, w, scores)
			scoring += scored.Sub(start)
			observing += time.Since(scored)
		}
		start := time.Now()
		_ = epoch.Delta("transactions", 0).Encode()
		epoch.Reset()
		observing += time.Since(start)
		bare = append(bare, float64(scoring.Nanoseconds())/(batches*batchRows))
		counting = append(counting, float64(observing.Nanoseconds())/(batches*batchRows))
		share = append(share, float64(scoring)/float64(scoring+observing))
	}
	b.ReportMetric(median(bare), "bare-ns/event")
	b.ReportMetric(median(counting), "counting-ns/event")
	b.ReportMetric(median(share), "share")
	b.ReportMetric(0, "ns/op")
}

// count counts the batch, each event as a worker does, a second a batch.
func count(e *observe.Epoch, w *worker, scores *inference.Scores) {
	e.Begin()
	id := penstock.EventID{Source: "transactions"}
	at := w.stamp.ID.Offset / batchRows * int64(time.Second)
	for row := range w.batch.Len() {
		e.Row(&observe.Event{ID: &id, Record: -1, Nanos: at, Timed: true}, row)
	}
	e.Count(w.batch, scores)
}

// reference is that of the first quarter of the events.
func reference(b *testing.B, w *worker, plan *observe.Plan) *drift.Reference {
	builder := drift.NewReferenceBuilder(plan.Fields, time.Minute)
	observer := observe.NewObserver(plan)
	rows := make([]int, batchRows)
	for i := range rows {
		rows[i] = i
	}
	for n := range len(w.events) / batchRows / 4 {
		w.decode(w.next())
		observer.Count(builder.At(int64(n)*1000, true), w.batch, w.score(b), rows)
	}
	ref, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	return ref
}
