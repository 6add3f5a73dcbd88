package drift

import (
	"cmp"
	"math"
	"slices"
)

// quietWindows is how many quiet windows in a row that share no event with each
// other nor with the last alarming one end an alarm.
const quietWindows = 2

// keptVerdicts is how many verdicts of a window may still be replaced by a later
// revision: eight lengths of a sliding one.
const keptVerdicts = 8 * hops

// verdict says whether a window was alarming.
type verdict struct {
	Start    int64 `json:"start"` // Unix milliseconds
	End      int64 `json:"end"`
	Revision int   `json:"revision,omitempty"`
	Alarm    bool  `json:"alarm,omitempty"`
}

// episode is where a window stands after its verdicts in order of time. It is on
// from the first alarming one until there were enough quiet ones.
type episode struct {
	On    bool  `json:"on,omitempty"`
	Since int64 `json:"since,omitempty"` // start of the first alarming window
	Until int64 `json:"until,omitempty"` // end of the last alarming one
	Quiet int   `json:"quiet,omitempty"` // disjoint quiet windows since Until
	Mark  int64 `json:"mark,omitempty"`  // end of the last window counted as quiet, or Until
}

func (e *episode) step(v verdict) {
	switch {
	case v.Alarm:
		if !e.On {
			e.On, e.Since = true, v.Start
		}
		e.Until, e.Mark, e.Quiet = v.End, v.End, 0
	case e.On && v.Start >= e.Mark:
		e.Quiet++
		e.Mark = v.End
		e.On = e.Quiet < quietWindows
	}
}

// history holds the verdicts of one window. Where it stands follows from the last
// revision of each, in whatever order they came.
type history struct {
	Window   string    `json:"window"`
	Before   episode   `json:"before"`             // the verdicts, that is after those no longer kept
	Dropped  int64     `json:"dropped,omitempty"`  // the latest end of these
	Verdicts []verdict `json:"verdicts,omitempty"` // ascending by End
}

// put adds a verdict or replaces its earlier revision. It is false where the
// window is no longer kept.
func (h *history) put(v verdict) bool {
	i, found := slices.BinarySearchFunc(h.Verdicts, v, func(a, b verdict) int {
		return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Start, b.Start))
	})
	if found {
		if v.Revision < h.Verdicts[i].Revision {
			return false
		}
		h.Verdicts[i] = v
		return true
	}
	if v.End <= h.Dropped {
		return false
	}
	h.Verdicts = slices.Insert(h.Verdicts, i, v)
	if len(h.Verdicts) > keptVerdicts {
		h.Before.step(h.Verdicts[0])
		h.Dropped = h.Verdicts[0].End
		h.Verdicts = slices.Delete(h.Verdicts, 0, 1)
	}
	return true
}

// at is where the window stood when the one that ends at end had closed.
func (h *history) at(end int64) episode {
	e := h.Before
	for _, v := range h.Verdicts {
		if v.End > end {
			break
		}
		e.step(v)
	}
	return e
}

// now is where the window stands.
func (h *history) now() episode { return h.at(math.MaxInt64) }
