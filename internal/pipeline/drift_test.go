package pipeline_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
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
		Panes: panes, Idle: time.Second,
	}
}

// counts has a pipeline count.
func counts(t testing.TB, s stream) func(*setup) {
	return func(made *setup) {
		made.open.Counts = true
		made.config.Model.Mapping, made.config.Drift = counted(t, made.config.Model.Runtime, s.Panes())
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

// deltasOf decodes records.
func deltasOf(t testing.TB, records ...[]byte) []*drift.Delta {
	t.Helper()
	var all []*drift.Delta
	for _, r := range records {
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

// eachBroker runs a test on both brokers.
func eachBroker(t *testing.T, test func(t *testing.T, s stream)) {
	for name, open := range map[string]func(testing.TB) stream{
		"kfake": func(t testing.TB) stream { return newKfake(t) },
		"NATS":  newNATS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// TestCountsJoinTheCommit: whatever the workers, in both ways of delivery, what
// was counted comes to the same, and the ranges join up.
func TestCountsJoinTheCommit(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
				eachBroker(t, func(t *testing.T, s stream) {
					s.Create(t, 4, 1)
					events, predictions := laterOf(0, 999, 4)
					s.Publish(t, events[:500]...)
					r := pipelineOf(t, s, exactlyOnce, &doubler{}, counts(t, s), func(made *setup) { made.open.Workers = workers })
					s.Publish(t, events[500:]...)
					s.Read(t, sink, predictions)
					r.stop()
					checkSum(t, s, wanted(t, upTo(0, 999)...))
				})
			})
		}
	})
}

// TestCountsOutliveTakeovers: partitions that move to another process and back, and
// one that ends without a word, change nothing of what is counted.
func TestCountsOutliveTakeovers(t *testing.T) {
	eachBroker(t, func(t *testing.T, s stream) {
		s.Create(t, 4, 1)
		events, _ := laterOf(0, 1199, 4)
		var published int
		publish := func(n int) {
			for to := published + n; published < to; published += 20 {
				s.Publish(t, events[published:published+20]...)
				time.Sleep(5 * time.Millisecond)
			}
		}
		start := func(instance string) *running {
			return pipelineOf(t, s, true, &doubler{}, counts(t, s), func(made *setup) {
				made.open.Workers, made.open.Instance = 2, instance
				made.config.BatchRows, made.config.CommitInterval = 16, 5*time.Millisecond
			})
		}
		a := start("a")
		publish(300)
		b := start("b")
		publish(300)
		a.kill()
		a = start("a")
		publish(300)
		b.stop()
		publish(300)
		_, predictions := laterOf(0, 1199, 4)
		s.Read(t, sink, predictions)
		a.stop()
		checkSum(t, s, wanted(t, upTo(0, 1199)...))
	})
}

// faulty is a broker on which each third commit fails.
type faulty struct {
	pipeline.Broker
	commits atomic.Int64
	// leak, if there is one, publishes what was counted outside the epoch.
	leak func(value []byte) error
}

func (b *faulty) Open(ctx context.Context, n int) (pipeline.Session, error) {
	s, err := b.Broker.Open(ctx, n)
	if err != nil {
		return nil, err
	}
	return &faultySession{s, b}, nil
}

type faultySession struct {
	pipeline.Session
	b *faulty
}

var errInjected = errors.New("an injected fault")

func (s *faultySession) Commit(ctx context.Context, until broker.Offsets) (bool, error) {
	if s.b.commits.Add(1)%3 == 2 {
		return false, errors.Join(errInjected, s.Abort(ctx))
	}
	return s.Session.Commit(ctx, until)
}

func (s *faultySession) Publish(ctx context.Context, r *penstock.Record) error {
	if s.b.leak != nil && r.Topic == "p.panes" {
		return s.b.leak(r.Value)
	}
	return s.Session.Publish(ctx, r)
}

// withFaults runs a pipeline whose commits fail now and then over 600 events, and
// gives what it came to.
func withFaults(t *testing.T, s stream, leak func(value []byte) error) {
	t.Helper()
	s.Create(t, 2, 1)
	b := &faulty{leak: leak}
	r := pipelineOf(t, s, true, &doubler{}, counts(t, s), func(made *setup) {
		made.wrap = func(broker pipeline.Broker) pipeline.Broker {
			b.Broker = broker
			return b
		}
		made.config.BatchRows, made.config.CommitInterval = 16, time.Millisecond
	})
	events, _ := laterOf(0, 599, 2)
	for n := 50; n <= 600; n += 50 {
		s.Publish(t, events[n-50:n]...)
		r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered+got.Skipped == int64(n) })
	}
	r.stop()
}

