package onnxfile

import (
	"errors"
	"io"
	"math"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// message steps over the fields of one protobuf message in place. After next
// returns true, field and wire say what was found and number or bytes hold the
// value. A field of an unexpected wire type is the caller's to pass over, as
// protobuf's own parsers do.
//
// The runtime parses the same bytes with protobuf's C++ code, and whatever that
// sees, the walk must see. So where the two could differ (tags of more than 32
// bits, groups, messages that it merges, numbers that it cuts to 32 bits) the
// walk does as the C++ code does or refuses what no exporter writes.
type message struct {
	rest   []byte
	at     int // offset in the file of rest
	field  protowire.Number
	wire   protowire.Type
	number uint64 // of a varint, a fixed32 or a fixed64
	bytes  []byte // of a length-delimited field
	start  int    // offset in the file of the field's tag
	had    uint64 // the fields that isOnly found, one bit each
	steps  *int   // fields that the walk may still step over, in all messages together
	err    error
}

// read begins the walk of a file.
func read(b []byte) message { return message{rest: b, steps: new(maxSteps)} }

// open gives the message that the current length-delimited field holds.
func (m *message) open() message {
	return message{rest: m.bytes, at: m.at - len(m.bytes), steps: m.steps}
}

// is tells whether the current field is the length-delimited field f.
func (m *message) is(f protowire.Number) bool {
	return m.field == f && m.wire == protowire.BytesType
}

// isOnly does so for a field that holds one message. Protobuf merges a second
// one with the first, into something that nobody walked: it ends the walk.
func (m *message) isOnly(f protowire.Number) bool {
	if !m.is(f) {
		return false
	}
	if m.had&(1<<f) != 0 {
		m.err = refuse(NotONNX, "the file holds field %d a second time at byte %d, where a model has it once; export it again", f, m.start)
		return false
	}
	m.had |= 1 << f
	return true
}

// isVarint tells whether the current field is the varint field f.
func (m *message) isVarint(f protowire.Number) bool {
	return m.field == f && m.wire == protowire.VarintType
}

// int32 is the current field's number as protobuf reads an int32 or an enum: it
// drops the upper half.
func (m *message) int32() int32 { return int32(m.number) }

// view is the current field's text, valid as long as the file's bytes are.
func (m *message) view() string { return view(m.bytes) }

// next steps to the next field. It returns false at the end and when the bytes
// are no protobuf, which err then says.
func (m *message) next() bool {
	if len(m.rest) == 0 || m.err != nil {
		return false
	}
	m.start = m.at
	if *m.steps--; *m.steps < 0 {
		m.err = tooManySteps()
		return false
	}
	return m.tag() && m.value()
}

// tag reads the current field's number and wire type.
func (m *message) tag() bool {
	// Nearly all tags have one byte, which is worth a way of its own.
	if tag := m.rest[0]; tag >= 1<<3 && tag < 0x80 {
		m.field, m.wire = protowire.Number(tag>>3), protowire.Type(tag&7)
		m.advance(1)
		return true
	}
	const longest = 5 // bytes of 32 bits, beyond which C++ does not look
	tag, n := protowire.ConsumeVarint(m.rest)
	switch {
	case n < 0:
		return m.fail(n)
	case n > longest, tag > math.MaxUint32, tag < 1<<3:
		return m.broken()
	}
	m.field, m.wire = protowire.Number(tag>>3), protowire.Type(tag&7)
	m.advance(n)
	return true
}

// value reads the current field's value.
func (m *message) value() bool {
	var n int
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
		return m.broken()
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

// broken ends the walk at the current field.
func (m *message) broken() bool {
	m.err = m.bad()
	return false
}

// wireError says where bytes stop being protobuf.
type wireError struct {
	offset int
	field  protowire.Number
	short  bool // the field needs more bytes than its message has
}

func (e *wireError) Error() string { return "not protobuf" }

// bad says that the current field's value is broken.
func (m *message) bad() error { return &wireError{offset: m.start, field: m.field} }

// view reads b as a string without copying it. The walk's maps hold such
// views, so that names cost no memory beyond the file's own; what outlives the
// walk is cloned.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
