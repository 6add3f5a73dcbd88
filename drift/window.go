package drift

import (
	"math"
	"time"
)

// WindowSpec is a length (hopping by a twelfth) or a calendar unit: day, week, month.
type WindowSpec struct {
	Name     string // as the config spells it: 1h, 1mo
	Length   time.Duration
	Calendar string // "", "1d", "1w", "1mo"
}

// Hop is how far a sliding window moves at a time: a twelfth of its length, or a
// bit more where panes do not divide it so: the shortest multiple of the pane that
// divides the length.
func (s WindowSpec) Hop(pane time.Duration) time.Duration { return divided(s.Length, 12, pane) }

// divided gives the shortest multiple of pane that divides length into at most n
// equal stretches; the length itself, where it is no multiple of the pane.
func divided(length time.Duration, n int, pane time.Duration) time.Duration {
	for ; n > 1; n-- {
		if length%(time.Duration(n)*pane) == 0 {
			return length / time.Duration(n)
		}
	}
	return length
}

// Span is a window's stretch of event time, Unix milliseconds, end exclusive.
type Span struct{ Start, End int64 }

func (s Span) length() int64 { return s.End - s.Start }

// later is t + by, where t may be the least of all times, which stands for never.
func later(t, by int64) int64 {
	if t == math.MinInt64 {
		return t
	}
	return t + by
}

// floor is the multiple of step that t lies in, which may be negative.
func floor(t, step int64) int64 {
	over := t % step
	if over < 0 {
		over += step
	}
	return t - over
}

// Closed is a window that is to be reported.
type Closed struct {
	Window                   WindowSpec
	Span                     Span
	Revision                 int
	Rows, Late, Future, Lost int64
	Complete                 bool // nothing Lost: every partition that was listed then had come past the end, or had been read to its own
	Fields                   []Counts
}
