package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/driftfile"
	"github.com/penstock/penstock/internal/eventfile"
	"github.com/penstock/penstock/internal/observe"
)

// scoredCount counts the rows that one worker scores.
type scoredCount struct {
	plan     *observe.Plan
	observer *observe.Observer
	input    *driftfile.Input // with an event time, rows that lack it are left out
	take     func(c *scoredCount, b *inference.Batch, scores *inference.Scores)

	rows    []scoredRow // of the batch at hand
	turned  []rowTime   // away: times of the batch's rejected events
	numbers []int       // scratch
}

// scoredRow is a row of a batch, or an event that was rejected for a field's type.
type scoredRow struct {
	row   int
	field string // of the rejection; empty for a row
	at    int64  // event time, Unix milliseconds; 0 where events have none
	start int64
}

type rowTime struct {
	nanos int64
	ok    bool
}

func newScoredCount(m *loadedModel, in *driftfile.Input, take func(*scoredCount, *inference.Batch, *inference.Scores)) *scoredCount {
	return &scoredCount{plan: m.observed, observer: observe.NewObserver(m.observed), input: in, take: take}
}

// rejectedAt notes the time of an event that the batch has just turned away.
func (c *scoredCount) rejectedAt(b *inference.Batch) {
	nanos, ok := b.RejectedTime()
	c.turned = append(c.turned, rowTime{nanos, ok})
}

// count counts the events first..end-1, up to one that is not settled because the
// runtime broke.
func (w *worker) count(j *job, first, end int, scores *inference.Scores) {
	c := w.counter
	c.rows = c.rows[:0]
	row, turned := 0, 0
	for i := first; i < end; i++ {
		r := w.rejected[i-first]
		switch {
		case r != nil:
			if at := c.turned[turned]; r.Class == penstock.ClassType {
				c.add(j, i, scoredRow{field: r.Field}, at)
			}
			turned++
		case row == scores.Done():
			i = end
			continue
		default:
			if r = scores.Rejection(row); r == nil {
				nanos, ok := w.batch.EventTime(row)
				c.add(j, i, scoredRow{row: row}, rowTime{nanos, ok})
				j.tally.predicted++
			}
			row++
		}
		if r != nil {
			j.reject(i, r, false)
		}
	}
	c.turned = c.turned[:0]
	c.take(c, w.batch, scores)
}

// add adds what became of event i of a job, at a time that the batch has read. What
// the batch cannot read may still be one of the times that tables have.
func (c *scoredCount) add(j *job, i int, r scoredRow, t rowTime) {
	if c.input.EventTime != "" {
		at, state := time.Unix(0, t.nanos).UnixMilli(), eventfile.Present
		if !t.ok {
			at, state = j.chunk.Time(i, c.input.EventTime, c.input.Zone)
		}
		switch state {
		case eventfile.Absent:
			j.notes.Untimed++
			return
		case eventfile.Unreadable:
			if j.notes.Times.N++; j.notes.Times.N == 1 {
				j.notes.Times.First = fmt.Sprintf("%s:%s", j.chunk.ID(i).Source, j.chunk.Place(i, c.input.EventTime))
			}
			return
		}
		r.at = at
	}
	c.rows = append(c.rows, r)
}

// give gives rows to what takes them.
func (c *scoredCount) give(to observe.Counter, b *inference.Batch, scores *inference.Scores, rows []scoredRow) {
	c.numbers = c.numbers[:0]
	for i := range rows {
		if rows[i].field != "" {
			c.plan.TypeError(to, rows[i].field)
		} else {
			c.numbers = append(c.numbers, rows[i].row)
		}
	}
	c.observer.Count(to, b, scores, c.numbers)
}

// runs gives stretches of rows with the same start.
func (c *scoredCount) runs(give func([]scoredRow)) {
	for first := 0; first < len(c.rows); {
		end := first + 1
		for end < len(c.rows) && c.rows[end].start == c.rows[first].start {
			end++
		}
		give(c.rows[first:end])
		first = end
	}
}

// tallying counts rows into the windows of a report.
func tallying(m *loadedModel, in *driftfile.Input, t *driftfile.Tally, s *drift.Schema) *scoredCount {
	timed := in.EventTime != ""
	starts, counter := t.Starts(), drift.NewCounter(s)
	var counts []drift.Counts
	return newScoredCount(m, in, func(c *scoredCount, b *inference.Batch, scores *inference.Scores) {
		for window, start := range starts {
			for i := range c.rows {
				c.rows[i].start = start(c.rows[i].at)
			}
			slices.SortStableFunc(c.rows, func(a, b scoredRow) int { return cmp.Compare(a.start, b.start) })
			c.runs(func(rows []scoredRow) {
				counter.Reset()
				c.give(counter, b, scores, rows)
				counts = counter.Counts(counts[:0])
				times := driftfile.Times{Timed: timed}
				if timed {
					at := func(a, b scoredRow) int { return cmp.Compare(a.at, b.at) }
					times.First, times.Last = slices.MinFunc(rows, at).at, slices.MaxFunc(rows, at).at
				}
				t.Add(window, rows[0].start, counter.Rows(), times, counts)
			})
		}
	})
}

// learning gives rows to a builder of a reference, in their order.
func learning(m *loadedModel, in *driftfile.Input, to *drift.ReferenceBuilder) *scoredCount {
	timed := in.EventTime != ""
	return newScoredCount(m, in, func(c *scoredCount, b *inference.Batch, scores *inference.Scores) {
		if timed {
			for i := range c.rows {
				c.rows[i].start = c.rows[i].at
			}
		} else {
			for i := range c.rows { // a row a block of rows
				c.rows[i].start = int64(i)
			}
		}
		c.runs(func(rows []scoredRow) { c.give(to.At(rows[0].start, timed), b, scores, rows) })
	})
}
