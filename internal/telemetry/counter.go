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
