package drift

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// streamConfig has windows of all kinds over days in which clocks change.
func streamConfig(t testing.TB) WindowsConfig {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return WindowsConfig{
		Pane: time.Minute, Lateness: 10 * time.Minute, Idle: time.Minute, Zone: zone,
		Windows: []WindowSpec{
			{Name: "1h", Length: time.Hour},
			{Name: "144m", Length: 144 * time.Minute},
			{Name: "1d", Calendar: "1d"},
		},
	}
}

var streamFields = []FieldSchema{{Field: Field{Name: "amount"}}, {Field: Field{Name: "shop", Kind: Categorical}}}

// streamEvent is one event of a partition; its offset is its place there.
type streamEvent struct {
	time, record int64
	value        uint64
}

func (e streamEvent) future(cfg WindowsConfig) bool {
	return e.time > e.record+cfg.Lateness.Milliseconds()
}

// drawStream draws partitions whose events are mostly in order, some out of it,
// some late, some from the future, with nights in which all sleep.
func drawStream(r *rand.Rand, partitions, events int) [][]streamEvent {
	begin := time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC).UnixMilli()
	stream := make([][]streamEvent, partitions)
	for p := range stream {
		at := begin
		for i := range events {
			at += int64(r.ExpFloat64() * 90_000)
			if i%(events/3) == events/3-1 {
				at += 8 * 3_600_000
			}
			e := streamEvent{time: at, record: at, value: r.Uint64N(5)}
			switch r.IntN(12) {
			case 0, 1: // within the lateness
				e.time -= r.Int64N(9 * 60_000)
			case 2: // about or beyond it
				e.time -= 9*60_000 + r.Int64N(30*60_000)
			case 3:
				e.time += 11*60_000 + r.Int64N(1<<40)
			}
			stream[p] = append(stream[p], e)
		}
		// The last one closes all windows.
		stream[p] = append(stream[p], streamEvent{time: at + 90*24*3_600_000, record: at + 90*24*3_600_000})
	}
	return stream
}

// worker counts ranges of partitions.
type worker struct {
	cfg      WindowsConfig
	careless bool // does not look for late events within a range
}

// count gives the delta of a range.
func (w worker) count(partition int, events []streamEvent, from, to int) *Delta {
	cfg := w.cfg
	d := &Delta{Source: "s", Partition: int32(partition), From: int64(from), To: int64(to), Parts: 1, Horizon: math.MinInt64}
	panes := map[int64]*cell{}
	pane := func(t int64) *cell {
		start := floor(t, cfg.Pane.Milliseconds())
		if panes[start] == nil {
			panes[start] = &cell{sum: Pane{Start: start}}
		}
		return panes[start]
	}
	for _, e := range events[from:to] {
		switch p := pane(e.time); {
		case e.future(cfg):
			pane(e.record).sum.Future++
		case !w.careless && d.Horizon >= p.sum.Start+cfg.Pane.Milliseconds()+cfg.Lateness.Milliseconds():
			p.sum.Late++
		default:
			p.add(countEvent(e))
			d.Horizon = max(d.Horizon, e.time)
		}
	}
	for _, start := range slices.Sorted(maps.Keys(panes)) {
		if p := panes[start].sum; p.Rows+p.Late+p.Future > 0 {
			d.Panes = append(d.Panes, p)
		}
	}
	return d
}

func countEvent(e streamEvent) *Pane {
	return &Pane{Rows: 1, Fields: []Counts{
		{Rows: 1, Buckets: []Bucket{{Key: e.value << basicShift, N: 1}}},
		{Rows: 1, Categories: []Category{{Key: e.value % 3, N: 1}}},
	}}
}

// windowID names a window among the results.
type windowID struct {
	name string
	span Span
}

// say is all that a report's numbers depend on; the revision is no part of it.
func say(c *Closed) string {
	b := fmt.Appendf(nil, "%d rows, %d late, %d future, %d lost, complete %v", c.Rows, c.Late, c.Future, c.Lost, c.Complete)
	for i := range c.Fields {
		b = fmt.Appendf(b, " %x", appendCounts(nil, &c.Fields[i], c.Rows))
	}
	return string(b)
}

