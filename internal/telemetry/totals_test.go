package telemetry

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/penstock/penstock"
)

func TestTotalsSumWorkersAndSince(t *testing.T) {
	p := NewPipeline(PipelineOptions{Name: "card-fraud"})
	a, b := p.NewWorker(), p.NewWorker()
	a.Predicted.Add(90)
	b.Predicted.Add(10)
	b.Skipped.Add(3)
	a.DeadLettered(penstock.ClassDecode, 2)
	b.DeadLettered(penstock.ClassDecode, 1)
	b.DeadLettered(penstock.ClassModel, 4)
	a.Commits.Committed.Add(5)
	b.Commits.Aborted.Add(1)
	a.Latency.ObserveMillis(7, 98)
	b.Latency.ObserveMillis(40, 2)
	before := p.Totals()
	if before.Predicted != 100 || before.DeadLettered != 7 || before.Skipped != 3 || before.Committed != 5 || before.Aborted != 1 {
		t.Errorf("totals are %+v", before)
	}
	if want := map[penstock.ErrorClass]int64{penstock.ClassDecode: 3, penstock.ClassModel: 4}; !maps.Equal(before.DeadLetters, want) {
		t.Errorf("dead letters are %v, not %v", before.DeadLetters, want)
	}
	if before.LatencyP50Millis != 7 || before.LatencyP99Millis != 40 {
		t.Errorf("latency is %v and %v ms, not 7 and 40", before.LatencyP50Millis, before.LatencyP99Millis)
	}

	b.Predicted.Add(1)
	a.DeadLettered(penstock.ClassModel, 1)
	b.Latency.ObserveMillis(90_000, 1)
	after := p.Totals()
	d := after.Since(before)
	if d.Predicted != 1 || d.DeadLettered != 1 || d.Skipped != 0 || d.Committed != 0 || d.Aborted != 0 {
		t.Errorf("since then: %+v", d)
	}
	if want := map[penstock.ErrorClass]int64{penstock.ClassModel: 1}; !maps.Equal(d.DeadLetters, want) {
		t.Errorf("dead letters since then are %v, not %v", d.DeadLetters, want)
	}
	if d.LatencyP50Millis < 86_000 || d.LatencyP50Millis > 94_100 || d.LatencyP99Millis != d.LatencyP50Millis {
		t.Errorf("latency since then is %v and %v ms, not about 90000", d.LatencyP50Millis, d.LatencyP99Millis)
	}
	a.Latency.ObserveMillis(30_000, 1)
	if d := p.Totals().Since(after); d.latency.total() != 1 || d.LatencyP50Millis < 28_600 || d.LatencyP50Millis > 31_400 {
		t.Errorf("since after: %d, the median is %v ms, not about 30000", d.latency.total(), d.LatencyP50Millis)
	}
	// Neither of the two may change by that.
	if again := after.Since(Totals{}); again.Predicted != 101 || again.LatencyP50Millis != 7 || after.DeadLetters[penstock.ClassDecode] != 3 {
		t.Errorf("since the start: %+v", again)
	}
	if again := after.Since(before); again.LatencyP50Millis != d.LatencyP50Millis || again.latency.total() != 1 {
		t.Errorf("asked again: %+v", again)
	}
}

func TestTotalsOfNothing(t *testing.T) {
	p := NewPipeline(PipelineOptions{Name: "card-fraud"})
	p.NewWorker()
	totals := p.Totals().Since(p.Totals())
	text, err := json.Marshal(totals)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"predicted":0,"dead_lettered":0,"skipped":0,"dead_letters":{},"committed":0,"aborted":0,"latency_p50_ms":0,"latency_p99_ms":0}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var read Totals
	if err := json.Unmarshal([]byte(`{"predicted":5,"latency_p99_ms":4}`), &read); err != nil {
		t.Fatal(err)
	}
	if since := read.Since(totals); since.Predicted != 5 {
		t.Errorf("totals from JSON: %+v", since)
	}
}

func TestQuantiles(t *testing.T) {
	l := &latencies{above: newCounts(latencyBounds())}
	for ms := range int64(100) {
		l.observe(ms+1, 1)
	}
	for q, want := range map[float64]float64{0: 1, 0.005: 1, 0.01: 1, 0.011: 2, 0.5: 50, 0.99: 99, 1: 100} {
		if got := l.quantileMillis(q); got != want {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
}
