package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
)

// maxEpochBytes ends an epoch that has published this much, so that what waits
// for the broker stays bounded.
const maxEpochBytes = 8 << 20

// room is that of an epoch that is bounded by its bytes alone.
func room(bytes int) int {
	if bytes >= maxEpochBytes {
		return 0
	}
	return math.MaxInt
}

// maxEpochDead is the same for dead letters that are little more than headers.
const maxEpochDead = 8 << 10

// epoch is what lies between two commits.
type epoch struct {
	worker  int
	open    bool
	panes   bool // the topic of the deltas is a part of it, before there are any
	started time.Time
	arena   arena

	done      broker.Offsets // behind the last event that is settled
	times     []int64        // record timestamps of settled events, Unix milliseconds
	predicted int64
	skipped   int64
	dead      []penstock.ErrorClass
	sample    string // the first dead letter's id and error
}

func (e *epoch) begin(now time.Time) {
	if !e.open {
		e.open, e.started = true, now
		failpoint.Epoch(e.worker, true)
	}
}

func (e *epoch) due(now time.Time, interval time.Duration, room int) bool {
	return now.Sub(e.started) >= interval || room == 0
}

func (e *epoch) reset() {
	e.open, e.panes = false, false
	failpoint.Epoch(e.worker, false)
	e.arena.reset()
	clear(e.done)
	e.times, e.dead = e.times[:0], e.dead[:0]
	e.predicted, e.skipped, e.sample = 0, 0, ""
}

// settle notes that all events up to this one are done with.
func (e *epoch) settle(id *penstock.EventID) {
	if e.done == nil {
		e.done = broker.Offsets{}
	}
	e.done.Set(id.Source, id.Partition, id.Offset+1)
}

// commit makes the epoch durable, predictions, dead letters and positions as a
// whole, and only then counts it. Without an open epoch it does nothing.
func (w *worker) commit() error {
	if err := w.claim(); err != nil {
		return errors.Join(err, w.abort())
	}
	if !w.epoch.open {
		return nil
	}
	committed, err := w.end(nil)
	switch {
	case err != nil:
		return err
	case committed:
		w.refused = 0
	default:
		if w.refused++; w.refused == maxRefused {
			w.refused = 0
			return errRefused
		}
	}
	return nil
}

// errRefused says that the broker keeps on aborting epochs. A new session, with
// back-off, may have more luck.
var errRefused = errors.New("the broker aborts one epoch after the other")

// maxRefused is far more than rebalances explain.
const maxRefused = 20

// end commits the epoch up to until; nil: all of it. It gives false without an
// error when the epoch was aborted and its events come again.
func (w *worker) end(until broker.Offsets) (committed bool, err error) {
	ctx, cancel := context.WithTimeout(w.p.hard, w.p.c.CommitTimeout)
	defer cancel()
	failpoint.Hit("before-commit")
	if failpoint.Mutant(broker.MarkAfterRevoke) {
		until = w.epoch.done
	}
	err = w.publishDeltas(ctx)
	start := time.Now()
	if err == nil {
		committed, err = w.session.Commit(ctx, w.moves(until))
	} else {
		err = errors.Join(err, w.session.Abort(ctx))
	}
	now := time.Now()
	failpoint.Hit("after-commit")
	w.counts.Commit.Add(now.Sub(start))
	w.dropped = err != nil || !committed
	if w.dropped {
		w.counts.Commits.Aborted.Add(1)
		w.reset()
		return false, err
	}
	w.counts.CommitDuration.Observe(now.Sub(start).Seconds())
	w.count(now)
	w.reset()
	w.proven = true
	if w.broken.Load() && until == nil {
		w.broken.Store(false)
		w.p.goesOn(w.n)
	}
	return true, w.session.Committed(ctx)
}

// moves is until, or empty where the epoch is about no event: it only says that
// partitions are at their ends.
func (w *worker) moves(until broker.Offsets) broker.Offsets {
	if until == nil && len(w.epoch.done) == 0 && len(w.epoch.dead) == 0 {
		return broker.Offsets{}
	}
	return until
}

// count adds what is durable now to the metrics.
func (w *worker) count(now time.Time) {
	e := &w.epoch
	w.counts.Commits.Committed.Add(1)
	w.counts.Predicted.Add(e.predicted)
	w.counts.Skipped.Add(e.skipped)
	for _, class := range e.dead {
		w.counts.DeadLettered(class, 1)
	}
	w.counts.Latency.ObserveSince(now.UnixMilli(), e.times)
	clear(w.culprits)
}

// abort drops the epoch; its events come again.
func (w *worker) abort() error {
	if !w.epoch.open {
		return nil
	}
	ctx, cancel := context.WithTimeout(w.p.hard, w.p.c.CommitTimeout)
	defer cancel()
	w.counts.Commits.Aborted.Add(1)
	w.reset()
	return w.session.Abort(ctx)
}

// commitBefore commits what precedes the run that a broken runtime failed. The
// cause ends the session either way.
func (w *worker) commitBefore(cause error) error {
	if len(w.epoch.done) == 0 {
		return errors.Join(cause, w.abort())
	}
	_, err := w.end(w.epoch.done)
	return errors.Join(cause, err)
}

// skip gives up what the source cannot read: first all that was polled before
// it is committed, for the position moves past that too; then the dead letter,
// then the position past it. The last two are two commits, for the client does
// not read the batch and so cannot commit it in a transaction; a crash between
// them gives the dead letter twice, with the same id. The cause ends the
// session.
func (w *worker) skip(first penstock.EventID, next int64, why *penstock.Rejection, cause error) error {
	if len(w.events) > 0 {
		w.begin(time.Now())
		if err := w.score(); errors.Is(err, inference.ErrBroken) {
			return w.commitBefore(errors.Join(err, cause))
		} else if err != nil {
			return errors.Join(err, cause, w.abort())
		}
	}
	if w.epoch.open {
		if committed, err := w.end(nil); err != nil || !committed {
			return errors.Join(err, cause)
		}
	}
	for e := (penstock.Event{ID: first, Time: -1}); e.ID.Offset < next; {
		w.begin(time.Now())
		for ; e.ID.Offset < next && w.session.Room() > 0 && len(w.epoch.dead) < maxEpochDead; e.ID.Offset++ {
			if err := w.publishDead(&e, why); err != nil {
				return errors.Join(cause, err, w.abort())
			}
			if e.ID.Offset+1 == next { // for drift they are one range, with the last of them
				w.epoch.settle(&e.ID)
			}
		}
		if committed, err := w.end(nil); err != nil || !committed {
			return errors.Join(err, cause)
		}
	}
	ctx, cancel := context.WithTimeout(w.p.hard, w.p.c.CommitTimeout)
	defer cancel()
	if err := w.session.Skip(ctx, cause); err != nil {
		return fmt.Errorf("skip: %w", errors.Join(err, cause))
	}
	return cause
}
