package inference

import (
	"bytes"
	"math"
)

// Presence is what a row has of a watched field.
type Presence uint8

// The presences.
const (
	Present   Presence = iota
	Absent             // or null
	OtherType          // it has a value of another type than was asked for
)

// watched is the raw JSON of the i-th of CompileOptions.Watch; nil when absent.
func (b *Batch) watched(i, row int) []byte { return b.passed(row)[b.plan.shown+i] }

// WatchedNumber is the value of the i-th watched field, a bool as 0 or 1.
func (b *Batch) WatchedNumber(i, row int) (float64, Presence) {
	value := b.watched(i, row)
	if absent(value) {
		return 0, Absent
	}
	switch value[0] {
	case 't':
		return 1, Present
	case 'f':
		return 0, Present
	case '"', '{', '[':
		return 0, OtherType
	}
	d, _, _ := scanDecimal(value, 0)
	f := d.float(value)
	if math.IsInf(f, 0) {
		return 0, OtherType
	}
	return f, Present
}

// WatchedText is the value of the i-th watched field as text, valid until the next
// call: a string's content, a number as it is written, a bool as true or false.
func (b *Batch) WatchedText(i, row int) ([]byte, Presence) {
	value := b.watched(i, row)
	if absent(value) {
		return nil, Absent
	}
	switch value[0] {
	case '{', '[':
		return nil, OtherType
	case '"':
		value = value[1 : len(value)-1]
		if bytes.IndexByte(value, '\\') >= 0 {
			b.scratch = appendUnescaped(b.scratch[:0], value)
			value = b.scratch
		}
	}
	return value, Present
}

func absent(value []byte) bool { return value == nil || value[0] == 'n' }