// tell computes what the last revisions have to say from the events alone.
func tell(cfg WindowsConfig, stream [][]streamEvent) map[windowID]string {
	sums := map[windowID]*Closed{}
	each := func(t int64, f func(*Closed)) {
		for _, spec := range cfg.Windows {
			step := (spec.Length / 12).Milliseconds()
			spans := []Span{}
			if spec.Calendar != "" {
				spans = append(spans, calendar{spec.Calendar, cfg.Zone}.span(t))
			} else {
				for start := floor(t, step); start > t-spec.Length.Milliseconds(); start -= step {
					spans = append(spans, Span{start, start + spec.Length.Milliseconds()})
				}
			}
			for _, span := range spans {
				id := windowID{spec.Name, span}
				if sums[id] == nil {
					sums[id] = &Closed{Complete: true}
				}
				f(sums[id])
			}
		}
	}
	for _, events := range stream {
		latest := int64(math.MinInt64)
		for _, e := range events {
			end := floor(e.time, cfg.Pane.Milliseconds()) + cfg.Pane.Milliseconds()
			switch {
			case e.future(cfg):
				each(e.record, func(c *Closed) { c.Future++ })
			case latest >= end+cfg.Lateness.Milliseconds():
				each(e.time, func(c *Closed) { c.Late++ })
			default:
				latest = max(latest, e.time)
				each(e.time, func(c *Closed) {
					c.Rows++
					c.Fields = addFields(c.Fields, countEvent(e).Fields)
				})
			}
		}
	}
	said := map[windowID]string{}
	for id, sum := range sums {
		if last := stream[0][len(stream[0])-1].time - 40*24*3_600_000; sum.Rows > 0 && id.span.End < last {
			said[id] = say(sum)
		}
	}
	return said
}

// drawLog cuts partitions into ranges, some of which come twice or in parts, and
// puts them in an order that is each partition's own. One more partition is idle.
func drawLog(r *rand.Rand, w worker, stream [][]streamEvent, longest int) [][]byte {
	queues := make([][]*Delta, len(stream))
	for p, events := range stream {
		for from := 0; from < len(events)-1; {
			to := min(from+1+r.IntN(longest), len(events)-1)
			queues[p] = append(queues[p], drawParts(r, w.count(p, events, from, to))...)
			if r.IntN(5) == 0 { // at least once: the same again, by one who cuts otherwise
				middle := from + r.IntN(to-from)
				queues[p] = append(queues[p], w.count(p, events, middle, to))
			}
			from = to
		}
		queues[p] = append(queues[p], w.count(p, events, len(events)-1, len(events)))
	}
	var idle []*Delta
	for i := range 50 {
		idle = append(idle, &Delta{Source: "s", Partition: int32(len(stream)), Parts: 1, Horizon: math.MinInt64, Idle: true, Clock: int64(i) * 15_000})
	}
	queues = append(queues, idle)
	var log [][]byte
	for len(queues) > 0 {
		// One partition comes far behind the others for a while.
		i := r.IntN(len(queues))
		n := 1 + r.IntN(len(queues[i]))/4
		for _, d := range queues[i][:n] {
			log = append(log, d.Encode()...)
		}
		if queues[i] = queues[i][n:]; len(queues[i]) == 0 {
			queues = slices.Delete(queues, i, i+1)
		}
	}
	return log
}

// drawParts gives a delta as one, in two parts, or in two after an attempt that
// ended with the first.
func drawParts(r *rand.Rand, d *Delta) []*Delta {
	if len(d.Panes) == 0 || r.IntN(4) != 0 {
		return []*Delta{d}
	}
	a, b := *d, *d
	a.Parts, b.Part, b.Parts = 2, 1, 2
	last := len(d.Panes) - 1
	p, q := halves(d.Panes[last])
	a.Panes, b.Panes = append(slices.Clone(d.Panes[:last]), p), []Pane{q}
	if r.IntN(3) == 0 {
		return []*Delta{&a, &a, &b}
	}
	return []*Delta{&a, &b}
}
