package telemetry

import (
	"maps"

	"github.com/penstock/penstock"
)

// Totals is what a pipeline has done so far, or between two moments.
type Totals struct {
	Predicted    int64                         `json:"predicted"`
	DeadLettered int64                         `json:"dead_lettered"`
	Skipped      int64                         `json:"skipped"`
	DeadLetters  map[penstock.ErrorClass]int64 `json:"dead_letters"` // by class, those that occurred
	Committed    int64                         `json:"committed"`
	Aborted      int64                         `json:"aborted"`
	// From a record's timestamp until its prediction is durable; 0 when there
	// is none.
	LatencyP50Millis float64 `json:"latency_p50_ms"`
	LatencyP99Millis float64 `json:"latency_p99_ms"`

	latency *latencies
}

// Totals adds up the workers. It costs some tens of microseconds a worker and
// takes no lock for long: enough for a status page every second.
func (p *Pipeline) Totals() Totals {
	workers, _ := p.snapshot()
	s := newSums()
	for _, w := range workers {
		s.addEvents(w)
	}
	maps.DeleteFunc(s.deadLetters, func(_ penstock.ErrorClass, n int64) bool { return n == 0 })
	t := Totals{
		Predicted: s.predicted, DeadLettered: s.deadLettered(), Skipped: s.skipped, DeadLetters: s.deadLetters,
		Committed: s.committed, Aborted: s.aborted, latency: &s.latency,
	}
	t.quantiles()
	return t
}

// Since gives what happened after before, which was taken from the same
// pipeline; the zero Totals stands for its start.
func (t Totals) Since(before Totals) Totals {
	since := Totals{
		Predicted:    t.Predicted - before.Predicted,
		DeadLettered: t.DeadLettered - before.DeadLettered,
		Skipped:      t.Skipped - before.Skipped,
		Committed:    t.Committed - before.Committed,
		Aborted:      t.Aborted - before.Aborted,
		DeadLetters:  map[penstock.ErrorClass]int64{},
		latency:      t.latency,
	}
	for class, n := range t.DeadLetters {
		if n -= before.DeadLetters[class]; n > 0 {
			since.DeadLetters[class] = n
		}
	}
	if t.latency != nil && before.latency != nil {
		since.latency = t.latency.without(before.latency)
	}
	since.quantiles()
	return since
}

// quantiles stay 0 for totals that were read from JSON: it has no buckets.
func (t *Totals) quantiles() {
	if t.latency == nil {
		return
	}
	t.LatencyP50Millis = t.latency.quantileMillis(0.5)
	t.LatencyP99Millis = t.latency.quantileMillis(0.99)
}
