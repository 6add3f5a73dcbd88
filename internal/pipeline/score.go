package pipeline

import (
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/failpoint"
)

// outcome is what became of one event: a row of the batch, or nothing to
// predict.
type outcome struct {
	rejection *penstock.Rejection
	kind      outcomeKind
	// The event time of an event that was rejected while it was decoded.
	nanos int64
	timed bool
}

type outcomeKind uint8

const (
	hasRow   outcomeKind = iota // the batch's next row
	rejected                    // a dead letter
	tombstone
	control
)

// kindOf tells what an event is before it is looked into.
func kindOf(e *penstock.Event) outcomeKind {
	switch {
	case e.Control:
		return control
	case e.Value == nil:
		return tombstone
	}
	return hasRow
}

// score takes the polled events to published records. An error that leaves
// settled events behind is inference.ErrBroken.
func (w *worker) score() error {
	failpoint.Hit("polled")
	isolate, err := w.session.Attempt(w.p.hard, w.events)
	if err != nil {
		return err
	}
	if isolate {
		return w.scoreIsolated()
	}
	for first := 0; first < len(w.events); {
		last, err := w.scoreBatch(first)
		if err != nil {
			return err
		}
		first = last
	}
	return nil
}

// scoreBatch scores events from first on, as many as fit into a batch, and
// returns the first one that it did not look at.
func (w *worker) scoreBatch(first int) (end int, err error) {
	start := time.Now()
	end = w.decode(first)
	decoded := time.Now()
	scores, broken := w.scorer.Score(w.batch)
	scored := time.Now()
	failpoint.Hit("scored")
	settled, dead, err := w.publish(w.events[first:end], scores, scored)
	published := time.Now()
	failpoint.Hit("published")
	w.counts.Decode.Add(decoded.Sub(start))
	w.counts.Inference.Add(scored.Sub(decoded))
	w.counts.Publish.Add(published.Sub(scored))
	if err == nil && w.observed != nil {
		w.observe(w.events[first:first+settled], scores)
		w.counts.Observe.Add(time.Since(published))
	}
	if err == nil {
		err = w.share(published, end-first, dead)
	}
	if err == nil {
		err = broken
	}
	return end, err
}

// decode fills the batch with the events from first on.
func (w *worker) decode(first int) (end int) {
	w.batch.Reset()
	w.outcomes = w.outcomes[:0]
	i := first
	for ; i < len(w.events) && !w.batch.Full(); i++ {
		e := &w.events[i]
		o := outcome{kind: kindOf(e)}
		if o.kind == hasRow {
			if len(w.culprits) > 0 {
				o.rejection = w.culprits[e.ID]
			}
			if o.rejection == nil {
				o.rejection = w.batch.DecodeJSON(e.Value)
			}
			if o.rejection != nil {
				o.kind = rejected
				o.nanos, o.timed = w.batch.RejectedTime()
			}
		}
		w.outcomes = append(w.outcomes, o)
	}
	return i
}

// publish gives each event its prediction or dead letter, in their order, up to
// one that is not settled because the runtime broke. It returns the number of
// events that are, and that of dead letters.
func (w *worker) publish(events []penstock.Event, scores *inference.Scores, now time.Time) (settled, dead int, err error) {
	stamp := inference.Stamp{Time: now.UnixNano()}
	row := 0
	for i := range events {
		e, o := &events[i], &w.outcomes[i]
		if o.kind == hasRow {
			if row == scores.Done() {
				if i > 0 {
					w.epoch.settle(&events[i-1].ID) // its partition's run ends here
				}
				return i, dead, nil
			}
			if o.rejection = scores.Rejection(row); o.rejection == nil {
				stamp.ID, stamp.Record = e.ID, e.Time
				record := w.p.c.Model.Encoder.Append(w.epoch.arena.tail(), &stamp, scores, row)
				o.rejection, err = w.publishPrediction(e, record)
			} else {
				w.culprits[e.ID] = o.rejection
			}
			row++
		}
		if err == nil && o.rejection != nil {
			dead++
			err = w.publishDead(e, o.rejection)
		}
		if err != nil {
			return i, dead, err
		}
		w.settled(e, o, i+1 == len(events) || !samePartition(&events[i+1].ID, &e.ID))
	}
	return len(events), dead, nil
}

// settled counts an event. last tells whether it is the last one of its
// partition's run, so that the position is noted once a run.
func (w *worker) settled(e *penstock.Event, o *outcome, last bool) {
	switch {
	case o.kind == tombstone:
		w.epoch.skipped++
	case o.kind == hasRow && o.rejection == nil:
		w.epoch.predicted++
	}
	if o.kind != control && o.kind != tombstone && e.Time >= 0 {
		w.epoch.times = append(w.epoch.times, e.Time)
	}
	if last {
		w.epoch.settle(&e.ID)
	}
}

func samePartition(a, b *penstock.EventID) bool {
	return a.Partition == b.Partition && a.Source == b.Source
}

// publishPrediction publishes a prediction, unless its topic does not take one
// of that size.
func (w *worker) publishPrediction(e *penstock.Event, record []byte) (*penstock.Rejection, error) {
	r := &w.record
	*r = penstock.Record{
		Topic: w.p.c.SinkTopic, Partition: e.ID.Partition, Event: e.ID,
		Key: e.Key, Headers: e.Headers, Value: record,
	}
	if !w.p.c.Limits.Fits(r) {
		return &penstock.Rejection{
			Class: penstock.ClassTooLarge, Offset: -1,
			Reason: "the prediction is too large: " + w.p.c.Limits.Excess(r),
		}, nil
	}
	r.Value = w.epoch.arena.keep(record)
	return nil, w.session.Publish(w.p.hard, r)
}

func (w *worker) publishDead(e *penstock.Event, why *penstock.Rejection) error {
	r := w.p.c.DeadLetters.Record(e, why, time.Now())
	if err := w.session.Publish(w.p.hard, &r); err != nil {
		return err
	}
	w.epoch.dead = append(w.epoch.dead, why.Class)
	if w.epoch.sample == "" {
		w.epoch.sample = e.ID.String() + ": " + why.Error()
	}
	return nil
}

// share counts a batch whose dead letters are the epoch's last ones.
func (w *worker) share(now time.Time, events, dead int) error {
	e := &w.epoch
	return w.p.share.add(now, events, e.dead[len(e.dead)-dead:], e.sample)
}
