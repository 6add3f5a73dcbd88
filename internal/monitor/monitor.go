package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// Options are what a process's monitor is told.
type Options struct {
	Core   CoreOptions
	Broker Broker
	// Timeout bounds an answer of the broker, and its silence while the state is
	// read.
	Timeout time.Duration
	Log     *slog.Logger
	// Events are the process's metrics of what became of events; nil: nobody reads
	// them.
	Events *telemetry.DriftEvents
	// Now is the clock, in tests; nil: the machine's.
	Now func() time.Time
}

// Monitor is a process's part in watching a pipeline's drift.
type Monitor struct {
	o        Options
	every    time.Duration // between two commits of the owner, at least
	outcomes outcomes
	shown    atomic.Pointer[telemetry.DriftStatus]
	asked    atomic.Bool // CaughtUp was
	caughtUp atomic.Bool
}

// The states of a monitor.
const (
	stateWaiting = "waiting" // something is away; the reason says what
	stateStandby = "standby" // another process is the owner
	stateOwner   = "owner"
	stateStopped = "stopped"
)

// Bounds of Monitor.every.
const (
	leastEvery = 200 * time.Millisecond
	mostEvery  = 5 * time.Second
	// perPane is how often the state of a pane is written while it fills, at most.
	perPane = 12
)

// New makes a monitor and starts nothing.
func New(o Options) *Monitor {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = &telemetry.DriftEvents{}
	}
	m := &Monitor{o: o, outcomes: outcomes{log: o.Log, metrics: o.Events}, every: min(max(o.Core.Windows.Pane/perPane, leastEvery), mostEvery)}
	m.Waits("the broker has not been asked yet")
	return m
}

// Status is what the monitor is about, as of now.
func (m *Monitor) Status() telemetry.DriftStatus { return *m.shown.Load() }

// Owner tells whether this process makes the pipeline's reports at the moment.
func (m *Monitor) Owner() bool { return m.shown.Load().State == stateOwner }

// Own are those of the reports that this process makes: of what it watches itself, and
// none while another process is the owner. Other versions, and what was compared with
// another reference, have owners of their own, or nobody any more.
func (m *Monitor) Own(reports []*drift.Report) []*drift.Report {
	s, id := m.Status(), &m.o.Core.Identity
	if s.State != stateOwner {
		return nil
	}
	return slices.DeleteFunc(reports, func(r *drift.Report) bool {
		return r.Model != id.Model || r.Version != id.Version || r.Reference.Digest != s.Reference
	})
}

// CaughtUp tells whether this process is the owner and has published all that the
// deltas so far allow. Once it was asked, that is found out with every commit.
func (m *Monitor) CaughtUp() bool {
	m.asked.Store(true)
	return m.Owner() && m.caughtUp.Load()
}

// Waits has the status say why a monitor that does not run is not run.
func (m *Monitor) Waits(reason string) {
	m.show(telemetry.DriftStatus{State: stateWaiting, Reason: reason})
}

func (m *Monitor) show(s telemetry.DriftStatus) {
	s.Generation = m.o.Core.Identity.Generation
	if m.o.Core.Reference != nil {
		s.Reference = m.o.Core.Reference.Digest()
	}
	m.shown.Store(&s)
}

// ErrFrozen says that the reference was frozen: what comes is counted, and
// compared, by another generation.
var ErrFrozen = errors.New("the reference is frozen")

// Run takes part until ctx ends, and then commits what it has and leaves, which
// hard cuts short where that ends too. Whatever is wrong with the broker it waits
// for: that drift is not watched is no reason not to score. It returns early only
// when the reference was frozen.
func (m *Monitor) Run(ctx, hard context.Context) error {
	defer m.show(telemetry.DriftStatus{State: stateStopped})
	waits := newWaits()
	last := ""
	for ctx.Err() == nil {
		err := m.serve(ctx, hard, waits.Reset)
		if errors.Is(err, ErrFrozen) {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, ErrLost) {
			m.o.Log.Info("another process watches drift now")
			continue
		}
		reason := err.Error()
		if hint := broker.Diagnose(err).Hint; hint != "" {
			reason = fmt.Sprintf("%s (%s)", hint, reason)
		}
		m.Waits(reason)
		if reason != last {
			m.o.Log.Warn("drift is not watched; trying again with back-off", "reason", reason)
			last = reason
		}
		pause(ctx, waits.NextBackOff())
	}
	return nil
}

// idlePoll is how long a process that owns nothing waits at a time.
const idlePoll = time.Second

// serve has a session until it is spent or ctx ends.
func (m *Monitor) serve(ctx, hard context.Context, proven func()) error {
	opening, cancel := context.WithTimeout(ctx, m.o.Timeout)
	s, err := m.o.Broker.Open(opening, m.o.Core.Identity)
	cancel()
	if err != nil {
		return err
	}
	defer s.Close()
	m.caughtUp.Store(false)
	m.show(telemetry.DriftStatus{State: stateStandby})
	var first []Delta // they may come with the ownership
	for !s.Owner() {
		if ctx.Err() != nil {
			return m.leave(hard, s)
		}
		if first, err = m.standBy(ctx, s); err != nil {
			return err
		}
	}
	o, err := m.takeOver(ctx, s)
	if err != nil {
		return err
	}
	o.add(first)
	proven()
	for ctx.Err() == nil {
		if err := o.turn(ctx, hard); err != nil {
			return err
		}
	}
	return errors.Join(o.finish(hard), m.leave(hard, s))
}

func (m *Monitor) standBy(ctx context.Context, s Session) ([]Delta, error) {
	ctx, cancel := context.WithTimeout(ctx, idlePoll)
	defer cancel()
	return s.Poll(ctx, pollDeltas)
}

// leaveTimeout bounds the good-bye; others take over without it too, after the
// session timeout.
const leaveTimeout = 2 * time.Second

func (m *Monitor) leave(hard context.Context, s Session) error {
	ctx, cancel := context.WithTimeout(hard, leaveTimeout)
	defer cancel()
	return s.Leave(ctx)
}
