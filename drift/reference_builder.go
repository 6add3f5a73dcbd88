package drift

import (
	"fmt"
	"math"
	"time"
)

const (
	// maxBlocks is how many calibration blocks a reference has at most. Where
	// there would be more, they become twice as long.
	maxBlocks = 1024
	// blockRows is how long blocks are at first where rows have no event time.
	blockRows = 256
)

// ReferenceBuilder builds a reference from rows in one pass. Its memory does not
// grow with the rows but only with the fields: a numeric one takes a few MB, a
// categorical one a few MB and the texts of its first 65,536 values. What it gives
// depends on the rows and their order only.
//
// Numbers are kept in sketches, whose counts are exact while a field has at most
// 16,384 different values, and to within one in 4096 thereafter.
type ReferenceBuilder struct {
	columns []column // one a field as it is counted
	first   []int    // of each given field, its first column

	rows     int64
	from, to int64 // event times; from > to until there is one
	byTime   bool  // blocks are stretches of event time; else of rows

	length int64 // of a block, in milliseconds or rows
	starts []int64
	at     map[int64]int32 // block by start
	now    int32           // the block that rows go to
	end    int64           // of that block
	out    ReferenceRows
}

// column gathers what is normal of one field.
type column interface {
	missing(block int32)
	typeError(block int32)
	addCounts(c *Counts, texts map[uint64]string, block int32)
	// build gives it, with blocks in the order of the numbers in order.
	build(order []int32) ReferenceField
	// join makes blocks of others: block i becomes to[i].
	join(to []int32, blocks int)
}

// NewReferenceBuilder begins one. block is the stretch of event time of a
// calibration block.
func NewReferenceBuilder(fields []Field, block time.Duration) *ReferenceBuilder {
	b := &ReferenceBuilder{
		from: math.MaxInt64, to: math.MinInt64,
		length: max(block.Milliseconds(), 1), at: map[int64]int32{}, now: -1,
	}
	for _, f := range fields {
		b.first = append(b.first, len(b.columns))
		b.columns = append(b.columns, newColumns(f)...)
	}
	b.out.b = b
	return b
}

// newColumns are those that a field is counted as.
func newColumns(f Field) []column {
	switch f.Kind {
	case Categorical:
		return []column{newTextColumn(f)}
	case Embedding:
		return newVectorColumns(f)
	default:
		return []column{&numberColumn{field: f}}
	}
}

// At returns what takes the rows of the block that eventTime (Unix ms) lies in,
// until the next At. Where the first row of all has no time (ok is false), blocks
// are stretches of rows; later rows without one go to the block of the row before.
func (b *ReferenceBuilder) At(eventTime int64, ok bool) *ReferenceRows {
	if b.now < 0 && !ok {
		b.length = blockRows
	} else if b.now < 0 {
		b.byTime = true
	}
	if ok {
		b.from, b.to = min(b.from, eventTime), max(b.to, eventTime)
	}
	switch {
	case !b.byTime:
		eventTime = b.rows
	case !ok:
		return &b.out
	}
	if b.now < 0 || eventTime >= b.end || eventTime < b.end-b.length {
		b.enter(eventTime)
	}
	return &b.out
}

// enter makes the block of a time, or number of a row, the one that rows go to.
func (b *ReferenceBuilder) enter(at int64) {
	for {
		start := floor(at, b.length)
		block, known := b.at[start]
		if !known && len(b.starts) == maxBlocks {
			b.lengthen()
			continue
		}
		if !known {
			block = int32(len(b.starts))
			b.at[start] = block
			b.starts = append(b.starts, start)
		}
		b.now, b.end = block, start+b.length
		return
	}
}

// lengthen makes blocks twice as long.
func (b *ReferenceBuilder) lengthen() {
	b.length *= 2
	b.at = map[int64]int32{}
	to := make([]int32, len(b.starts))
	starts := b.starts
	b.starts = nil
	for i, start := range starts {
		start = floor(start, b.length)
		block, known := b.at[start]
		if !known {
			block = int32(len(b.starts))
			b.at[start] = block
			b.starts = append(b.starts, start)
		}
		to[i] = block
	}
	for _, c := range b.columns {
		c.join(to, len(b.starts))
	}
}

// Build ends it. It is an error to have given no row.
func (b *ReferenceBuilder) Build() (*Reference, error) {
	if b.rows == 0 {
		return nil, fmt.Errorf("reference: %w", errNoRows)
	}
	r := &Reference{Rows: b.rows}
	if b.from <= b.to {
		r.From, r.To = time.UnixMilli(b.from).UTC(), time.UnixMilli(b.to).UTC()
	}
	if b.byTime {
		r.Block = b.length
	}
	order := inOrder(b.starts)
	for _, i := range order {
		r.Starts = append(r.Starts, b.starts[i])
	}
	for _, c := range b.columns {
		r.Fields = append(r.Fields, c.build(order))
	}
	return r, r.seal()
}
