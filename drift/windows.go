package drift

import (
	"fmt"
	"math"
	"time"
)

// WindowsConfig is what Windows is told.
type WindowsConfig struct {
	Pane, Lateness, Idle time.Duration
	Windows              []WindowSpec
	Zone                 *time.Location
	// Collect is the stretch of event time whose panes are kept for a first
	// reference, and CollectRows how many rows it has at least, see Collected; 0
	// where there is a reference.
	Collect     time.Duration
	CollectRows int64
}

// Windows sums the deltas of one generation of one model version into windows.
// What it keeps are not panes but sums of as many as no window's bounds divide: a
// twelfth of a sliding window, a whole calendar one.
//
// Its owner calls Partitions when the broker's metadata changed, Apply for every
// delta in the order of the log, Advance about once a second, and before a commit
// Sums and then Head, whose records go into the same commit as the offsets. After a
// takeover Restore gives back what the last commit left.
//
// What the last revision of a window says does not depend on how the events fell
// into deltas, on who wrote these, or on the order in which those of different
// partitions came. For whether an event is late is decided within its partition:
// it is if one that came before was already the lateness past the end of its pane.
// The watermark, the least that any partition has come to, decides only when
// something is said; and as no partition's own time is behind it, a sum is kept
// until nothing can be added to it any more. The exception are partitions that were
// idle: what they bring after that, however early in their own time, is Expired.
//
// Where a partition's first delta does not begin with the partition itself, what lies
// before was counted by others, or by nobody: the windows that it may belong to are
// not complete.
//
// Late events are told in the windows that they would have been in, unless their
// partition was then even the lateness and the window's length past them.
type Windows struct {
	pane, lateness, idle int64 // milliseconds
	fields               int
	grids                []*grid
	collect              *collection // nil where nothing is to be collected
	partitions           map[PartitionID]*partition
	mark                 int64 // how far the watermark was followed: what closes up to it has
	clock                int64 // of the last Advance
	gaps                 gaps
	from                 int64 // windows that end by then are not told

	saved, saving headState // as of Saved, and as Head left it since
	// obsolete are the keys of stored records that the head does not name any
	// more, and removing those of them that Obsolete gave.
	obsolete map[string]bool
	removing []string
}

// NewWindows begins with nothing. The fields are those of the schema.
func NewWindows(cfg WindowsConfig, fields []FieldSchema) *Windows {
	w := &Windows{
		pane:       cfg.Pane.Milliseconds(),
		lateness:   cfg.Lateness.Milliseconds(),
		idle:       cfg.Idle.Milliseconds(),
		fields:     len(fields),
		partitions: map[PartitionID]*partition{},
		mark:       math.MinInt64,
		from:       math.MinInt64,
		obsolete:   map[string]bool{},
	}
	for _, spec := range cfg.Windows {
		w.grids = append(w.grids, newGrid(spec, cfg))
	}
	if cfg.Collect > 0 {
		w.collect = newCollection(cfg)
	}
	return w
}

// ApplyResult says what became of a delta.
type ApplyResult struct {
	Pending   bool  // a part of a delta, of which others are still to come
	Duplicate int64 // offsets that had been counted before; the delta was skipped
	Restarted bool  // offsets that had been counted before have new events: the topic is another one of that name
	Overlap   int64 // offsets that may have been counted twice: the ranges overlap without being the same
	Lost      int64 // offsets between the last delta and this one that nobody counted
	Late      int64 // events that came too late and are not counted
	Expired   int64 // events that no window tells of, neither as rows nor as late
}

// firstOffset is where a partition begins at the latest: sequences of NATS begin
// with 1, offsets of Kafka with 0.
const firstOffset = 1

// Apply adds a delta. Deltas of one partition come in the order of their ranges,
// those of different partitions in any. An error says that the delta does not fit
// the schema; nothing was added then.
//
// A delta in parts counts when all of them are there. Parts that the worker did not
// live to complete are forgotten with the partition's next delta.
//
// A range that was counted whole is skipped. It has no event later than all that
// were counted; one that has is of a topic that was deleted and created anew.
func (w *Windows) Apply(d *Delta) (ApplyResult, error) {
	for i := range d.Panes {
		if n := len(d.Panes[i].Fields); n != 0 && n != w.fields {
			return ApplyResult{}, fmt.Errorf("delta of %s/%d from %d: %d fields where the schema has %d", d.Source, d.Partition, d.From, n, w.fields)
		}
	}
	p := w.partition(PartitionID{d.Source, d.Partition})
	parts := p.gather(d)
	if parts == nil {
		return ApplyResult{Pending: true}, nil
	}
	var result ApplyResult
	if p.known {
		switch {
		case d.From < d.To && d.To <= p.next && d.Horizon <= p.horizon:
			return ApplyResult{Duplicate: d.To - d.From}, nil
		case d.From < d.To && d.To <= p.next:
			result.Restarted = true
		case d.From == d.To && d.To < p.next:
			// Its end is before what was counted: the topic is another one of that
			// name. Or a worker was frozen as it said so, which it does not do twice.
			p.claim(d.Clock)
			return ApplyResult{}, nil
		case d.From < p.next:
			result.Overlap = p.next - d.From
		case d.From > p.next:
			result.Lost = d.From - p.next
			w.lose(p, d, result.Lost)
		}
	} else if d.From > firstOffset {
		w.lose(p, d, d.From)
	}
	for _, part := range parts {
		for i := range part.Panes {
			w.add(&part.Panes[i], p.horizon, &result)
		}
	}
	p.move(d)
	return result, nil
}

// add adds a pane of a partition that had come to horizon before.
func (w *Windows) add(p *Pane, horizon int64, result *ApplyResult) {
	if horizon >= p.Start+w.pane+w.lateness {
		p = &Pane{Start: p.Start, Late: p.Late + p.Rows, Future: p.Future, Lost: p.Lost}
	}
	told := false
	for _, g := range w.grids {
		if cell := g.cell(p.Start, horizon, w.mark); cell != nil {
			cell.add(p)
			told = true
		}
	}
	result.Late += p.Late
	if !told {
		result.Expired += p.Late + p.Rows
	}
	if w.collect != nil {
		w.collect.add(p, w.mark)
	}
}
