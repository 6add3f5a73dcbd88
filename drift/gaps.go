package drift

import (
	"math"
	"slices"
)

// gap is a stretch of event time in which events are missing, and how many offsets.
type gap struct {
	Span
	n    int64
	told int64 // windows that end until then have told of it; math.MinInt64: none
}

// touches tells whether events may be missing in a window.
func (g gap) touches(window Span) bool { return g.Start < window.End && window.Start < g.End }

// gaps are ascending and do not touch each other.
type gaps []gap

// add joins a gap with those that it touches.
func (g gaps) add(new gap) gaps {
	first := slices.IndexFunc(g, func(old gap) bool { return old.End >= new.Start })
	if first < 0 {
		return append(g, new)
	}
	last := first
	for ; last < len(g) && g[last].Start <= new.End; last++ {
		new.Start, new.End = min(new.Start, g[last].Start), max(new.End, g[last].End)
		new.n += g[last].n
		new.told = min(new.told, g[last].told)
	}
	return slices.Replace(g, first, last, new)
}

// in is how many offsets are missing that may belong to a window.
func (g gaps) in(window Span) int64 {
	var n int64
	for _, gap := range g {
		if gap.touches(window) {
			n += gap.n
		}
	}
	return n
}

// told tells whether a window has told of all that is missing in it.
func (g gaps) told(window Span) bool {
	return !slices.ContainsFunc(g, func(gap gap) bool { return gap.told < window.End && gap.touches(window) })
}

// lose remembers that n offsets of a partition are missing, between when it had
// come to from and when it had come to to. What is missing was not earlier than the
// lateness before from, or it would not count, and is taken not to be beyond to.
func (w *Windows) lose(from, to, n int64) {
	if to == math.MinInt64 {
		return // no event of this partition has had a time
	}
	if from == math.MinInt64 {
		from = to
	}
	w.gaps = w.gaps.add(gap{Span{floor(from-w.lateness, w.pane), to + 1}, n, math.MinInt64})
}

// missBefore remembers that the events before a partition's first delta are missing.
// They are taken not to be later than those of that delta, or than when it was
// written.
func (w *Windows) missBefore(d *Delta) {
	w.gaps = w.gaps.add(gap{Span{math.MinInt64, max(d.Horizon, d.Clock) + 1}, d.From, math.MinInt64})
}
