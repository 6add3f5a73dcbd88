package inference

import (
	"bytes"
	"math/bits"

	"github.com/penstock/penstock"
)

// Batch collects decoded events, one row each, as the model's inputs. It
// belongs to one goroutine. An event's bytes must stay as they are until Reset,
// since fields that are passed on refer to them.
type Batch struct {
	plan    *Plan
	maxRows int
	row     int // rows done; the one at hand while decoding

	root    *node
	nodes   []node
	stores  []store
	texts   []*store // those with text
	masks   []int    // the inputs that are masks
	lists   []*store // those of open length, masks too
	longest int      // the most elements that a ragged row may have
	widths  []int    // scratch of runEnd: by ragged input
	scratch []byte   // an unescaped key or string
	copies  []byte   // cells that are passed on
	copied  int      // the end of those of finished rows

	// Sets of nodes, words words each, for the row at hand.
	words    int
	visited  []uint64 // an event that brings a node twice is refused
	nulls    []uint64
	features []uint64 // constant: nodes that fill inputs or the event time
	nullAt   []int    // offset of a node's null, where nulls has it

	fault     fault
	offsets   bool // positions are offsets within the event, not within a cell
	rejection *penstock.Rejection

	// By row.
	filled    []uint64 // sets of nodes, words words each
	anyFilled []bool
	times     []int64
	timed     []bool
	pass      [][]byte // by row and passed field; nil when absent

	tensors []*Tensor
}

// NewBatch makes room for maxRows rows. It is one worker's.
func (p *Plan) NewBatch(maxRows int) *Batch {
	words := len(p.nodes)/64 + 1
	b := &Batch{
		plan: p, maxRows: maxRows, words: words,
		visited: make([]uint64, words), nulls: make([]uint64, words), features: make([]uint64, words),
		nullAt: make([]int, len(p.nodes)),
		stores: make([]store, len(p.inputs)),
		filled: make([]uint64, words*maxRows), anyFilled: make([]bool, maxRows),
		times: make([]int64, maxRows), timed: make([]bool, maxRows),
		pass:    make([][]byte, maxRows*len(p.pass)),
		tensors: make([]*Tensor, len(p.inputs)),
	}
	for i := range p.inputs {
		in := &p.inputs[i]
		b.stores[i].init(in, maxRows)
		if in.info.Type == String {
			b.texts = append(b.texts, &b.stores[i])
		}
		if in.maskOf >= 0 {
			b.masks = append(b.masks, i)
			b.stores[in.maskOf].masks = true
		}
	}
	b.bindRagged()
	b.bindNodes()
	return b
}

// Len is the number of rows.
func (b *Batch) Len() int { return b.row }

// Full tells whether there is no room for another row.
func (b *Batch) Full() bool {
	for _, s := range b.texts {
		if len(s.text) >= maxText {
			return true
		}
	}
	return b.row == b.maxRows || b.raggedBytes() >= maxLaidOut
}

// Reset forgets all rows and keeps the memory.
func (b *Batch) Reset() {
	b.row = 0
	b.copies, b.copied = b.copies[:0], 0
	clear(b.pass) // so that the events can be freed
	for _, s := range b.texts {
		s.reset()
	}
	b.releaseRagged()
}

// Tensors lays rows lo to hi-1 out as the model's inputs, in the model's order.
// When rows is more than hi-lo, the last row is repeated until there are rows,
// for a model with a fixed batch size. Variable-length inputs are padded to the
// longest of these rows, at least to 1, which among many rows may be far more
// than the events brought; a Scorer cuts its runs accordingly. The tensors are
// valid until the next call of Tensors, DecodeJSON, DecodeCells or Reset; the
// memory of inputs of fixed width stays where it is as long as the Batch lives,
// except for repeated rows.
func (b *Batch) Tensors(lo, hi, rows int) []*Tensor {
	for i := range b.stores {
		b.tensors[i] = b.stores[i].tensor(lo, hi, rows)
	}
	return b.tensors
}

// HasFlags tells whether AppendFlags has anything to say of a row.
func (b *Batch) HasFlags(row int) bool {
	return b.anyFilled[row] || b.plan.time >= 0 && !b.timed[row]
}

// AppendFlags appends a row's flags as JSON strings with commas between them,
// "missing:customer.age","event_time", and one before the first unless dst ends
// in "[".
func (b *Batch) AppendFlags(dst []byte, row int) []byte {
	if b.anyFilled[row] {
		for w, set := range b.filled[row*b.words : (row+1)*b.words] {
			for ; set != 0; set &= set - 1 {
				dst = appendFlag(dst, b.nodes[w*64+bits.TrailingZeros64(set)].flag)
			}
		}
	}
	if b.plan.time >= 0 && !b.timed[row] {
		dst = appendFlag(dst, `"event_time"`)
	}
	return dst
}

func appendFlag(dst []byte, flag string) []byte {
	if len(dst) > 0 && dst[len(dst)-1] != '[' {
		dst = append(dst, ',')
	}
	return append(dst, flag...)
}

// HasPass tells whether a row has a field to pass on.
func (b *Batch) HasPass(row int) bool {
	for _, value := range b.passed(row)[:b.plan.shown] {
		if value != nil {
			return true
		}
	}
	return false
}

// AppendPass appends the fields that are passed on as one JSON object, absent
// ones left out, their values as they came but for insignificant white space.
func (b *Batch) AppendPass(dst []byte, row int) []byte {
	dst = append(dst, '{')
	first := true
	for i, value := range b.passed(row)[:b.plan.shown] {
		if value == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, b.plan.pass[i].key...)
		dst = append(dst, ':')
		dst = appendCompact(dst, value)
	}
	return append(dst, '}')
}

func (b *Batch) passed(row int) [][]byte {
	n := len(b.plan.pass)
	return b.pass[row*n : (row+1)*n]
}

// EventTime is a row's event time. It gives false when there is none that can
// be read.
func (b *Batch) EventTime(row int) (unixNano int64, ok bool) { return b.times[row], b.timed[row] }

// appendCompact appends a checked JSON value without its white space.
func appendCompact(dst, value []byte) []byte {
	if value[0] != '{' && value[0] != '[' {
		return append(dst, value...)
	}
	for len(value) > 0 {
		switch value[0] {
		case ' ', '\n', '\t', '\r':
			value = value[1:]
		case '"':
			end := 1
			for value[end] != '"' {
				if value[end] == '\\' {
					end++
				}
				end++
			}
			dst = append(dst, value[:end+1]...)
			value = value[end+1:]
		default:
			n := bytes.IndexAny(value, " \n\t\r\"")
			if n < 0 {
				n = len(value)
			}
			dst = append(dst, value[:n]...)
			value = value[n:]
		}
	}
	return dst
}
