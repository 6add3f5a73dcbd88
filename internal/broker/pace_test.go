package broker

import (
	"math/rand/v2"
	"testing"
	"time"
)

const ms = time.Millisecond

// epochs lets p pace n epochs against a broker that writes its markers within
// markers of a commit (drawn between half of that and all), tries again every
// 20 ms, and otherwise acknowledges after wire. extra is how much later than Wait
// allows the worker publishes. It returns the share of epochs that stalled.
func epochs(p *Pace, n int, markers, wire, extra time.Duration, chance *rand.Rand) float64 {
	now, stalls := time.Unix(1, 0), 0
	for range n {
		commit := now
		pause := max(0, p.Wait(now, commit)) + extra
		now = now.Add(pause)
		ack := wire
		if busy := markers/2 + time.Duration(chance.Int64N(int64(markers/2)+1)); pause < busy {
			ack += 20 * ms
			stalls++
		}
		p.Observed(ack)
		now = now.Add(ack + ms)
	}
	return float64(stalls) / float64(n)
}

func TestPaceStartsAtTwoMilliseconds(t *testing.T) {
	var p Pace
	at := time.Unix(100, 0)
	if got := p.Wait(at, time.Time{}); got != 0 {
		t.Errorf("before the first commit it waits %v", got)
	}
	if got := p.Wait(at, at); got != 2*ms {
		t.Errorf("right after a commit it waits %v, want 2ms", got)
	}
	if got := p.Wait(at.Add(1500*time.Microsecond), at); got != 500*time.Microsecond {
		t.Errorf("1.5 ms after a commit it waits %v, want the rest, 500µs", got)
	}
	if got := p.Wait(at.Add(time.Second), at); got > 0 {
		t.Errorf("a second after a commit it waits %v", got)
	}
}

// TestPaceFindsTheBrokers: whatever a broker needs, the pause ends a little above
// it, stalls become rare, and it never leaves its bounds.
func TestPaceFindsTheBrokers(t *testing.T) {
	for _, c := range []struct {
		name           string
		markers, wire  time.Duration
		least, longest time.Duration
	}{
		{"fast broker", 800 * time.Microsecond, ms, 500 * time.Microsecond, 1200 * time.Microsecond},
		{"broker of the reference", 2 * ms, 1200 * time.Microsecond, 1700 * time.Microsecond, 2800 * time.Microsecond},
		{"behind a proxy", 2 * ms, 6 * ms, 1700 * time.Microsecond, 3 * ms},
		{"slow broker", 12 * ms, 5 * ms, 10 * ms, 17 * ms},
		{"broker that needs none", 10 * time.Microsecond, ms, 500 * time.Microsecond, 500 * time.Microsecond},
		{"broker that no pause helps", 60 * ms, ms, 500 * time.Microsecond, 500 * time.Microsecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Pace
			chance := rand.New(rand.NewPCG(1, 2))
			p.Wait(time.Unix(1, 0), time.Time{}) // the first epoch, which cannot stall
			p.Observed(c.wire)
			epochs(&p, 10_000, c.markers, c.wire, 0, chance)
			share := epochs(&p, 20_000, c.markers, c.wire, 0, chance)
			if got := p.length(); got < c.least || got > c.longest {
				t.Errorf("the pause ends at %v, want %v to %v", got, c.least, c.longest)
			}
			if share > 0.004 && c.markers < longestPause {
				t.Errorf("%.2f %% of epochs stall", 100*share)
			}
		})
	}
}

// TestPaceLeavesStallsSoon: a broker that became slower is met within a few
// stalls, not after thousands of epochs.
func TestPaceLeavesStallsSoon(t *testing.T) {
	var p Pace
	chance := rand.New(rand.NewPCG(3, 4))
	p.Wait(time.Unix(1, 0), time.Time{})
	p.Observed(ms)
	epochs(&p, 10_000, ms, ms, 0, chance)
	if stalls := 20 * epochs(&p, 20, 2800*time.Microsecond, ms, 0, chance); stalls < 3 || stalls > 10 {
		t.Errorf("%v of 20 epochs stalled after the broker became slower, want 3 to 10", stalls)
	}
	if got := p.length(); got < 2*ms {
		t.Errorf("the pause is %v against a broker that needs up to 2.8 ms", got)
	}
}

// TestPaceLearnsOnlyFromWhatTellsIt: epochs that came later than the pause say
// nothing about it, neither good nor bad.
func TestPaceLearnsOnlyFromWhatTellsIt(t *testing.T) {
	var p Pace
	at := time.Unix(100, 0)
	p.Wait(at, time.Time{})
	p.Observed(ms)
	for range 5000 {
		p.Wait(at.Add(10*ms), at)
		p.Observed(ms)
	}
	if got := p.length(); got != 2*ms {
		t.Errorf("quick epochs 10 ms after a commit moved the pause to %v", got)
	}
	for range 50 {
		p.Wait(at.Add(time.Second), at)
		p.Observed(time.Second)
	}
	if got := p.length(); got != 2*ms {
		t.Errorf("slow epochs long after a commit moved the pause to %v", got)
	}
	p.Wait(at.Add(10*ms), at)
	p.Observed(ms)
	for _, c := range []struct {
		after, ack, want time.Duration
	}{
		{10 * ms, 21 * ms, 2 * ms},                  // the markers were long written
		{2500 * time.Microsecond, 100 * ms, 2 * ms}, // no stall is as long
		{2500 * time.Microsecond, 12 * ms, 2 * ms},  // nor as short
		{2500 * time.Microsecond, 21 * ms, 2500 * time.Microsecond},
	} {
		p.Wait(at.Add(c.after), at)
		p.Observed(c.ack)
		if got := p.length(); got != c.want {
			t.Errorf("a first produce of %v, %v after a commit, moved the pause to %v, want %v", c.ack, c.after, got, c.want)
		}
	}
}

// TestPaceIsNotDrivenByABusyMachine: produces that are slow whatever the pause,
// of any length, leave it below what the broker's own work explains.
func TestPaceIsNotDrivenByABusyMachine(t *testing.T) {
	var p Pace
	chance := rand.New(rand.NewPCG(7, 8))
	now := time.Unix(1, 0)
	p.Wait(now, time.Time{})
	p.Observed(ms)
	const n = 20_000
	var sum time.Duration
	for range n {
		sum += p.Wait(now, now)
		ack := ms + time.Duration(chance.Int64N(int64(ms)))
		if chance.IntN(25) == 0 {
			ack += time.Duration(chance.ExpFloat64() * float64(30*ms))
		}
		p.Observed(ack)
	}
	if got := sum / n; got > 3200*time.Microsecond {
		t.Errorf("one produce in 25 was slow for reasons of its own, and the mean pause is %v", got)
	}
}

// TestPaceTakesASlowWireForNormal: when acknowledgements become slower for good,
// they are no longer taken for stalls.
func TestPaceTakesASlowWireForNormal(t *testing.T) {
	var p Pace
	chance := rand.New(rand.NewPCG(5, 6))
	p.Wait(time.Unix(1, 0), time.Time{})
	p.Observed(ms)
	epochs(&p, 5000, ms, 13*ms, 0, chance)
	if got := p.length(); got > 2*ms {
		t.Errorf("a wire of 13 ms, and no stall, made the pause %v", got)
	}
	epochs(&p, 30_000, ms, 60*ms, 0, chance)
	if got := p.length(); got > 2*ms {
		t.Errorf("a wire of 60 ms, after one of 13 ms and without a stall, made the pause %v", got)
	}
}
