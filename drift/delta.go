package drift

import (
	"maps"
	"slices"
)

// Delta is what one epoch of one worker counted of one partition: the events with
// offsets From to To-1.
type Delta struct {
	Pipeline, Model, Version, Variant string
	Generation                        string
	Source                            string // topic, or stream/filter on NATS
	Partition                         int32
	From, To                          int64
	Part, Parts                       int // of a delta above 512 KiB that was split; 0 and 1 otherwise
	// Horizon is the latest event time, Unix milliseconds, of the range's events
	// that are not Future; math.MinInt64 without any.
	Horizon int64
	// Idle: the partition was read to its end when this was written, at Clock
	// (Unix milliseconds). From == To where that is all it says.
	Idle  bool
	Clock int64
	Panes []Pane // ascending by Start
}

// Pane is what was counted of a stretch of event time.
type Pane struct {
	Start  int64 // Unix milliseconds
	Rows   int64
	Late   int64    // events not counted: the partition was more than the lateness beyond the pane's end within the delta's own range
	Future int64    // events whose record time lies here and whose event time is more than the lateness later
	Lost   int64    // events that should be here and could not be counted
	Fields []Counts // one a field of the schema; empty where Rows is 0
	Texts  map[uint64]string
}

// MaxDelta is the most bytes of an encoded delta.
const MaxDelta = 512 << 10

// maxText is the longest text of a category that travels; a longer one is counted
// by its hash and has no name.
const maxText = 4 << 10

// Encode gives the delta in as many records as it takes, each at most MaxDelta.
// The same delta always gives the same bytes. Every record carries the range, and
// what it holds is a share of the sums: those of all parts added up are the delta.
func (d *Delta) Encode() [][]byte { return d.EncodeTo(nil) }

// EncodeTo is Encode with memory for the record, where one is enough: it is
// appended to b, which must be empty.
func (d *Delta) EncodeTo(b []byte) [][]byte {
	whole := *d
	if d.Parts <= 1 {
		whole.Part, whole.Parts = 0, 1
	}
	record := whole.appendRecord(b)
	if d.Parts > 1 || len(record) <= MaxDelta {
		return [][]byte{record}
	}
	parts := split(whole)
	records := make([][]byte, len(parts))
	for i := range parts {
		parts[i].Part, parts[i].Parts = i, len(parts)
		records[i] = parts[i].appendRecord(nil)
	}
	return records
}

// split halves a delta until every part fits a record.
func split(d Delta) []Delta {
	d.Part, d.Parts = 0, 1<<30 // as long as any number of parts can be
	if len(d.Panes) == 0 || len(d.appendRecord(nil)) <= MaxDelta {
		return []Delta{d}
	}
	a, b := d, d
	if half := len(d.Panes) / 2; half > 0 {
		a.Panes, b.Panes = d.Panes[:half], d.Panes[half:]
	} else {
		p, q := halves(d.Panes[0])
		a.Panes, b.Panes = []Pane{p}, []Pane{q}
	}
	return append(split(a), split(b)...)
}

// halves gives two panes that add up to p, the numbers of events in the first: the
// counts and the texts, or half of the texts, of the fields, or of a lone field's
// lists each.
func halves(p Pane) (a, b Pane) {
	a, b = p, Pane{Start: p.Start}
	var filled []int
	for i := range p.Fields {
		if !isZero(&p.Fields[i]) {
			filled = append(filled, i)
		}
	}
	switch half := len(filled) / 2; {
	case len(filled) > 0 && len(p.Texts) > 0:
		a.Texts, b.Texts = nil, p.Texts
	case len(filled) == 0:
		a.Texts, b.Texts = map[uint64]string{}, map[uint64]string{}
		for i, hash := range slices.Sorted(maps.Keys(p.Texts)) {
			if i < len(p.Texts)/2 {
				a.Texts[hash] = p.Texts[hash]
			} else {
				b.Texts[hash] = p.Texts[hash]
			}
		}
	case half > 0:
		a.Fields, b.Fields = make([]Counts, len(p.Fields)), make([]Counts, len(p.Fields))
		copy(a.Fields, p.Fields[:filled[half]])
		copy(b.Fields[filled[half]:], p.Fields[filled[half]:])
	default:
		a.Fields, b.Fields = slices.Clone(p.Fields), make([]Counts, len(p.Fields))
		whole, rest := &a.Fields[filled[0]], &b.Fields[filled[0]]
		buckets, categories := len(whole.Buckets)/2, len(whole.Categories)/2
		rest.Buckets, rest.Categories = whole.Buckets[buckets:], whole.Categories[categories:]
		whole.Buckets, whole.Categories = whole.Buckets[:buckets], whole.Categories[:categories]
	}
	return a, b
}

func isZero(c *Counts) bool {
	return c.Rows|c.Missing|c.NaN|c.PosInf|c.NegInf|c.TypeErrors|c.Other|c.New == 0 &&
		len(c.Buckets)+len(c.Categories) == 0 && c.Distinct == nil
}
