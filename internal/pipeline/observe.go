package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/observe"
)

// observe counts events of the batch, whose outcomes are settled.
func (w *worker) observe(events []penstock.Event, scores *inference.Scores) {
	row := 0
	for i := range events {
		e, o := &events[i], &w.outcomes[i]
		v := observe.Event{ID: &e.ID, Record: e.Time, Nanos: o.nanos, Timed: o.timed}
		if o.kind != hasRow {
			w.unscored(&v, o)
			continue
		}
		v.Nanos, v.Timed = w.batch.EventTime(row)
		if o.rejection == nil {
			w.observed.Row(&v, row)
		} else {
			w.observed.Pass(&v)
		}
		row++
	}
	w.observed.Count(w.batch, scores)
}

// observeAlone counts one event that was scored elsewhere: record is its
// prediction. What the model was given is decoded again, which cannot do harm.
func (w *worker) observeAlone(e *penstock.Event, o *outcome, record []byte) error {
	v := observe.Event{ID: &e.ID, Record: e.Time}
	if o.kind != hasRow {
		w.unscored(&v, o)
		return nil
	}
	w.batch.Reset()
	if why := w.batch.DecodeJSON(e.Value); why != nil {
		v.Nanos, v.Timed = w.batch.RejectedTime()
		w.unscored(&v, &outcome{kind: rejected, rejection: why})
		return nil
	}
	v.Nanos, v.Timed = w.batch.EventTime(0)
	if o.rejection != nil {
		w.observed.Pass(&v)
		return nil
	}
	said, err := w.p.c.Model.Output.ReadRecord(record)
	if err != nil {
		return err
	}
	w.observed.Row(&v, 0)
	w.observed.Count(w.batch, &said)
	return nil
}

// unscored counts an event that has no row.
func (w *worker) unscored(v *observe.Event, o *outcome) {
	switch {
	case o.kind == control:
	case o.kind == rejected && o.rejection.Class == penstock.ClassType:
		w.observed.TypeError(v, o.rejection.Field)
	default:
		w.observed.Pass(v)
	}
}

// publishDeltas publishes what was counted of the epoch, a delta for each partition
// whose position it moves, and what is said of those that are at their ends.
func (w *worker) publishDeltas(ctx context.Context) error {
	if w.observed == nil {
		return nil
	}
	start := time.Now()
	for source, partitions := range w.epoch.done {
		for number, to := range partitions {
			place, ok := w.session.Stood(source, number)
			if !ok {
				continue // another worker's by now: the epoch is going to be aborted
			}
			if place.To = to; place.From == to {
				continue
			}
			d := w.observed.Delta(source, number)
			if err := w.publishDelta(ctx, d, &place); err != nil {
				return err
			}
		}
	}
	for i := range w.claims.places {
		d := w.observed.Delta("", 0)
		d.Idle, d.Clock = true, w.claims.last.UnixMilli()
		if err := w.publishDelta(ctx, d, &w.claims.places[i]); err != nil {
			return err
		}
	}
	w.counts.Observe.Add(time.Since(start))
	return nil
}

// joinEarly makes the topic of the deltas a part of the transaction when an epoch's
// second batch is there, where that pays: by a record without a value, which says
// nothing.
func (w *worker) joinEarly() error {
	if !w.epoch.open || w.epoch.panes || w.observed == nil || !w.p.c.Drift.JoinEarly {
		return nil
	}
	w.epoch.panes = true
	if err := w.session.Publish(w.p.hard, &penstock.Record{Topic: w.p.c.Drift.Panes}); err != nil {
		return fmt.Errorf("join %s to the transaction: %w", w.p.c.Drift.Panes, err)
	}
	return nil
}

// publishDelta publishes what was counted of a place.
func (w *worker) publishDelta(ctx context.Context, d *drift.Delta, at *consumer.Place) error {
	d.Source, d.Partition, d.From, d.To = at.Source, at.Partition, at.From, at.To
	for part, value := range d.EncodeTo(w.epoch.arena.tail()) {
		r := penstock.Record{
			Topic: w.p.c.Drift.Panes, Value: w.epoch.arena.keep(value),
			// It names what was counted, for a server that drops repetitions.
			Event: penstock.EventID{Source: deltaName(d, part), Offset: d.From},
		}
		if err := w.publishCounts(ctx, &r); err != nil {
			return fmt.Errorf("publish what was counted of %s/%s: %w", d.Source, strconv.Itoa(int(d.Partition)), err)
		}
	}
	return nil
}

// deltaName tells a part of a delta from all others that begin where it does.
func deltaName(d *drift.Delta, part int) string {
	b := append(make([]byte, 0, 128), d.Source...)
	for _, n := range [...]int64{int64(d.Partition), d.To, int64(part), d.Clock} {
		b = strconv.AppendInt(append(b, '/'), n, 10)
	}
	return string(b)
}

// claims are what a worker says of partitions that are read to their ends, so that
// they need not hold the watermark back.
type claims struct {
	every  time.Duration
	last   time.Time
	places []consumer.Place // to be said with the epoch at hand
}

// Bounds of how often partitions are said to be at their ends.
const (
	soonestClaim = time.Second
	latestClaim  = 30 * time.Second // and on NATS, how often quiet filters' positions are moved on
)

func claimEvery(idle time.Duration) time.Duration {
	return min(max(idle/4, soonestClaim), latestClaim)
}

// untilClaim bounds a wait for events by the time of the next claim.
func (w *worker) untilClaim(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.observed == nil {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, w.claims.last.Add(w.claims.every))
}

// claim finds the partitions that are read to their ends, when it is time to. What
// it finds is said in the epoch that is open, or in one of its own.
func (w *worker) claim() error {
	now := time.Now()
	if w.observed == nil || now.Sub(w.claims.last) < w.claims.every {
		return nil
	}
	ctx, cancel := context.WithTimeout(w.p.hard, w.p.c.CommitTimeout)
	defer cancel()
	var err error
	w.claims.last = now
	w.claims.places, err = w.session.Ended(ctx, w.claims.places[:0])
	if err == nil && len(w.claims.places) > 0 {
		w.begin(now)
	}
	return err
}
