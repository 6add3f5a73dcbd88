package monitor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testSession is the silence after which another process takes over.
const testSession = time.Second

// place is a broker with a pipeline's streams, as the tests need it.
type place interface {
	Broker(instance string) Broker
	Publish(t *testing.T, deltas []Delta)
	// Done tells whether all deltas are committed.
	Done(t *testing.T, id Identity) bool
	Reports(t *testing.T) [][]byte
	Alarms(t *testing.T) [][]byte
	Reader() func(context.Context) (ReportReader, error)
	AlarmReader() func(context.Context) (Alarms, error)
	Shutdown() // the broker
}

func places() map[string]func(t *testing.T) place {
	return map[string]func(t *testing.T) place{
		"kafka": func(t *testing.T) place { return newKafkaPlace(t) },
		"nats":  func(t *testing.T) place { return newNATSPlace(t) },
	}
}

// mortal is a broker whose process ends at a commit, the first once it is doomed.
type mortal struct {
	Broker
	how    death
	doomed atomic.Bool
	dead   chan struct{}
	once   sync.Once
}

type death uint8

const (
	before death = iota // nothing of the commit is on its way
	during              // its records are, and not its end
	after               // it is committed, and nobody knows
)

var errDead = errors.New("the process has ended")

func newMortal(b Broker, how death) *mortal {
	return &mortal{Broker: b, how: how, dead: make(chan struct{})}
}

func (m *mortal) Open(ctx context.Context, id Identity) (Session, error) {
	s, err := m.Broker.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return &mortalSession{s, m}, nil
}

type mortalSession struct {
	Session
	m *mortal
}

func (s *mortalSession) Commit(ctx context.Context, out *Output) error {
	if !s.m.doomed.Load() {
		return s.Session.Commit(ctx, out)
	}
	switch s.m.how {
	case during:
		s.Session.(interface {
			die(ctx context.Context, out *Output)
		}).die(ctx, out)
	case after:
		_ = s.Session.Commit(ctx, out)
	}
	s.m.once.Do(func() { close(s.m.dead) })
	return errDead
}

func (s *mortalSession) Leave(ctx context.Context) error {
	if s.m.doomed.Load() {
		return errDead
	}
	return s.Session.Leave(ctx)
}

// process runs a monitor until the test's end, or until its broker dies, which is
// the end of it all.
func process(t *testing.T, o CoreOptions, b *mortal) (running *Monitor, stop func()) {
	t.Helper()
	m := New(Options{Core: o, Broker: b, Timeout: 10 * time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := m.Run(ctx, context.Background()); err != nil {
			t.Error(err)
		}
	}()
	go func() {
		select {
		case <-b.dead:
			cancel()
		case <-ended:
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return m, stop
}

// summedUp publishes deltas and returns once a process has committed all that
// comes of them.
func summedUp(t *testing.T, p place, o CoreOptions, deltas []Delta) {
	t.Helper()
	p.Publish(t, deltas)
	process(t, o, newMortal(p.Broker("a"), before))
	eventually(t, "all is committed", func() bool { return p.Done(t, o.Identity) })
}

// eventually waits for what must come.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("it did not come: %s", what)
		}
	}
}

// TestKilledOwner has two processes, of which the owner ends at a commit, before,
// within or after it, and a third that comes when the second is gone too: what is
// said last of every window is what one process says that nothing happens to.
func TestKilledOwner(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 100, 40, 70)
	want, wantAlarms := watchMemory(t, o, newMemory(log))
	for name, open := range places() {
		for kind, how := range map[string]death{"before": before, "during": during, "after": after} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				p := open(t)
				p.Publish(t, log[:60])
				a := newMortal(p.Broker("a"), how)
				process(t, o, a)
				eventually(t, "the first process is done", func() bool { return p.Done(t, o.Identity) })
				a.doomed.Store(true)
				b, stop := process(t, o, newMortal(p.Broker("b"), before))
				p.Publish(t, log[60:120])
				<-a.dead
				p.Publish(t, log[120:200])
				died := time.Now()
				eventually(t, "the second process takes over", func() bool { return p.Done(t, o.Identity) && b.Owner() })
				t.Logf("taken over after %s", time.Since(died).Round(time.Millisecond))
				stop()
				c, _ := process(t, o, newMortal(p.Broker("c"), before))
				p.Publish(t, log[200:])
				eventually(t, "the third process is done", func() bool { return p.Done(t, o.Identity) && c.Owner() })
				if d := difference(lastRevisions(t, p.Reports(t)), want); d != "" {
					t.Error(d)
				}
				if got := p.Alarms(t); len(got) != len(wantAlarms) {
					t.Errorf("%d alarms, want %d", len(got), len(wantAlarms))
				}
			})
		}
	}
}

// TestAlarmsArePostedOn gives alarms in order, again where they are not done, and
// to the next process those that are left.
func TestAlarmsArePostedOn(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 100, 40, 60)
	for name, open := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			summedUp(t, p, o, log)
			want := p.Alarms(t)
			if len(want) != 2 {
				t.Fatalf("%d alarms, and the test wants a begin and an end", len(want))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for i, done := range []bool{false, true, true} {
				alarms, err := p.AlarmReader()(ctx)
				if err != nil {
					t.Fatal(err)
				}
				got, at, err := alarms.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if next := max(i-1, 0); string(got) != string(want[next]) || time.Since(at) > time.Hour {
					t.Errorf("reader %d is given %s of %s, want %s", i, got, at, want[next])
				}
				if done {
					if err := alarms.Done(ctx); err != nil {
						t.Fatal(err)
					}
				}
				alarms.Close(t.Context())
			}
		})
	}
}
