package monitor

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/penstock/penstock/internal/failpoint"
	"github.com/penstock/penstock/internal/telemetry"
)

// owner is a monitor while it owns the deltas.
type owner struct {
	m       *Monitor
	session Session
	core    *Core

	last    time.Time // commit; zero: there was none
	behind  bool      // more windows may be due than the last commit had room for
	clock   int64     // that windows close by, Unix milliseconds
	bytes   int       // of deltas that were polled since the last commit
	polled  int
	counted Counts        // as the metrics have them
	listed  time.Time     // when the partitions were
	left    []StateRecord // of others, to be removed
	review  time.Time     // when the alarms of others are looked at; zero: there are none
	ends    Output        // of alarms of others
}

// Bounds of what is between two commits.
const (
	mostBytes  = 16 << 20
	mostDeltas = 2000
	// pollDeltas is how many are taken at a time.
	pollDeltas = 500
	// mostWait is how long is waited for them at a time: what is asked meanwhile is
	// heard after it.
	mostWait = 500 * time.Millisecond
)

// Of the room in a commit reports and alarms have half, and what is removed, one's
// own and that of others, an eighth each. The rest is for the heads of the state. Of
// their bytes reports and alarms have mostPublished.
const (
	publishedShare = 2
	removedShare   = 8
	mostPublished  = 4 << 20
)

// turn polls, and commits when it is time: to the end, also when the process is
// told to end meanwhile, for what is cut short may have been committed all the same.
func (o *owner) turn(ctx, hard context.Context) error {
	switch {
	case !o.behind:
		if err := o.poll(ctx, min(o.untilDue(), mostWait), pollDeltas); err != nil {
			return err
		}
		if o.untilDue() > 0 && o.bytes < mostBytes && o.polled < mostDeltas {
			return nil
		}
	case !o.session.Guarded():
		// What is left to close comes before more of the backlog.
		if err := o.poll(ctx, o.untilDue(), 1); err != nil {
			return err
		}
	}
	return o.commit(ctx, hard)
}

// untilDue is how long it is until the next commit, which who asks whether it has
// caught up waits for.
func (o *owner) untilDue() time.Duration {
	every := o.m.every
	if o.m.asked.Load() {
		every = leastEvery
	}
	return o.last.Add(every).Sub(o.m.o.Now())
}

// poll adds deltas, for which it waits so long.
func (o *owner) poll(ctx context.Context, wait time.Duration, most int) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	deltas, err := o.session.Poll(waiting, most)
	if err == nil {
		o.add(deltas)
	}
	return err
}

// add adds what was polled.
func (o *owner) add(deltas []Delta) {
	// A window that closes by the clock must not close by one that is ahead of
	// what was read: while there is a backlog its own time counts.
	clock := o.m.o.Now().UnixMilli()
	if n := len(deltas); n > 0 {
		clock = min(clock, deltas[n-1].Time)
	}
	for i := range deltas {
		if err := o.core.Apply(deltas[i].Value); err != nil {
			o.m.o.Log.Warn("what a worker counted is left out", "error", err)
		}
		o.bytes += len(deltas[i].Value)
	}
	if len(deltas) > 0 {
		failpoint.Hit("drift-counted")
	}
	o.polled += len(deltas)
	o.clock = max(o.clock, clock)
}

// listEvery is how often the broker is asked for the source's partitions.
const listEvery = 10 * time.Second

// list asks for the source's partitions.
func (o *owner) list(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, o.m.o.Timeout)
	defer cancel()
	partitions, err := o.session.Partitions(ctx)
	if err == nil {
		o.core.Partitions(partitions)
	}
	return err
}

// commit closes windows and makes durable what there is. When ctx ends it closes no
// more of them; hard cuts it short.
func (o *owner) commit(ctx, hard context.Context) error {
	now := o.m.o.Now()
	if now.Sub(o.listed) >= listEvery {
		if err := o.list(hard); err != nil {
			return err
		}
		o.listed = now
	}
	if !o.review.IsZero() && !now.Before(o.review) {
		if err := o.supersede(hard); err != nil {
			return err
		}
	}
	room := o.session.Room()
	var err error
	o.behind, err = o.core.Advance(o.clock, func(out *Output) bool {
		return ctx.Err() != nil || len(out.Reports)+len(out.Alarms) >= room/publishedShare || out.bytes >= mostPublished
	})
	if err != nil {
		return err
	}
	// What there is to say waits for a delta where only a position tells a process
	// that owns no more, and does not know it yet, from the owner.
	committed := o.polled > 0 || o.session.Guarded()
	if committed {
		if err := o.save(hard, room/removedShare); err != nil {
			return err
		}
	}
	o.polled, o.bytes, o.last = 0, 0, now
	counts := o.core.Counts()
	o.m.outcomes.committed(o.counted, counts, now)
	o.counted = counts
	if o.m.asked.Load() {
		if err := o.findOut(hard); err != nil {
			return err
		}
	}
	o.show()
	if o.core.Frozen() && committed {
		return ErrFrozen
	}
	return nil
}

// findOut answers what the monitor's CaughtUp asks.
func (o *owner) findOut(hard context.Context) (err error) {
	caughtUp := !o.behind && !o.core.Waiting()
	if caughtUp {
		ctx, cancel := context.WithTimeout(hard, o.m.o.Timeout)
		defer cancel()
		if caughtUp, err = o.session.Reached(ctx); err != nil {
			return err
		}
	}
	o.m.caughtUp.Store(caughtUp)
	return nil
}

// save commits what there is to say, and the position.
func (o *owner) save(hard context.Context, removed int) error {
	out := o.core.Output(removed)
	clearing := o.left[:min(len(o.left), removed)]
	out.Alarms = slices.Concat(out.Alarms, o.ends.Alarms)
	out.State = slices.Concat(out.State, o.ends.State, clearing)
	if o.polled == 0 && out.empty() {
		return nil
	}
	failpoint.Hit("drift-before-commit")
	if err := sayFirst(hard, o.session, out); err != nil {
		return err
	}
	if err := o.session.Commit(hard, out); err != nil {
		return err
	}
	failpoint.Hit("drift-after-commit")
	o.core.Saved()
	o.left, o.ends = o.left[len(clearing):], Output{}
	return nil
}

// finish commits what the workers of this process have counted last, or as much
// of it as is there within a moment.
func (o *owner) finish(hard context.Context) error {
	const moment = 200 * time.Millisecond
	for start := time.Now(); time.Since(start) < leaveTimeout; {
		before := o.polled
		if err := o.poll(hard, moment, pollDeltas); err != nil {
			return err
		}
		if o.polled == before {
			break
		}
	}
	return o.commit(hard, hard)
}

func (o *owner) show() {
	gauges, counts := o.core.Gauges(), o.core.Counts()
	s := telemetry.DriftStatus{
		State: stateOwner, Partitions: gauges.Partitions, Unseen: gauges.Unseen, Idle: gauges.Idle, Panes: gauges.Panes,
		Duplicate: counts.Duplicate, Overlap: counts.Overlap, Lost: counts.Lost, Late: counts.Late, Expired: counts.Expired,
		Unreadable: counts.Unreadable,
	}
	if gauges.Watermark != math.MinInt64 {
		watermark := time.UnixMilli(gauges.Watermark).UTC()
		s.Watermark = &watermark
	}
	o.m.show(s)
}
