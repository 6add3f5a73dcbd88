package drift

import "time"

// WindowSpec is a length, hopping by a twelfth, which is whole panes, or a calendar
// unit: day, week, month.
type WindowSpec struct {
	Name     string // as the config spells it: 1h, 1mo
	Length   time.Duration
	Calendar string // "", "1d", "1w", "1mo"
}

// Step is the stretch of event time around t, Unix milliseconds, that no bound of
// the spec's windows divides: a twelfth of a length, counted from 1970, or the
// whole calendar unit in zone. A sliding window is twelve steps, and one ends
// with each step.
func (w WindowSpec) Step(t int64, zone *time.Location) Span {
	if w.Calendar != "" {
		return calendar{w.Calendar, zone}.span(t)
	}
	step := w.hop().Milliseconds()
	start := floor(t, step)
	return Span{start, start + step}
}

// Span is a window's stretch of event time, Unix milliseconds, end exclusive.
type Span struct{ Start, End int64 }

func (s Span) length() int64 { return s.End - s.Start }

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
	Latest                   bool // no later one of this kind has been reported
	Rows, Late, Future, Lost int64
	Complete                 bool // nothing Lost: every partition that was listed then had come past the end, or had been read to its own
	Fields                   []Counts
}
