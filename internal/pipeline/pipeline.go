package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// Pipeline is one stream from its source to its sink, in this process.
type Pipeline struct {
	c       Config
	broker  Broker
	share   shareMeter
	workers []*worker
	// reference is what the workers count by; nil without drift.
	reference *reference

	hard     context.Context // ends when even a drain is cut short
	cut      context.CancelCauseFunc
	draining atomic.Bool

	mu       sync.Mutex // guards what follows
	closing  error
	reason   string // the last that was logged
	reminded time.Time
	waiting  map[int]time.Time // workers that wait, and since when
}

// New makes a pipeline and its workers, which take their share of the model. It
// starts nothing.
func New(c Config, b Broker) (*Pipeline, error) {
	p := &Pipeline{c: c, broker: b, share: shareMeter{limit: c.MaxDeadShare}, waiting: map[int]time.Time{}}
	p.hard, p.cut = context.WithCancelCause(context.Background())
	if c.Drift != nil {
		p.reference = newReference(c.Drift, b)
	}
	for n := range c.Workers {
		w, err := newWorker(p, n)
		if err != nil {
			for _, w := range p.workers {
				w.close()
			}
			return nil, errors.Join(err, p.closing)
		}
		p.workers = append(p.workers, w)
	}
	return p, nil
}

// errDrain says that a drain had to be cut short.
var errDrain = errors.New("the drain was cut short: what was not committed comes again")

// Abort ends the pipeline at once, without committing.
func (p *Pipeline) Abort() { p.cut(errDrain) }

// Run works until ctx ends; then it drains: what was polled is scored,
// published and committed, in at most the drain timeout, and the places in the
// group are given back. It returns early with an error that does not heal, and
// without one when all is done that UntilEnd asks for.
func (p *Pipeline) Run(ctx context.Context) error {
	forgetLog := context.AfterFunc(ctx, func() { p.c.Log.Info("draining", "at_most", p.c.DrainTimeout) })
	defer forgetLog()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer p.cut(nil)
	forgetAbort := context.AfterFunc(p.hard, stop)
	defer forgetAbort()
	forgetDrain := context.AfterFunc(ctx, func() {
		p.draining.Store(true)
		late := time.AfterFunc(p.c.DrainTimeout, func() { p.cut(errDrain) })
		context.AfterFunc(p.hard, func() { late.Stop() })
	})
	defer forgetDrain()

	ends := make([]error, len(p.workers)+1)
	var running sync.WaitGroup
	for n, w := range p.workers {
		running.Go(func() {
			ends[n] = w.run(ctx)
			if ends[n] != nil {
				stop() // one that cannot go on ends all: the group takes over
			}
		})
	}
	if p.c.UntilEnd {
		running.Go(func() {
			ends[len(p.workers)] = p.watchEnd(ctx)
			stop()
		})
	}
	if !waitFor(p.hard, &running) {
		return errors.Join(ErrAborted, context.Cause(p.hard))
	}
	err := firstOf(ends)
	if cause := context.Cause(p.hard); err == nil && cause != nil {
		err = cause
	}
	// The places go by name. After a twin they are the twin's, and to give them
	// back would throw it out.
	leaves := !p.c.Stay && !slices.ContainsFunc(ends, func(err error) bool { return errors.Is(err, errTwin) }) && p.hard.Err() == nil
	if leaves {
		p.leave()
	}
	for _, w := range p.workers {
		running.Go(w.disconnect)
	}
	running.Wait()
	if leaves {
		p.leave() // a client that learned of the first one before it was closed has joined again
	}
	return errors.Join(err, p.closing)
}

// ErrAborted says that a worker did not end in time: it is in a run of the model,
// which nothing can cut short. End the process, and close nothing that it uses.
var ErrAborted = errors.New("aborted")

// lastWords is how long workers have to end once nothing is waited for any more.
const lastWords = 500 * time.Millisecond

// waitFor waits for the workers; once hard has ended, not much longer.
func waitFor(hard context.Context, running *sync.WaitGroup) (ended bool) {
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-hard.Done():
	}
	select {
	case <-done:
		return true
	case <-time.After(lastWords):
		return false
	}
}

// firstOf spares the user the same reason from every worker.
func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveTimeout bounds the good-bye; peers take over without it too, after the
// session timeout.
const leaveTimeout = 3 * time.Second

func (p *Pipeline) leave() {
	ctx, cancel := context.WithTimeout(p.hard, leaveTimeout)
	defer cancel()
	if err := p.broker.Leave(ctx); err != nil {
		p.c.Log.Warn("the places in the group were not given back; peers take over after the session timeout", "error", err)
	}
}

// closed collects errors of closing, which must not hide why it was closed.
func (p *Pipeline) closed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = errors.Join(p.closing, err)
}

// remindAfter is how often a worker that waits says so again, for the same
// reason.
const remindAfter = time.Minute

