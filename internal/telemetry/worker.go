package telemetry

import (
	"sync"

	"github.com/penstock/penstock"
)

// Worker holds the counters of one worker. Whoever takes its place goes on with
// them. All of it may be read, by a scrape, while it is written.
type Worker struct {
	Predicted, Skipped Counter

	// Where the worker's time goes.
	Decode, Inference, Publish, Observe, Commit Seconds
	Idle                                        Stopwatch // what it waits now included

	Commits struct{ Committed, Aborted Counter }

	InferenceDuration Histogram // seconds of one run
	BatchRows         Histogram // rows of one run
	CommitDuration    Histogram // seconds of one commit
	Latency           Latency   // from a record's timestamp until its prediction is durable

	mu          sync.Mutex // protects deadLetters
	deadLetters map[penstock.ErrorClass]int64
}

func newWorker() *Worker {
	w := &Worker{deadLetters: newDeadLetters()}
	w.InferenceDuration.counts = newCounts(inferenceBounds())
	w.BatchRows.counts = newCounts(rowBounds())
	w.CommitDuration.counts = newCounts(commitBounds())
	w.Latency.above = newCounts(latencyBounds())
	return w
}

func newDeadLetters() map[penstock.ErrorClass]int64 {
	n := map[penstock.ErrorClass]int64{}
	for _, class := range errorClasses() {
		n[class] = 0
	}
	return n
}

// DeadLettered counts n more dead letters of a class.
func (w *Worker) DeadLettered(class penstock.ErrorClass, n int64) {
	w.mu.Lock()
	w.deadLetters[class] += n
	w.mu.Unlock()
}

// sums is what all workers of a pipeline have counted.
type sums struct {
	predicted, skipped                                int64
	deadLetters                                       map[penstock.ErrorClass]int64
	committed, aborted                                int64
	decode, inference, publish, observe, commit, idle float64 // seconds
	inferenceDuration, batchRows, commitDuration      counts
	latency                                           latencies
}

func newSums() *sums {
	return &sums{
		deadLetters:       newDeadLetters(),
		inferenceDuration: newCounts(inferenceBounds()),
		batchRows:         newCounts(rowBounds()),
		commitDuration:    newCounts(commitBounds()),
		latency:           latencies{above: newCounts(latencyBounds())},
	}
}

func (s *sums) add(w *Worker) {
	s.addEvents(w)
	s.decode += w.Decode.Value().Seconds()
	s.inference += w.Inference.Value().Seconds()
	s.publish += w.Publish.Value().Seconds()
	s.observe += w.Observe.Value().Seconds()
	s.commit += w.Commit.Value().Seconds()
	s.idle += w.Idle.Value().Seconds()
	w.InferenceDuration.addTo(&s.inferenceDuration)
	w.BatchRows.addTo(&s.batchRows)
	w.CommitDuration.addTo(&s.commitDuration)
}

// addEvents adds what Totals needs.
func (s *sums) addEvents(w *Worker) {
	s.predicted += w.Predicted.Value()
	s.skipped += w.Skipped.Value()
	s.committed += w.Commits.Committed.Value()
	s.aborted += w.Commits.Aborted.Value()
	w.Latency.addTo(&s.latency)
	w.mu.Lock()
	defer w.mu.Unlock()
	for class, n := range w.deadLetters {
		s.deadLetters[class] += n
	}
}

func (s *sums) deadLettered() int64 {
	var all int64
	for _, n := range s.deadLetters {
		all += n
	}
	return all
}
