package onnxfile

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// message steps over the fields of one protobuf message in place. After next
// returns true, field and wire say what was found and number or bytes hold the
// value. A field of an unexpected wire type is the caller's to pass over, as
// protobuf's own parsers do.
type message struct {
	rest   []byte
	at     int // offset in the file of rest
	field  protowire.Number
	wire   protowire.Type
	number uint64 // of a varint, a fixed32 or a fixed64
	bytes  []byte // of a length-delimited field
	start  int    // offset in the file of the field's tag
	err    error
}

// open gives the message that the current length-delimited field holds.
func (m *message) open() message {
	return message{rest: m.bytes, at: m.at - len(m.bytes)}
}

// is tells whether the current field is the length-delimited field f.
func (m *message) is(f protowire.Number) bool {
	return m.field == f && m.wire == protowire.BytesType
}

// isVarint tells whether the current field is the varint field f.
func (m *message) isVarint(f protowire.Number) bool {
	return m.field == f && m.wire == protowire.VarintType
}

// view is the current field's text, valid as long as the file's bytes are.
func (m *message) view() string { return view(m.bytes) }

// next steps to the next field. It returns false at the end and when the bytes
// are no protobuf, which err then says.
func (m *message) next() bool {
	if len(m.rest) == 0 || m.err != nil {
		return false
	}
	m.start = m.at
	n := 1
	// Trees are millions of numbers with a tag each, so the tags of one byte,
	// which all but a few are, are worth a way of their own.
	if tag := m.rest[0]; tag >= 1<<3 && tag < 0x80 {
		m.field, m.wire = protowire.Number(tag>>3), protowire.Type(tag&7)
	} else if m.field, m.wire, n = protowire.ConsumeTag(m.rest); n < 0 {
		return m.fail(n)
	}
	m.advance(n)
	switch m.wire {
	case protowire.VarintType:
		m.number, n = protowire.ConsumeVarint(m.rest)
	case protowire.BytesType:
		m.bytes, n = protowire.ConsumeBytes(m.rest)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(m.rest)
		m.number = uint64(v)
	case protowire.Fixed64Type:
		m.number, n = protowire.ConsumeFixed64(m.rest)
	default: // groups, which ONNX never had, and wire types that do not exist
		n = protowire.ConsumeFieldValue(m.field, m.wire, m.rest)
	}
	if n < 0 {
		return m.fail(n)
	}
	m.advance(n)
	return true
}

func (m *message) advance(n int) {
	m.rest = m.rest[n:]
	m.at += n
}

func (m *message) fail(code int) bool {
	m.err = &wireError{offset: m.start, field: m.field, short: errors.Is(protowire.ParseError(code), io.ErrUnexpectedEOF)}
	return false
}

// wireError says where bytes stop being protobuf.
type wireError struct {
	offset int
	field  protowire.Number
	short  bool // the field needs more bytes than its message has
}

func (e *wireError) Error() string { return "not protobuf" }

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

// bad says that the current field's value is broken.
func (m *message) bad() error { return &wireError{offset: m.start, field: m.field} }

// view reads b as a string without copying it. The walk's maps hold such
// views, so that names cost no memory beyond the file's own; what outlives the
// walk is cloned.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