// complain logs why a worker waits, once for all workers that wait for the same
// thing.
func (p *Pipeline) complain(worker int, reason string) {
	p.mu.Lock()
	now := time.Now()
	if _, ok := p.waiting[worker]; !ok {
		p.waiting[worker] = now
	}
	known := reason == p.reason && now.Sub(p.reminded) < remindAfter
	if !known {
		p.reason, p.reminded = reason, now
	}
	p.mu.Unlock()
	if !known {
		p.c.Log.Warn("waiting, and trying again with back-off", "worker", worker, "reason", reason)
	}
}

// goesOn logs that nobody waits any more, and how long the last one did.
func (p *Pipeline) goesOn(worker int) {
	p.mu.Lock()
	since, waited := p.waiting[worker]
	delete(p.waiting, worker)
	last := waited && len(p.waiting) == 0
	if last {
		p.reason = "" // the same again is news
	}
	p.mu.Unlock()
	if last {
		p.c.Log.Info("going on again", "worker", worker, "waited", time.Since(since).Round(time.Millisecond))
	}
}

// endChecks is how often UntilEnd asks where the group stands.
const endChecks = 200 * time.Millisecond

// watchEnd returns when all events that were there at the start are committed,
// by whichever process of the group.
func (p *Pipeline) watchEnd(ctx context.Context) error {
	ticks := time.NewTicker(endChecks)
	defer ticks.Stop()
	reached := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		done, err := p.broker.AtEnd(ctx)
		if err != nil {
			if _, heals := p.judge(err); !heals {
				return err
			}
		}
		// Once more after the workers have joined: a position that is lost may
		// look as if it were behind the end, and they are about to say so.
		if !done || !p.joined() {
			reached = 0
			continue
		}
		// Drift is judged behind the events. Meanwhile the workers go on: what they say
		// of partitions that are at their ends has a part in it.
		if reached++; reached > 1 && (p.c.Drift == nil || p.c.Drift.CaughtUp == nil || p.c.Drift.CaughtUp()) {
			return nil
		}
	}
}

// joined tells whether all workers have their share of the source.
func (p *Pipeline) joined() bool {
	return !slices.ContainsFunc(p.workers, func(w *worker) bool { return w.status().State != stateRunning })
}

// judge says in a sentence what an error means, and whether waiting and a new
// session heal it.
func (p *Pipeline) judge(err error) (reason string, heals bool) {
	if err == nil {
		return "the session ended", true
	}
	reason = err.Error()
	if errors.Is(err, inference.ErrBroken) {
		return reason, true
	}
	if _, ok := errors.AsType[*ErrShare](err); ok || errors.Is(err, errTwin) || errors.Is(err, consumer.ErrPositionLost) {
		return reason, false
	}
	d := broker.Diagnose(err)
	if d.Hint == "" && errors.Is(err, context.Canceled) {
		return "the session ended", true // given up with it, which says nothing of why
	}
	if d.Hint != "" {
		reason = fmt.Sprintf("%s (%s)", d.Hint, reason)
	}
	switch d.Kind {
	case broker.Denied, broker.Fatal:
		return reason, false
	case broker.Missing:
		return reason, !p.c.UntilEnd // nobody is going to create it for a run that ends by itself
	}
	return reason, true
}

// Name is the pipeline's name.
func (p *Pipeline) Name() string { return p.c.Name }

// Checks say whether the pipeline is ready.
func (p *Pipeline) Checks() []telemetry.Check {
	checks := []telemetry.Check{{Name: "model", OK: true}, {Name: "broker", OK: true}, {Name: "group", OK: true}, {Name: "drain", OK: true}}
	model, away, group, drain := &checks[0], &checks[1], &checks[2], &checks[3]
	if reason := p.broker.Health(); reason != "" {
		away.OK, away.Reason = false, reason
	}
	for _, w := range p.workers {
		shown := w.status()
		switch {
		case shown.State == stateWaiting && w.broken.Load():
			model.OK, model.Reason = false, shown.Reason
		case shown.State == stateWaiting && away.OK:
			away.OK, away.Reason = false, shown.Reason
		case shown.State != stateRunning && group.OK:
			group.OK, group.Reason = false, fmt.Sprintf("worker %s is %s", shown.Name, shown.State)
		}
	}
	if p.draining.Load() {
		drain.OK, drain.Reason = false, "the pipeline is stopping"
	}
	return checks
}

// Status is the pipeline as the API shows it.
func (p *Pipeline) Status() telemetry.Status {
	m := &p.c.Model
	s := telemetry.Status{
		Name: p.c.Name, Instance: p.c.Instance, State: stateRunning, Ready: true, Checks: p.Checks(),
		Model:   telemetry.ModelStatus{Name: m.Identity.Name, Version: m.Identity.Version, Digest: m.Identity.Digest, LoadedAt: m.LoadedAt},
		Variant: m.Variant, Plan: int64(m.Plan), Delivery: p.c.Delivery,
		Partitions: p.c.Telemetry.Partitions(), Totals: p.c.Telemetry.Totals(),
	}
	for _, check := range s.Checks {
		if !check.OK && s.Ready {
			s.Ready, s.State = false, stateWaiting
		}
	}
	if p.draining.Load() {
		s.State = "draining"
	}
	for _, w := range p.workers {
		s.Workers = append(s.Workers, w.status())
	}
	return s
}
