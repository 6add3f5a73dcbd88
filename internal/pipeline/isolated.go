package pipeline

import (
	"cmp"
	"time"

	"github.com/penstock/penstock"
)

// scoreIsolated scores the polled events in a child process, which may die.
func (w *worker) scoreIsolated() error {
	if w.child == nil {
		child, err := w.p.c.Model.Isolated()
		if err != nil {
			return err
		}
		w.child = child
	}
	s := isolatedBatch{worker: w}
	events := s.choose()
	err := w.child.Score(w.p.hard, events, time.Now().UnixNano(), s.take)
	if err == nil && s.failed == nil {
		s.settle(len(w.events))
	}
	if s.failed != nil {
		return s.failed // of a dead letter that was not counted
	}
	// The share comes before a runtime that broke, as in scoreBatch: what is
	// over it must not be committed.
	return cmp.Or(w.share(time.Now(), len(events), s.dead), err)
}

// isolatedBatch takes the child's answers to the polled events.
type isolatedBatch struct {
	*worker
	rows   []int // of the worker's events: those that the child is given
	next   int   // the first event that is not settled
	dead   int
	failed error  // of publishing
	record []byte // the answer to the event at hand; nil: none
}

// choose gives the events that have something to score.
func (s *isolatedBatch) choose() []penstock.Event {
	var chosen []penstock.Event
	s.outcomes = s.outcomes[:0]
	for i := range s.events {
		o := outcome{kind: kindOf(&s.events[i])}
		if o.kind == hasRow {
			s.rows, chosen = append(s.rows, i), append(chosen, s.events[i])
		}
		s.outcomes = append(s.outcomes, o)
	}
	return chosen
}

// take publishes the answer to the i-th chosen event. Only then is the event
// settled, so that what precedes a broken runtime can be committed.
func (s *isolatedBatch) take(i int, record []byte, why *penstock.Rejection) {
	if s.failed != nil {
		return
	}
	at := s.rows[i]
	e, o := &s.events[at], &s.outcomes[at]
	s.settle(at)
	s.record = record
	if o.rejection = why; why == nil {
		o.rejection, s.failed = s.publishPrediction(e, append(s.epoch.arena.tail(), record...))
	}
	if s.failed == nil && o.rejection != nil {
		s.dead++
		s.failed = s.publishDead(e, o.rejection)
	}
	if s.failed == nil {
		s.settle(at + 1)
	}
}

// settle settles all events before the one with this number.
func (s *isolatedBatch) settle(before int) {
	for ; s.next < before && s.failed == nil; s.next++ {
		e, o := &s.events[s.next], &s.outcomes[s.next]
		if s.observed != nil {
			s.failed = s.observeAlone(e, o, s.record)
		}
		s.settled(e, o, true)
	}
}
