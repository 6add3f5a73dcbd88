package telemetry

import (
	"sync/atomic"
	"time"
)

// Counter only grows. It is one worker's own, so that adding to it never waits
// for another core.
type Counter struct{ n atomic.Int64 }

// Add counts n more.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Value is the count so far.
func (c *Counter) Value() int64 { return c.n.Load() }

// Seconds adds up time.
type Seconds struct{ n atomic.Int64 }

// Add counts d more.
func (s *Seconds) Add(d time.Duration) { s.n.Add(int64(d)) }

// Value is the time so far.
func (s *Seconds) Value() time.Duration { return time.Duration(s.n.Load()) }

// Stopwatch adds up time, what passes at the moment included. One goroutine starts
// and stops it; its value, which others may read meanwhile, never shrinks.
type Stopwatch struct {
	// n is twice the nanoseconds so far; while it runs those less the moment at
	// which it was started, and 1 more. One number, for a reader must not see a
	// wait twice, or not at all.
	n atomic.Int64
	// shown is the largest value that was read: a stop may be held up between
	// looking at the clock and writing, while readers count on.
	shown atomic.Int64
}

// begin is what moments of stopwatches are counted from.
var begin = time.Now()

// Start begins to count.
func (s *Stopwatch) Start() { s.n.Store((s.n.Load()>>1-int64(time.Since(begin)))<<1 | 1) }

// Stop ends what Start began.
func (s *Stopwatch) Stop() { s.n.Store((s.n.Load()>>1 + int64(time.Since(begin))) << 1) }

// Value is the time so far.
func (s *Stopwatch) Value() time.Duration {
	for {
		n, seen := s.n.Load(), s.shown.Load()
		sum := n >> 1
		if n&1 == 1 {
			sum += int64(time.Since(begin))
		}
		switch {
		case s.n.Load() != n: // it was stopped or started before the clock was read
		case sum <= seen:
			return time.Duration(seen)
		case s.shown.CompareAndSwap(seen, sum):
			return time.Duration(sum)
		}
	}
}
