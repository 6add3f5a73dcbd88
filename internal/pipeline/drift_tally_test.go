package pipeline_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/pipeline"
)

// counted is how the tests' pipelines count: x and the score, of events with a
// time of their own, in panes of a minute.
func counted(t testing.TB, m inference.Model, panes string) (*inference.Plan, *pipeline.Drift) {
	t.Helper()
	cfg := &inference.Config{
		Inputs: []inference.Input{{Name: "input", List: true, Columns: []inference.Column{{From: "x", At: 0}}}},
		Output: inference.Output{Pass: []string{"pass"}},
	}
	mapping, problems := inference.Compile(cfg, m.Inputs(), inference.CompileOptions{EventTime: "ts"})
	if mapping == nil {
		t.Fatal(problems)
	}
	_, out, _ := model(t, m)
	plan, problems := observe.New(observe.Selection{All: true}, mapping, out)
	if plan == nil {
		t.Fatal(problems)
	}
	schema := drift.NewSchema(plan.Fields, nil)
	return mapping, &pipeline.Drift{
		Config: observe.Config{
			Pipeline: "p", Model: identity, Variant: "champion", Pane: time.Minute, Lateness: 10 * time.Minute, Plan: plan,
			Schema: func() *drift.Schema { return schema },
		},
		Panes: panes, Idle: time.Second, JoinEarly: true,
	}
}

// counts has a pipeline count.
func counts(t testing.TB, s stream) func(*setup) {
	return func(made *setup) {
		made.open.Counts = true
		made.config.Model.Mapping, made.config.Drift = counted(t, made.config.Model.Runtime, s.Panes())
		_, onNATS := s.(*natsStream)
		made.config.Drift.JoinEarly = !onNATS
	}
}

// firstTime is the event time of x = 0, Unix milliseconds.
var firstTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// timed is x as an event that is x seconds later than the first. One in each 50 is
// of a wrong type, and one in each 70 a tombstone.
func timed(partition int32, x int) record {
	r := record{Partition: partition, Value: fmt.Appendf(nil, `{"x":%d,"pass":"%d","ts":%d}`, x, x, firstTime+int64(x)*1000)}
	switch {
	case x%50 == 49:
		r.Value = fmt.Appendf(nil, `{"x":"no","ts":%d}`, firstTime+int64(x)*1000)
	case x%70 == 69:
		r.Key, r.Value = []byte("gone"), nil
	}
	return r
}

// laterOf are events numbered from first to last in turn over the partitions.
func laterOf(first, last, partitions int) (all []record, predictions int) {
	for x := first; x <= last; x++ {
		all = append(all, timed(int32(x%partitions), x))
		if x%50 != 49 && x%70 != 69 {
			predictions++
		}
	}
	return all, predictions
}

// tally is what was counted, by pane.
type tally map[int64]*drift.Pane

// pane finds or adds one.
func (y tally) pane(start int64, fields int) *drift.Pane {
	if y[start] == nil {
		y[start] = &drift.Pane{Start: start, Fields: make([]drift.Counts, fields)}
	}
	return y[start]
}

// text shows all of it.
func (y tally) text() string {
	var b strings.Builder
	for _, start := range slices.Sorted(maps.Keys(y)) {
		p := y[start]
		fmt.Fprintf(&b, "%s rows %d late %d future %d lost %d", time.UnixMilli(start).UTC().Format("15:04"), p.Rows, p.Late, p.Future, p.Lost)
		for i := range p.Fields {
			c := &p.Fields[i]
			fmt.Fprintf(&b, " | %d: rows %d errors %d %v", i, c.Rows, c.TypeErrors, c.Buckets)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// wanted is what timed events come to.
func wanted(t testing.TB, numbers ...int) tally {
	_, d := counted(t, &doubler{}, "")
	y := tally{}
	counters := map[int64]*drift.Counter{}
	for _, x := range numbers {
		if x%50 != 49 && x%70 == 69 {
			continue
		}
		start := firstTime + int64(x)/60*60_000
		if counters[start] == nil {
			counters[start] = drift.NewCounter(d.Schema())
		}
		c := counters[start]
		c.Row()
		if x%50 == 49 {
			c.TypeError(0)
			continue
		}
		c.Number(0, float64(x))
		c.Number(1, float64(2*x))
	}
	for start, c := range counters {
		p := y.pane(start, 2)
		p.Rows, p.Fields = c.Rows(), c.Counts(nil)
	}
	return y
}

// upTo are the numbers from first to last.
func upTo(first, last int) []int {
	var all []int
	for x := first; x <= last; x++ {
		all = append(all, x)
	}
	return all
}

// sum adds deltas up, and tells whether those of each partition join up without a
// gap or an overlap.
func sum(deltas []*drift.Delta) (y tally, ends map[string]int64, err error) {
	y, ends = tally{}, map[string]int64{}
	sorted := slices.Clone(deltas)
	slices.SortStableFunc(sorted, func(a, b *drift.Delta) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	for _, d := range sorted {
		name := fmt.Sprintf("%s/%d", d.Source, d.Partition)
		if at, ok := ends[name]; ok && at != d.From {
			err = errors.Join(err, fmt.Errorf("%s: a delta begins at %d where the one before ended at %d", name, d.From, at))
		}
		ends[name] = d.To
		for i := range d.Panes {
			p := y.pane(d.Panes[i].Start, 2)
			p.Rows += d.Panes[i].Rows
			p.Late += d.Panes[i].Late
			p.Future += d.Panes[i].Future
			p.Lost += d.Panes[i].Lost
			for f := range d.Panes[i].Fields {
				p.Fields[f].Add(&d.Panes[i].Fields[f])
			}
		}
	}
	return y, ends, err
}

// deltasOf decodes records, of which the empty ones say nothing.
func deltasOf(t testing.TB, records ...[]byte) []*drift.Delta {
	t.Helper()
	var all []*drift.Delta
	for _, r := range records {
		if len(r) == 0 {
			continue
		}
		d, err := drift.DecodeDelta(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// readDeltas reads all deltas that are there.
func readDeltas(t testing.TB, s stream) []*drift.Delta {
	t.Helper()
	var values [][]byte
	for _, r := range s.Read(t, panes, 1) {
		values = append(values, r.Value)
	}
	return deltasOf(t, values...)
}

// checkSum waits until the deltas of a stream come to what they must.
func checkSum(t *testing.T, s stream, want tally) {
	t.Helper()
	var y tally
	var err error
	for range 20 { // a reader may stop before the last one
		y, _, err = sum(readDeltas(t, s))
		if err == nil && y.text() == want.text() {
			return
		}
	}
	t.Errorf("counted (%v)\n%swant\n%s", err, y.text(), want.text())
}
