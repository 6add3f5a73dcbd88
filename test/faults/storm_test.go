//go:build kafka || nats

package faults

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// storm is a plan of faults.
type storm struct {
	kills       int // of worker processes, that cut an open epoch
	brokerKills int // while an epoch is open
	drains      int // SIGTERM and a new start, each two rebalances
	zombies     int // processes frozen in an open epoch until they lost their partitions
	rate        int // events a second
	alone       bool
}

// tally is what a storm did.
type tally struct {
	kills, missed, blind, brokerKills, drains, zombies int

	sent int64
	took time.Duration
}

func (t *tally) String() string {
	return fmt.Sprintf("%d kills cut an open epoch (%d more did not, %d were blind), %d broker kills, %d drains, %d zombies, %d events sent in %.0f s",
		t.kills, t.missed, t.blind, t.brokerKills, t.drains, t.zombies, t.sent, t.took.Seconds())
}

// blindEvery: so many kills take no look, to cut starts, joins and stops too.
const blindEvery = 8

// run rages while events flow, and returns when all processes work again.
func (s storm) run(st *stage) *tally {
	st.Helper()
	start, t := time.Now(), &tally{}
	instances := []string{"a", "b", "c"}
	if s.alone {
		instances = instances[:1]
	}
	workers := st.processes(instances...)
	st.joined(len(workers) * st.members)
	f := st.feed(s.rate)
	for n := 1; t.kills < s.kills || t.brokerKills < s.brokerKills; n++ {
		if t.brokerKills*s.kills < t.kills*s.brokerKills {
			s.killBroker(st, t)
		}
		p := workers[rand.IntN(len(workers))]
		if n%blindEvery == 0 {
			time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
			p.kill()
			t.blind++
		} else {
			s.killWorker(st, p, t)
		}
		p.start()
	}
	for t.drains < s.drains {
		s.drain(st, workers[rand.IntN(len(workers))], t)
	}
	for t.zombies < s.zombies {
		s.freeze(st, workers[rand.IntN(len(workers))], t)
	}
	f.stop()
	t.sent, t.took = f.sent.Load(), time.Since(start)
	return t
}

// killWorker kills a process in an open epoch.
func (s storm) killWorker(st *stage, p *process, t *tally) {
	st.Helper()
	if rand.IntN(2) == 0 { // in its stride, not only in its first epoch
		time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
	}
	st.untilOpen(p.instance)
	time.Sleep(time.Duration(rand.IntN(openTime)))
	p.kill()
	if st.broker.open(p.instance) {
		t.kills++
	} else {
		t.missed++
	}
}

// killBroker kills the broker while a worker has an epoch open, which cannot be
// committed any more.
func (s storm) killBroker(st *stage, t *tally) {
	st.Helper()
	st.untilOpen("")
	if err := st.broker.Kill(); err != nil {
		st.Fatal(err)
	}
	if st.noted("") {
		t.brokerKills++
	}
	if err := st.broker.Restart(st.Context()); err != nil {
		st.Fatal(err)
	}
}

// openTime is how long the failpoints hold an epoch open, about: kills fall
// anywhere in it.
const openTime = int(40 * time.Millisecond)

// drain stops a process in good order and starts it again: its peers take its
// partitions over, and give some back.
func (s storm) drain(st *stage, p *process, t *tally) {
	st.Helper()
	p.stop(30 * time.Second)
	if left := st.membersOf(p.instance); len(left) > 0 {
		st.Fatalf("%s has ended, and its members are still in the group: %q", p.instance, left)
	}
	time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
	p.start()
	st.joined(len(st.workers) * st.members)
	t.drains++
}

// freeze stops a process in an open epoch, lets its peers take its partitions
// over, and lets it go on: it must notice that they are not its own any more.
func (s storm) freeze(st *stage, p *process, t *tally) {
	st.Helper()
	for cut := false; !cut; {
		st.untilOpen(p.instance)
		p.signal(syscall.SIGSTOP)
		time.Sleep(stopTime)
		if cut = st.broker.open(p.instance); !cut {
			p.signal(syscall.SIGCONT)
		}
	}
	time.Sleep(st.sessionTimeout + 1500*time.Millisecond)
	p.signal(syscall.SIGCONT)
	st.joined(len(st.workers) * st.members)
	t.zombies++
}

// stopTime is more than a process takes to stand still.
const stopTime = 10 * time.Millisecond

// untilOpen waits until a process of that name, or any, has an open epoch.
func (st *stage) untilOpen(instance string) {
	st.Helper()
	for deadline := time.Now().Add(settleTime); !st.broker.open(instance); time.Sleep(2 * time.Millisecond) {
		st.alive()
		if time.Now().After(deadline) {
			st.Fatalf("%q opens no epoch in %s", instance, settleTime)
		}
	}
}

// alive wants that no process ended by itself.
func (st *stage) alive() {
	st.Helper()
	for _, p := range st.workers {
		if p.cmd != nil && p.exited() && !p.killed {
			st.Fatalf("%s ended by itself with exit code %d\n%s", p.instance, p.cmd.ProcessState.ExitCode(), p.tail())
		}
	}
}
