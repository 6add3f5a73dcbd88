package monitor

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

	due    time.Time // of the next commit
	clock  int64     // that windows close by, Unix milliseconds
	bytes  int       // of deltas that were polled since the last commit
	polled int
	asked  time.Time // when the partitions were
	left   []StateRecord
}

// errSilent says that the rest of the state did not come.
var errSilent = errors.New("the broker has stopped answering")

// takeOver reads what the last owner committed. That may be much: what is bounded
// is how long the next record takes.
func (m *Monitor) takeOver(ctx context.Context, s Session) (*owner, error) {
	start := m.o.Now()
	o := &owner{m: m, session: s, core: NewCore(m.o.Core), due: start}
	mine := map[string][]byte{}
	others := map[string]*abandoned{}
	token := m.o.Core.Identity.Token()
	size := 0
	ctx, cancel := context.WithCancelCause(ctx)
	silence := time.AfterFunc(m.o.Timeout, func() { cancel(errSilent) })
	defer silence.Stop()
	err := s.State(ctx, func(r StateRecord) error {
		silence.Reset(m.o.Timeout)
		switch {
		case r.Identity != token:
			note(others, &r)
		case len(r.Value) == 0:
			delete(mine, r.Key)
		default:
			mine[r.Key] = r.Value
			size += len(r.Value)
		}
		return nil
	})
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
	} else {
		err = o.core.Restore(mine)
	}
	if err != nil {
		return nil, fmt.Errorf("take over: %w", err)
	}
	failpoint.Hit("drift-restored")
	o.left = remains(others)
	m.o.Log.Info("this process watches drift now", "generation", m.o.Core.Identity.Generation,
		"state_bytes", size, "took", m.o.Now().Sub(start).Round(time.Millisecond))
	o.show()
	return o, nil
}

// abandoned is the state of an identity that nobody may need any more.
type abandoned struct {
	keys map[string]bool
	age  int64 // of the youngest record
}

// longAbandoned is the age, in milliseconds, from which on another identity's
// state is removed. Whoever comes back to it later begins anew.
const longAbandoned = int64(14 * 24 * time.Hour / time.Millisecond)

func note(others map[string]*abandoned, r *StateRecord) {
	a := others[r.Identity]
	if a == nil {
		a = &abandoned{keys: map[string]bool{}, age: math.MaxInt64}
		others[r.Identity] = a
	}
	a.age = min(a.age, r.Age)
	if len(r.Value) == 0 {
		delete(a.keys, r.Key)
	} else {
		a.keys[r.Key] = true
	}
}

// remains removes what was abandoned long ago.
func remains(others map[string]*abandoned) []StateRecord {
	var all []StateRecord
	for _, token := range slices.Sorted(maps.Keys(others)) {
		a := others[token]
		if a.age < longAbandoned {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(a.keys)) {
			all = append(all, StateRecord{Identity: token, Key: key})
		}
	}
	return all
}

// Bounds of what is between two commits.
const (
	mostBytes  = 16 << 20
	mostDeltas = 2000
	// mostRemoved keeps a commit that clears up within what a batch takes.
	mostRemoved = 200
)

// turn polls, and commits when it is time: to the end, also when the process is
// told to end meanwhile, for what is cut short may have been committed all the same.
func (o *owner) turn(ctx, hard context.Context) error {
	if err := o.poll(ctx, o.due); err != nil {
		return err
	}
	if o.m.o.Now().Before(o.due) && o.bytes < mostBytes && o.polled < mostDeltas {
		return nil
	}
	return o.commit(hard)
}

// poll adds deltas, for which it waits until a time.
func (o *owner) poll(ctx context.Context, until time.Time) error {
	waiting, cancel := context.WithTimeout(ctx, until.Sub(o.m.o.Now()))
	defer cancel()
	deltas, err := o.session.Poll(waiting)
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

func (o *owner) commit(ctx context.Context) error {
	now := o.m.o.Now()
	if now.Sub(o.asked) >= listEvery {
		if err := o.list(ctx); err != nil {
			return err
		}
		o.asked = now
	}
	if err := o.core.Advance(o.clock); err != nil {
		return err
	}
	out := o.core.Output()
	clearing := o.left[:min(len(o.left), mostRemoved)]
	out.State = append(out.State, clearing...)
	pending := !out.empty()
	// What there is to say waits for a delta: on Kafka only a position tells a
	// process that owns no more, and does not know yet, from the owner.
	if o.polled > 0 {
		failpoint.Hit("drift-before-commit")
		// Not from the beginning on: many windows take long to judge.
		limited, cancel := context.WithTimeout(ctx, o.m.o.Timeout)
		err := o.session.Commit(limited, out)
		cancel()
		if err != nil {
			return err
		}
		failpoint.Hit("drift-after-commit")
		o.core.Saved()
		o.left = o.left[len(clearing):]
		pending = false
	}
	o.polled, o.bytes, o.due = 0, 0, now.Add(o.m.every)
	o.show()
	if o.core.Frozen() && !pending {
		return ErrFrozen
	}
	return nil
}

// finish commits what the workers of this process have counted last, or as much
// of it as is there within a moment.
func (o *owner) finish(hard context.Context) error {
	const moment = 200 * time.Millisecond
	for start := time.Now(); time.Since(start) < leaveTimeout; {
		before := o.polled
		if err := o.poll(hard, o.m.o.Now().Add(moment)); err != nil {
			return err
		}
		if o.polled == before {
			break
		}
	}
	return o.commit(hard)
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
