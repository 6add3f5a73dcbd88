package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/telemetry"
)

// The states of a worker.
const (
	stateJoining = "joining" // it does not have its share of the source yet
	stateRunning = "running"
	stateWaiting = "waiting" // something is away; the reason says what
	stateStopped = "stopped"
)

// worker is one goroutine with its session.
type worker struct {
	p      *Pipeline
	n      int
	counts *telemetry.Worker
	shown  atomic.Pointer[telemetry.WorkerStatus]
	joined atomic.Pointer[func() bool] // nil without a session
	broken atomic.Bool                 // the runtime or the device is

	session Session
	batch   *inference.Batch
	scorer  *inference.Scorer
	child   Isolated // nil until a crash makes it necessary

	events   []penstock.Event
	outcomes []outcome // of the events that were decoded
	// record is the prediction at hand, here because a variable would be moved
	// to the heap for each event.
	record penstock.Record
	// culprits are events that the model fails on. They outlive an abort, so
	// that what was found out is not tried again.
	culprits map[penstock.EventID]*penstock.Rejection

	epoch epoch
	// observed is what is counted of the epoch for drift; nil without that.
	observed *observe.Epoch
	claims   claims // what is said of partitions that are read to their ends
	// proven: this session has committed, so that trouble is a new one.
	proven bool
	// refused counts commits in a row that the broker aborted.
	refused int
	// dropped: what was polled last is not committed.
	dropped bool
}

func newWorker(p *Pipeline, n int) (*worker, error) {
	w := &worker{
		p: p, n: n, counts: p.c.Telemetry.NewWorker(),
		culprits: map[penstock.EventID]*penstock.Rejection{}, epoch: epoch{worker: n},
	}
	w.show(stateJoining, "")
	m := &p.c.Model
	w.batch = m.Mapping.NewBatch(p.c.BatchRows)
	if p.c.Drift != nil {
		w.observed = observe.NewEpoch(&p.reference.counting)
		w.claims.every = claimEvery(p.c.Drift.Idle)
		if p.c.UntilEnd {
			w.claims.every = soonestClaim // each lets an owner on Kafka tell some more
		}
	}
	var err error
	w.scorer, err = inference.NewScorer(measured{Model: m.Runtime, counts: w.counts}, m.Mapping, m.Output, m.Scoring)
	if err != nil {
		return nil, fmt.Errorf("worker %d: %w", n, err)
	}
	return w, nil
}

func (w *worker) show(state, reason string) {
	w.shown.Store(&telemetry.WorkerStatus{Name: fmt.Sprintf("%s-%d", w.p.c.Instance, w.n), State: state, Reason: reason})
}

// status is what the worker is about, as of now.
func (w *worker) status() telemetry.WorkerStatus {
	s := *w.shown.Load()
	if joined := w.joined.Load(); s.State == stateRunning && (joined == nil || !(*joined)()) {
		s.State = stateJoining
	}
	return s
}

// Waits between two attempts to work on.
const (
	firstWait = 50 * time.Millisecond
	longWait  = 5 * time.Second
)

// run works until ctx ends or something cannot heal.
func (w *worker) run(ctx context.Context) error {
	defer w.show(stateStopped, "")
	defer w.close()
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = firstWait, longWait
	for {
		err := w.try(ctx)
		if w.proven {
			waits.Reset()
		}
		if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return nil
		}
		reason, heals := w.p.judge(err)
		if !heals {
			return &endedError{reason, err}
		}
		if ctx.Err() != nil && w.dropped {
			return &endedError{"the drain could not commit what was polled, and it comes again: " + reason, err}
		}
		w.broken.Store(errors.Is(err, inference.ErrBroken))
		wait := waits.NextBackOff()
		w.show(stateWaiting, reason)
		w.p.complain(w.n, reason)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *worker) close() {
	w.p.closed(w.scorer.Close())
	if w.child != nil {
		w.p.closed(w.child.Close())
	}
}

// closeTime is how long a session may take to close. One that waits for its
// peers in a rebalance takes as long as they do; it ends by itself.
const closeTime = time.Second

// disconnect closes the session.
func (w *worker) disconnect() {
	if w.session == nil {
		return
	}
	closed := make(chan struct{})
	go func(s Session) {
		s.Close()
		close(closed)
	}(w.session)
	w.session = nil
	select {
	case <-closed:
	case <-time.After(closeTime):
	}
}

// try works with a session. After the runtime broke it opens one only when the
// model scores again what it is known to score: who opens one and fails keeps
// its place in the group, and with it partitions that others could work on.
func (w *worker) try(ctx context.Context) error {
	w.proven, w.dropped = false, false
	if w.broken.Load() {
		if err := w.scorer.Probe(); errors.Is(err, inference.ErrBroken) {
			return err
		}
	}
	return w.serve(ctx)
}

