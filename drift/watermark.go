package drift

import (
	"math"
	"slices"
)

// PartitionID names a partition of the source.
type PartitionID struct {
	Source    string // topic, or stream/filter on NATS
	Partition int32
}

// patience is how much older than the idle time a claim to be idle may be: its
// owner may have died, and the next one needs time to take over, but what waits
// there may be old.
const patience = 10_000 // milliseconds

// partition is how far one is counted.
type partition struct {
	id      PartitionID
	listed  bool
	known   bool  // a delta has come
	next    int64 // the offset that the next delta begins with
	horizon int64 // the latest event time

	claims            bool  // to have been read to its end
	claimed, repeated int64 // when first and last, at this position

	pending []*Delta // parts of a delta of which others are still to come
}

// partition finds one, or makes it known.
func (w *Windows) partition(id PartitionID) *partition {
	p := w.partitions[id]
	if p == nil {
		p = &partition{id: id, horizon: math.MinInt64}
		w.partitions[id] = p
	}
	return p
}

// Partitions sets the list of the source's partitions. There is no watermark
// before the first one.
func (w *Windows) Partitions(ids []PartitionID) {
	for _, p := range w.partitions {
		p.listed = false
	}
	for _, id := range ids {
		w.partition(id).listed = true
	}
}

// gather gives the parts of a delta when the last one has come, nil before.
func (p *partition) gather(d *Delta) []*Delta {
	if d.Parts <= 1 {
		p.pending = nil
		return []*Delta{d}
	}
	if slices.ContainsFunc(p.pending, func(o *Delta) bool {
		return o.From != d.From || o.To != d.To || o.Parts != d.Parts || o.Part == d.Part
	}) {
		p.pending = nil // another attempt at it
	}
	p.pending = append(p.pending, d)
	if len(p.pending) < d.Parts {
		return nil
	}
	whole := p.pending
	p.pending = nil
	return whole
}

// move notes that a delta was counted. A claim lasts as long as what comes is more
// of the same: on NATS a quiet filter's position moves on with the stream's others.
func (p *partition) move(d *Delta) {
	quiet := d.Idle && d.From == p.next && d.Horizon == math.MinInt64 && len(d.Panes) == 0
	if !p.known || d.To != p.next && !quiet {
		p.claims = false
	}
	p.known, p.next, p.horizon = true, d.To, max(p.horizon, d.Horizon)
	if d.Idle {
		p.claim(d.Clock)
	}
}

// claim notes that the partition is said to be read to its end.
func (p *partition) claim(clock int64) {
	if !p.claims {
		p.claims, p.claimed = true, clock
	}
	p.repeated = max(p.repeated, clock)
}

// isIdle tells whether the partition's owners have said for the idle time that they
// had read it to its end, and have just said so again.
func (p *partition) isIdle(clock, idle int64) bool {
	return p.claims && p.repeated-p.claimed >= idle && clock-p.repeated <= idle+patience
}

// watermark is the least that a partition which is not idle has come to. When all
// are idle it follows the clock, as far as all of them were known to be at their
// end.
func (w *Windows) watermark(clock int64) int64 {
	mark, idle := int64(math.MaxInt64), clock
	listed := 0
	for _, p := range w.partitions {
		switch {
		case !p.listed:
			continue
		case p.isIdle(clock, w.idle):
			idle = min(idle, p.repeated)
		default:
			mark = min(mark, p.horizon)
		}
		listed++
	}
	switch {
	case listed == 0:
		return math.MinInt64
	case mark == math.MaxInt64:
		return idle
	}
	return mark
}

// WindowsGauges says where a Windows stands.
type WindowsGauges struct {
	Watermark  int64 // Unix milliseconds; math.MinInt64 before there is one
	Partitions int   // listed
	Unseen     int   // of these, not heard of: they hold the watermark back
	Idle       int   // of these, idle: they do not
	Panes      int   // sums kept
}

// Gauges says where it stood at the last Advance.
func (w *Windows) Gauges() WindowsGauges {
	gauges := WindowsGauges{Watermark: w.mark}
	for _, p := range w.partitions {
		if !p.listed {
			continue
		}
		gauges.Partitions++
		if !p.known {
			gauges.Unseen++
		}
		if p.isIdle(w.clock, w.idle) {
			gauges.Idle++
		}
	}
	for _, g := range w.grids {
		gauges.Panes += len(g.cells)
	}
	return gauges
}
