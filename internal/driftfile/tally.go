package driftfile

import (
	"sync"
	"time"

	"github.com/penstock/penstock/drift"
)

// Tally sums rows that others count, such as those of a scored batch, for the
// reports of a Comparison. It is safe for concurrent use.
type Tally struct {
	comparison *Comparison
	zone       *time.Location

	mu    sync.Mutex // guards panes
	panes []*sums    // one of the comparison's windows each, and with detectors theirs
}

// NewTally makes an empty one.
func NewTally(c *Comparison, zone *time.Location) *Tally {
	t := &Tally{comparison: c, zone: zone}
	width := len(drift.NewSchema(c.Fields, c.Reference).Fields)
	for range max(1, len(c.Windows)) {
		t.panes = append(t.panes, newSums(width, false))
	}
	if len(c.Detectors) > 0 {
		changes := newSums(width, false)
		changes.step = c.Pane
		t.panes = append(t.panes, changes)
	}
	return t
}

// Starts gives for each kind of window, and with detectors for their panes, how rows are told apart: those whose times
// have the same start are counted together. Each goroutine needs its own.
func (t *Tally) Starts() []func(unixMilli int64) int64 {
	var all []func(int64) int64
	for i := range t.comparison.Windows {
		all = append(all, starts(&t.comparison.Windows[i], t.zone))
	}
	if all == nil {
		all = append(all, func(int64) int64 { return 0 })
	}
	if len(t.comparison.Detectors) > 0 {
		all = append(all, floor(t.comparison.Pane))
	}
	return all
}

// Times are event times of rows that are counted together, Unix milliseconds: from
// First to Last. The zero value says that rows have none.
type Times struct {
	First, Last int64
	Timed       bool
}

// Add adds the counts of rows of one start, one a field of the schema, for the
// window-th kind of window.
func (t *Tally) Add(window int, start, rows int64, times Times, counts []drift.Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.panes[window]
	if s.tooFine() {
		s.coarsen()
	}
	if times.Timed {
		s.times.add(times.First)
		s.times.add(times.Last)
	}
	p := s.pane(start)
	p.rows += rows
	for i := range counts {
		p.fields[i].Add(&counts[i])
	}
}

// Report gives the reports, as Input.Report does.
func (t *Tally) Report(give func(*drift.Report, []drift.Counts) error) error {
	return t.comparison.report(t.panes, t.zone, give)
}
