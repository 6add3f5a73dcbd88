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

// lose remembers that n offsets before a delta are missing, which others counted, or
// nobody did. They are taken not to be earlier than the lateness before what the
// partition had come to, or they would not count, and not to be later than what the
// delta has, or than when it was written.
func (w *Windows) lose(p *partition, d *Delta, n int64) {
	start := int64(math.MinInt64)
	if p.horizon != math.MinInt64 {
		start = floor(p.horizon-w.lateness, w.pane)
	}
	w.gaps = w.gaps.add(gap{Span{start, max(p.horizon, d.Horizon, d.Clock) + 1}, n, math.MinInt64})
}
