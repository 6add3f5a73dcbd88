package driftfile

import (
	"maps"
	"slices"
	"time"

	"github.com/penstock/penstock/drift"
)

// mostPanes is how many stretches of time change detectors are given at most: the
// length of the series that their parameters are made for. Where there would be
// more, they become twice as long.
const mostPanes = 1024

// tooFine tells whether it is time to coarsen.
func (s *sums) tooFine() bool { return s.step > 0 && len(s.panes) > mostPanes }

// coarsen joins panes until there are few enough. No pane of before is valid after.
func (s *sums) coarsen() {
	for s.tooFine() {
		s.step *= 2
		old := s.panes
		s.panes = map[int64]*pane{}
		for start, p := range old {
			joined := s.pane(start)
			joined.rows += p.rows
			for i := range p.fields {
				joined.fields[i].Add(&p.fields[i])
			}
		}
	}
}

// changes are those of each field over the panes of s, in order.
func (c *Comparison) changes(s *sums) ([][]drift.ReportChange, error) {
	s.coarsen()
	starts := slices.Sorted(maps.Keys(s.panes))
	schema := drift.NewSchema(c.Fields, c.Reference)
	all := make([][]drift.ReportChange, s.width)
	panes := make([]drift.Counts, len(starts))
	for f := range all {
		for i, start := range starts {
			panes[i] = s.panes[start].fields[f]
		}
		names := map[uint64]string{}
		for _, name := range schema.Fields[f].Names {
			names[drift.Hash([]byte(name))] = name
		}
		for _, detector := range c.Detectors {
			found, err := drift.Changes(detector, panes)
			if err != nil {
				return nil, err
			}
			for _, change := range found {
				at := time.UnixMilli(starts[change.Pane]).UTC()
				all[f] = append(all[f], drift.ReportChange{
					At: at, Until: at.Add(s.step), Detector: detector, What: change.What, Category: names[change.Category],
				})
			}
		}
		slices.SortStableFunc(all[f], func(a, b drift.ReportChange) int { return a.At.Compare(b.At) })
	}
	return all, nil
}

// within are the changes of a window.
func within(w *drift.Span, changes []drift.ReportChange) []drift.ReportChange {
	var some []drift.ReportChange
	for _, change := range changes {
		if at := change.At.UnixMilli(); w.Start <= at && at < w.End {
			some = append(some, change)
		}
	}
	return some
}