// serve opens a session and works until ctx ends, which gives nil once all that
// was polled is committed, or until the session is spent. After a drain the
// session is still open: its place in the group is given back first, with those
// of the other workers, or these would wait for it in a rebalance.
func (w *worker) serve(ctx context.Context) (err error) {
	if err := w.open(ctx); err != nil {
		return err
	}
	defer func() { err = w.over(ctx, err) }()
	for {
		more, err := w.poll(ctx)
		if err != nil {
			return w.failed(err)
		}
		if !more {
			if err := w.commit(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return nil
			}
			continue
		}
		if err := w.score(); err != nil {
			return w.failed(err)
		}
		if w.epoch.due(time.Now(), w.p.c.CommitInterval, w.session.Room()) || w.observed != nil && w.observed.Full() {
			if err := w.commit(); err != nil {
				return err
			}
		}
	}
}

// over lets go of a session that err ended.
func (w *worker) over(ctx context.Context, err error) error {
	if err != nil && w.session.Replaced(w.p.hard, err) {
		err = errors.Join(errTwin, err)
	}
	w.joined.Store(nil)
	w.reset()
	if err != nil {
		// A client that did not get rid of its records may yet send them,
		// for it may outlive the session's closing.
		w.epoch.arena = arena{}
	}
	if err != nil || ctx.Err() == nil {
		w.disconnect()
	}
	return err
}

func (w *worker) open(ctx context.Context) error {
	w.show(stateJoining, "")
	limited, cancel := context.WithTimeout(ctx, w.p.c.CommitTimeout)
	defer cancel()
	if err := w.p.broker.Prepare(limited); err != nil {
		return err
	}
	session, err := w.p.broker.Open(limited, w.n)
	if err != nil {
		return err
	}
	w.session = session
	joined := session.Joined
	w.joined.Store(&joined)
	w.show(stateRunning, "")
	if !w.broken.Load() { // a model that was broken has to answer first
		w.p.goesOn(w.n)
	}
	return nil
}

// poll takes what waits, at most a batch. Between epochs it waits for events;
// in one it gives false as soon as there are none.
func (w *worker) poll(ctx context.Context) (more bool, err error) {
	limit := min(w.p.c.BatchRows, w.session.Room())
	w.events = w.events[:0]
	switch {
	case w.epoch.open && ctx.Err() != nil:
		return false, nil
	case w.epoch.open:
		//lint:ignore SA1012 nil means not to wait
		w.events, err = w.session.Poll(nil, w.events, limit)
	default:
		waiting, cancel := w.untilClaim(ctx)
		w.counts.Idle.Start()
		w.events, err = w.session.Poll(waiting, w.events, limit)
		w.counts.Idle.Stop()
		cancel()
	}
	if err != nil || len(w.events) == 0 {
		return false, err
	}
	if w.p.c.BatchWait > 0 && len(w.events) < limit {
		if err := w.fill(ctx, limit); err != nil {
			return false, err
		}
	}
	if err := w.joinEarly(); err != nil {
		return false, err
	}
	w.begin(time.Now())
	return true, nil
}

// begin opens an epoch, unless one is open.
func (w *worker) begin(now time.Time) {
	if w.observed != nil && !w.epoch.open {
		w.p.reference.look(w.p.hard, now)
		w.observed.Begin()
	}
	w.epoch.begin(now)
}

// reset forgets the epoch.
func (w *worker) reset() {
	w.epoch.reset()
	if w.observed != nil {
		w.observed.Reset()
		w.claims.places = w.claims.places[:0]
	}
}

// fill waits for more events, for models that a full batch is worth it.
func (w *worker) fill(ctx context.Context, limit int) (err error) {
	ctx, cancel := context.WithTimeout(ctx, w.p.c.BatchWait)
	defer cancel()
	for err == nil && ctx.Err() == nil && len(w.events) < limit {
		w.events, err = w.session.Poll(ctx, w.events, limit-len(w.events))
	}
	return err
}

// failed ends the epoch for an error of the source, the model or the broker.
func (w *worker) failed(err error) error {
	if errors.Is(err, inference.ErrBroken) {
		return w.commitBefore(err)
	}
	if first, next, why, ok := w.session.Unreadable(err); ok {
		return w.skip(first, next, why, err)
	}
	return errors.Join(err, w.abort())
}

// errTwin says that two processes work under one name.
var errTwin = errors.New("another process of the same instance name has taken this one's place in the group: " +
	"give each process its own instance in the config, or with --instance")

// endedError is an error that waiting does not heal, in words for a person.
type endedError struct {
	reason string
	err    error
}

func (e *endedError) Error() string { return e.reason }
func (e *endedError) Unwrap() error { return e.err }
