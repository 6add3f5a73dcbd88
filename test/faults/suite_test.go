//go:build kafka || nats

package faults

import (
	"testing"
	"time"
)

// trial is what a broker is put to.
type trial struct {
	on opener
	// part divides the faults of a short run's storms.
	part int
	// mutants are the negative controls.
	mutants map[string]plan
	// points are failpoints that only this broker has.
	points []string
}

// run runs side by side what leaves the broker alone and measures nothing: it
// waits most of the time.
func (tr trial) run(t *testing.T) {
	t.Run("Storms", tr.storms)
	t.Run("Mutants", func(t *testing.T) { caught(t, tr.on, tr.mutants) })
	t.Run("Gaps", func(t *testing.T) { allGaps(t, tr.on) })
	t.Run("Drift", tr.drift)
}

// Failpoints that hold each epoch open for a moment. Without, kills would cut
// few, and a storm would find nothing.
const (
	keepOpen   = "before-commit:pause:20ms,committed-early:pause:20ms"
	keepPolled = "polled:pause:30ms,before-commit:pause:10ms"
	// keepMistaken is keepOpen where a mutant has made its mistake already.
	keepMistaken = "before-commit:pause:2ms,committed-early:pause:40ms"
)

// plan is a storm with its setting.
type plan struct {
	setting
	storm
}

// kills is the storm of promises: 200 and 20 by make faults.
func kills() plan {
	p := plan{setting{failpoints: keepOpen}, storm{kills: 15, brokerKills: 2, rate: 1000}}
	if *long {
		p.kills, p.brokerKills = 200, 20
	}
	return p
}

// zombies come back when others have their partitions.
func zombies() plan {
	return plan{
		setting{failpoints: keepOpen, sessionTimeout: 2 * time.Second, transactionTimeout: 10 * time.Second},
		storm{zombies: times(3, 20), rate: 1000},
	}
}

// rebalances have partitions go to and fro. No busy machine keeps a worker from
// showing that it lives for as long as a session lasts.
func rebalances() plan {
	return plan{
		setting{failpoints: keepPolled, sessionTimeout: 5 * time.Second, transactionTimeout: 10 * time.Second},
		storm{drains: times(6, 30), rate: 1000},
	}
}

func times(short, lasting int) int {
	if *long {
		return lasting
	}
	return short
}

func (p plan) atLeastOnce() plan {
	p.setting.atLeastOnce = true
	return p
}

// one of so many parts of a storm, at least one fault of each kind.
func (p plan) one(of int) plan {
	for _, n := range []*int{&p.kills, &p.brokerKills, &p.zombies, &p.drains} {
		if *n > 0 && !*long {
			*n = max(*n/of, 1)
		}
	}
	return p
}

// run gives the number of violations of what the delivery promises.
func (p plan) run(t *testing.T, on opener) int {
	t.Helper()
	st := newStage(t, on, p.setting)
	faults := p.storm.run(st)
	v := st.judge()
	t.Logf("%v: %v", faults, v)
	if p.mutant == "" {
		st.broker.explain(v)
		if p.drains > 0 {
			st.undisturbed()
		}
	}
	if st.atLeastOnce {
		return v.violationsAtLeastOnce()
	}
	return v.violations()
}

// storms: whatever happens, exactly once is that, and at least once loses
// nothing.
func (tr trial) storms(t *testing.T) {
	for name, p := range map[string]plan{
		"KillsExactlyOnce":      kills(),
		"KillsAtLeastOnce":      kills().atLeastOnce(),
		"RebalancesExactlyOnce": rebalances(),
		"RebalancesAtLeastOnce": rebalances().atLeastOnce(),
		"ZombiesExactlyOnce":    zombies(),
		"ZombiesAtLeastOnce":    zombies().atLeastOnce(),
	} {
		t.Run(name, func(t *testing.T) {
			if p.brokerKills == 0 {
				t.Parallel()
			}
			if n := p.one(tr.part).run(t, tr.on); n > 0 {
				t.Errorf("%d violations", n)
			}
		})
	}
}

// watching is the storm of drift: whoever dies when, the last word on each window
// is the same.
func watching() driftStorm {
	s := driftStorm{kills: times(6, 60), zombies: times(1, 5), rate: 1000}
	for range times(1, 3) {
		for _, point := range []string{
			"polled", "scored", "published", "before-commit", "after-commit",
			"drift-counted", "drift-before-commit", "drift-after-commit",
		} {
			s.points = append(s.points, point+":kill:0.3") // not always in the first epoch
		}
		s.points = append(s.points, "drift-restored:kill:1") // once a life
	}
	return s
}

func (tr trial) drift(t *testing.T) {
	t.Run("Kills", func(t *testing.T) {
		t.Parallel()
		s := watching()
		s.points = append(s.points, tr.points...)
		if v := s.run(t, tr.on); v.violations > 0 {
			t.Errorf("%d violations", v.violations)
		}
	})
	t.Run("Mutants", func(t *testing.T) { // two in one storm, since they show in different ways
		t.Parallel()
		s := driftStorm{kills: 6, rate: 1000, mutant: "deltas-outside-commit,reports-outside-commit", points: []string{"drift-said:kill:1"}}
		v := s.run(t, tr.on)
		if v.miscounted == 0 || v.repeated == 0 {
			t.Errorf("one of the mutants was not caught: %d windows miscounted, %d reports repeated", v.miscounted, v.repeated)
		}
	})
}

// caught are the negative controls of storms: the same storms over builds that
// make a mistake on purpose. A storm that lets one pass proves nothing.
func caught(t *testing.T, on opener, mutants map[string]plan) {
	for mutant, p := range mutants {
		t.Run(mutant, func(t *testing.T) {
			if p.drains == 0 { // what is on its way at a rebalance is little where others have the cores
				t.Parallel()
			}
			p.mutant = mutant
			p.brokerKills, p.zombies, p.drains = 0, min(p.zombies, 3), min(p.drains, 6)
			if p.kills > 0 {
				// Enough that one of them is sure to fall between the mistake and
				// the commit: half of all kills hit a process in its first epoch,
				// which may be one that it scores in a child.
				p.kills, p.failpoints = 15, keepMistaken
			}
			if p.run(t, on) == 0 {
				t.Errorf("the mutant %s was not caught", mutant)
			}
		})
	}
}
