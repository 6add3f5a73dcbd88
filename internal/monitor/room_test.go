package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/internal/natstest"
)

// farAhead has the last partition's deltas come after all others.
func farAhead(t *testing.T, log []Delta) []Delta {
	t.Helper()
	var ahead, behind []Delta
	for _, d := range log {
		if decoded(t, d.Value).Partition < testPartitions-1 {
			ahead = append(ahead, d)
		} else {
			behind = append(behind, d)
		}
	}
	return append(ahead, behind...)
}

// manySeconds is a stream of more windows than a batch has room for, and more sums.
const manySeconds = 900

// TestPartitionFarAhead keeps the sums of a long stretch, closes its windows all at
// once and forgets it, in commits that a broker takes: what is said last is what is
// said of partitions that go on together.
func TestPartitionFarAhead(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, manySeconds, 40, 70)
	want, _ := watchMemory(t, o, newMemory(log))
	if len(want) < 1000 {
		t.Fatalf("%d windows only", len(want))
	}
	log = farAhead(t, log)
	all := places()
	all["nats, small batches"] = func(t *testing.T) place {
		return newNATSPlace(t, natstest.Configured(t, "jetstream { limits { batch { max_msgs: 100 } } }"))
	}
	for name, open := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			p.Publish(t, log)
			a, stop := process(t, o, newMortal(p.Broker("a"), before))
			eventually(t, "all is committed", func() bool { return p.Done(t, o.Identity) && a.Owner() })
			stop() // in the middle of closing, if need be
			b, _ := process(t, o, newMortal(p.Broker("b"), before))
			eventually(t, "all is told", b.CaughtUp)
			if d := difference(lastRevisions(t, p.Reports(t)), want); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRoomInACommit closes windows by the thousand as fast as commits go, none of
// which has more than there is room for; what is left over waits for a delta only
// where it has to.
func TestRoomInACommit(t *testing.T) {
	o := testCore(t)
	log := farAhead(t, testDeltas(&o, 300, 40, 70))
	want, _ := watchMemory(t, o, newMemory(log))
	for _, guarded := range []bool{true, false} {
		t.Run(fmt.Sprintf("guarded=%t", guarded), func(t *testing.T) {
			m := newMemory(log)
			m.room, m.guarded, m.chunk = 40, guarded, len(log)
			synctest.Test(t, func(t *testing.T) {
				m.idle = make(chan struct{})
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				monitor := New(Options{Core: o, Broker: m, Timeout: time.Second, Log: quiet})
				go func() { ended <- monitor.Run(ctx, context.Background()) }()
				<-m.idle
				time.Sleep(time.Minute) // all that there is to say may have come, and no more
				got := lastRevisions(t, m.reports)
				if d := difference(got, want); guarded && d != "" || !guarded && len(got) > len(want)/2 {
					t.Errorf("%d of %d windows have closed: %s", len(got), len(want), d)
				}
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
			if m.most > m.room {
				t.Errorf("a commit had %d records", m.most)
			}
			if left := len(m.state); guarded && left > 100 {
				t.Errorf("%d records of the state are left", left)
			}
		})
	}
}

// ownerOf is the session of an owner that has polled a delta, where there is one.
func ownerOf(t *testing.T, p place, instance string) Session {
	t.Helper()
	s, err := p.Broker(instance).Open(t.Context(), Identity{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	eventually(t, "ownership", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.Poll(ctx, 1); err != nil {
			t.Fatal(err)
		}
		return s.Owner()
	})
	return s
}

// manySums are more than a batch has room for, and of more bytes.
func manySums() []StateRecord {
	var all []StateRecord
	for i := range 2500 {
		all = append(all, StateRecord{Identity: "i", Key: fmt.Sprint("sum/", i), Value: make([]byte, 10_000)})
	}
	return all
}

// TestNATSBatches commits sums in as many batches as it takes, and all the rest in
// one: without a bound of what that is, it is refused.
func TestNATSBatches(t *testing.T) {
	n := newNATSPlace(t)
	n.options.SessionTimeout = 10 * time.Second // a busy machine is not to be what is tested
	s := ownerOf(t, n, "a")
	one := Published{Value: []byte("{}")}
	if err := s.Commit(t.Context(), &Output{Reports: []Published{one}, Sums: manySums()}); err != nil {
		t.Fatal(err)
	}
	sums := 0
	if err := s.State(t.Context(), nil, func(StateRecord) error { sums++; return nil }); err != nil || sums != 2500 || len(n.Reports(t)) != 1 {
		t.Errorf("%d sums and %d reports are there: %v", sums, len(n.Reports(t)), err)
	}
	var keys []string
	some := func(r StateRecord) error { keys = append(keys, r.Key); return nil }
	if err := s.State(t.Context(), []string{"sum/3", "sum/77"}, some); err != nil || !slices.Equal(keys, []string{"sum/3", "sum/77"}) {
		t.Errorf("of two sums %q are given: %v", keys, err)
	}
	if err := s.Commit(t.Context(), &Output{Reports: slices.Repeat([]Published{one}, 1000)}); err == nil || len(n.Reports(t)) != 1 {
		t.Errorf("%d reports are there: %v", len(n.Reports(t)), err)
	}
}

// TestFrozenOwner: nothing is heard of a process that was replaced and does not
// know it.
func TestFrozenOwner(t *testing.T) {
	o := testCore(t)
	deltas := testDeltas(&o, 2, 10, 10)
	report := func(said string) []Published { return []Published{{Key: []byte("w"), Value: []byte(said)}} }
	for name, open := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			p.Publish(t, deltas)
			frozen := ownerOf(t, p, "a")
			if err := frozen.Leave(t.Context()); err != nil { // as if its session had ended
				t.Fatal(err)
			}
			if err := ownerOf(t, p, "b").Commit(t.Context(), &Output{Reports: report("b")}); err != nil {
				t.Fatal(err)
			}
			if err := frozen.Commit(t.Context(), &Output{Reports: report("a"), Sums: manySums()}); !errors.Is(err, ErrLost) {
				t.Error(err)
			}
			if got := p.Reports(t); len(got) != 1 || string(got[0]) != "b" {
				t.Errorf("reports %q", got)
			}
			if n, ok := p.(*natsPlace); ok {
				if sums := n.Read(t, n.options.Subjects.DriftState("*", "*")); len(sums) > 0 {
					t.Errorf("%d sums of it are there", len(sums))
				}
			}
		})
	}
}
