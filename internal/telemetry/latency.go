package telemetry

import (
	"math"
	"sync"
)

// exactMillis is how far latencies are counted by the millisecond. What takes
// longer is rare, and goes to a histogram's buckets at once.
const exactMillis = 4096

// Latency is a histogram of whole milliseconds, as event timestamps are. An
// observation is one addition to a table; the buckets are made at scrape.
type Latency struct {
	mu sync.Mutex
	latencies
}

type latencies struct {
	exact [exactMillis]uint64
	above counts
}

// ObserveMillis counts n events of one latency. One from the future, as clocks
// of two machines may have it, counts as 0.
func (l *Latency) ObserveMillis(ms, n int64) {
	l.mu.Lock()
	l.observe(max(ms, 0), n)
	l.mu.Unlock()
}

// ObserveSince counts an epoch's events at once: those with the given
// timestamps became durable now; both in Unix milliseconds.
func (l *Latency) ObserveSince(now int64, times []int64) {
	l.mu.Lock()
	for _, t := range times {
		if ms := now - t; uint64(ms) < exactMillis {
			l.exact[ms]++
		} else {
			l.observe(max(ms, 0), 1)
		}
	}
	l.mu.Unlock()
}

func (l *latencies) observe(ms, n int64) {
	if ms < exactMillis {
		l.exact[ms] += uint64(n)
		return
	}
	l.above.observe(seconds(ms), uint64(n))
}

// addTo adds what l holds to a sum over workers.
func (l *Latency) addTo(sum *latencies) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ms, n := range l.exact {
		sum.exact[ms] += n
	}
	sum.above.add(&l.above)
}

// histogram puts the exact ones in buckets, too. It gives those above, grown.
func (l *latencies) histogram() *counts {
	for ms, n := range l.exact {
		if n > 0 {
			l.above.observe(seconds(int64(ms)), n)
		}
	}
	return &l.above
}

func (l *latencies) total() uint64 {
	total := l.above.total
	for _, n := range l.exact {
		total += n
	}
	return total
}

// quantileMillis is the latency that a share q of the events does not exceed:
// exact below exactMillis, within 4.5 % above; 0 when there is none.
func (l *latencies) quantileMillis(q float64) float64 {
	rank := uint64(max(math.Ceil(q*float64(l.total())), 1)) - 1 // how many stand before it
	for ms, n := range l.exact {
		if n > rank {
			return float64(ms)
		}
		rank -= n
	}
	for cell, n := range l.above.native {
		if n > rank {
			return nativeMiddle(cell) * 1000
		}
		rank -= n
	}
	return 0
}

// without gives the counts of what came after before, for quantiles: classic
// buckets and sum stay what they were.
func (l *latencies) without(before *latencies) *latencies {
	left := *l
	for ms, n := range before.exact {
		left.exact[ms] -= n
	}
	for cell, n := range before.above.native {
		left.above.native[cell] -= n
	}
	left.above.total -= before.above.total
	return &left
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
