package onnxfile

import (
	"encoding/binary"
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
)

// run steps over the fields that follow and are the current one again: trees
// are millions of numbers, each with a tag. It takes no steps of the walk's, for
// it costs no more than reading the bytes does. It gives how many fields there
// were and how many bytes the length-delimited ones hold.
func (m *message) run() (fields, held uint64) {
	tag := byte(m.field)<<3 | byte(m.wire)
	if m.field >= 1<<4 {
		return 0, 0 // a longer tag, which no bulk has
	}
	for len(m.rest) > 1 && m.rest[0] == tag {
		if m.wire == protowire.VarintType && m.rest[1] < 0x80 {
			m.advance(2)
			fields++
			continue
		}
		m.start = m.at
		m.advance(1)
		if !m.value() {
			break
		}
		fields++
		if m.wire == protowire.BytesType {
			held += uint64(len(m.bytes))
		}
	}
	return fields, held
}

// skipValues passes over an attribute's repeated numbers or texts, if the
// current field is of those.
func (m *message) skipValues() {
	switch m.field {
	case attributeFloats, attributeInts, attributeStrings:
		m.run()
	}
}

// integers steps over the values of a repeated integer field, packed or not.
type integers struct {
	rest  []byte
	value uint64
	left  bool // value is one that stands alone and is yet to come
	bad   bool // the bytes are no integers
}

func (m *message) integers() integers {
	if m.wire == protowire.VarintType {
		return integers{value: m.number, left: true}
	}
	return integers{rest: m.bytes}
}

func (i *integers) next() bool {
	if i.left {
		i.left = false
		return true
	}
	if len(i.rest) == 0 {
		return false
	}
	v, n := protowire.ConsumeVarint(i.rest)
	if n < 0 {
		i.bad = true
		return false
	}
	i.value, i.rest = v, i.rest[n:]
	return true
}

// varints counts the values of a repeated integer field without reading them:
// one byte of each has its top bit clear.
func (m *message) varints() uint64 {
	switch m.wire {
	case protowire.BytesType:
	case protowire.VarintType:
		return 1
	default:
		return 0
	}
	const tops = 0x8080808080808080
	n, b := 0, m.bytes
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(^binary.LittleEndian.Uint64(b) & tops)
	}
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return uint64(n)
}

// fixed counts the values of a repeated field of fixed width. A packed field
// that ends within a value counts for nothing, so that its tensor does not fit.
func (m *message) fixed(single protowire.Type, width int) uint64 {
	switch {
	case m.wire == single:
		return 1
	case m.wire == protowire.BytesType && len(m.bytes)%width == 0:
		return uint64(len(m.bytes) / width)
	}
	return 0
}