// TestAbortedEpochsAreNotCounted: an epoch that is aborted takes with it what it
// counted.
func TestAbortedEpochsAreNotCounted(t *testing.T) {
	eachBroker(t, func(t *testing.T, s stream) {
		withFaults(t, s, nil)
		checkSum(t, s, wanted(t, upTo(0, 599)...))
	})
}

// TestCountingOutsideTheCommitShows: the mutant that publishes deltas by
// themselves counts what was aborted too, and the test above would see it.
func TestCountingOutsideTheCommitShows(t *testing.T) {
	s := newKfake(t)
	var leaked [][]byte
	withFaults(t, s, func(value []byte) error {
		leaked = append(leaked, value)
		return nil
	})
	y, _, err := sum(deltasOf(t, leaked...))
	if err == nil || y.text() == wanted(t, upTo(0, 599)...).text() {
		t.Errorf("the mutant's deltas join up and come to what they should:\n%s", y.text())
	}
}

// driftLoop runs the loop on a fake broker and counts.
func driftLoop(t testing.TB, b *fakeBroker, m *doubler) *running {
	return loopOn(t, b, m, func(c *pipeline.Config) { c.Model.Mapping, c.Drift = counted(t, m, "panes") })
}

// timedAt is an event for a fake broker.
func timedAt(partition int32, offset int64, x int) penstock.Event {
	r := timed(partition, x)
	return penstock.Event{ID: penstock.EventID{Source: "in", Partition: partition, Offset: offset}, Value: r.Value, Time: time.Now().UnixMilli()}
}

// TestOnlySettledEventsAreCounted: of an epoch of which a part is committed that
// part is counted, up to where its position is, in both ways of scoring.
func TestOnlySettledEventsAreCounted(t *testing.T) {
	for name, isolate := range map[string]bool{"in process": false, "isolated": true} {
		t.Run(name, func(t *testing.T) {
			b := &fakeBroker{isolate: isolate, poll: once(
				[]penstock.Event{timedAt(0, 10, 1), timedAt(1, 20, 2)},
				[]penstock.Event{timedAt(0, 11, 49), timedAt(0, 12, 69), timedAt(0, 13, 3), timedAt(0, 14, 66), timedAt(0, 15, 5), timedAt(1, 21, 6)},
			)}
			driftLoop(t, b, breaksAt(66))
			eventually(t, "a commit", func() error {
				b.mu.Lock()
				defer b.mu.Unlock()
				if len(b.until) == 0 {
					return errors.New("none")
				}
				return nil
			})
			b.mu.Lock()
			defer b.mu.Unlock()
			y, ends, _ := sum(deltasOf(t, b.counts...))
			if want := wanted(t, 1, 2, 49, 69, 3).text(); y.text() != want {
				t.Errorf("counted\n%swant\n%s", y.text(), want)
			}
			if ends["in/0"] != 14 || ends["in/1"] != 21 {
				t.Errorf("the ranges end at %v, want 14 and 21", ends)
			}
		})
	}
}

// TestIsolatedCountsAlike: what a child process scored is counted as what was
// scored in this one.
func TestIsolatedCountsAlike(t *testing.T) {
	var got [2]string
	for i, isolate := range []bool{false, true} {
		broken := timedAt(0, 8, 7)
		broken.Value = []byte("{")
		b := &fakeBroker{isolate: isolate, poll: once([]penstock.Event{
			timedAt(0, 1, 1), timedAt(1, 7, 2), timedAt(0, 2, 69), timedAt(0, 3, 49), timedAt(0, 4, 9), timedAt(1, 8, 333_333), broken,
			{ID: penstock.EventID{Source: "in", Offset: 9}, Control: true},
		})}
		r := driftLoop(t, b, &doubler{fails: map[float32]bool{9: true}})
		r.totals(func(got telemetry.Totals) bool { return got.Committed == 1 })
		b.mu.Lock()
		y, _, _ := sum(deltasOf(t, b.counts...))
		b.mu.Unlock()
		got[i] = y.text()
	}
	if want := wanted(t, 1, 2, 49, 333_333).text(); got[0] != want || got[1] != want {
		t.Errorf("in process\n%sisolated\n%swant\n%s", got[0], got[1], want)
	}
}
