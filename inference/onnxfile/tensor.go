package onnxfile

import (
	"math/bits"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// size multiplies dimensions up and remembers when they are absurd.
type size struct {
	rank     int
	elements uint64   // of the axes that are not 0; above maxElements it stays there
	negative bool     // an axis of negative length
	zero     bool     // an axis of length 0
	shown    [8]int64 // the first axes, for messages
}

// read multiplies with the axes in a dims field.
func (s *size) read(m *message) error {
	axes := m.integers()
	for axes.next() {
		if s.rank == maxRank {
			return refuse(AbsurdTensor, "the tensor at byte %d has more than %d dimensions; export the model again", m.start, maxRank)
		}
		s.times(int64(axes.value))
	}
	if axes.bad {
		return m.bad()
	}
	return nil
}

func (s *size) times(dim int64) {
	if s.rank == 0 {
		s.elements = 1
	}
	if s.rank < len(s.shown) {
		s.shown[s.rank] = dim
	}
	s.rank++
	switch {
	case dim < 0:
		s.negative = true
	case dim == 0:
		s.zero = true
	default:
		high, low := bits.Mul64(s.elements, uint64(dim))
		if high > 0 || low > maxElements {
			low = maxElements + 1
		}
		s.elements = low
	}
}

// count is the number of elements, 1 without any axis; ok is false when it is
// impossible or above maxElements.
func (s *size) count() (n uint64, ok bool) {
	switch {
	case s.negative:
		return 0, false
	case s.zero:
		return 0, true
	case s.rank == 0:
		return 1, true
	}
	return s.elements, s.elements <= maxElements
}

func (s *size) String() string {
	var b strings.Builder
	for i, d := range s.shown[:min(s.rank, len(s.shown))] {
		b.WriteByte("[,"[min(i, 1)])
		b.WriteString(strconv.FormatInt(d, 10))
	}
	switch {
	case s.rank == 0:
		return "[]"
	case s.rank > len(s.shown):
		b.WriteString(",…")
	}
	return b.String() + "]"
}

// tensor is what a TensorProto claims and how much data it brings.
type tensor struct {
	name     string
	typ      elementType
	size     size
	raw      []byte // raw_data, nil where the field is not there
	text     uint64 // bytes of string_data
	values   [dataFields]uint64
	external bool
	location []byte
}

// readTensor measures a TensorProto and refuses it when it could not be
// loaded from what it brings. n is the node whose attribute it is, if any, for
// messages.
func readTensor(m message, n node) (t tensor, err error) {
	for m.next() {
		switch {
		case m.is(tensorExternalData):
			err = t.entry(m.open())
		case m.isVarint(tensorDataLocation):
			// Once is enough: protobuf takes the last value that it knows.
			t.external = t.external || m.int32() == locationExternal
		case m.is(tensorName):
			t.name = m.view()
		case m.isVarint(tensorType):
			t.typ = typeOf(m.int32())
		case m.isVarint(tensorDims), m.is(tensorDims):
			err = t.size.read(&m)
		case m.is(tensorRaw):
			t.raw = m.bytes
		default:
			t.count(&m)
		}
		if err != nil {
			return t, err
		}
	}
	if m.err != nil {
		return t, m.err
	}
	return t, t.check(n)
}

// entry reads an entry of external_data, whose mere presence counts: runtimes
// differ in what they make of it.
func (t *tensor) entry(m message) error {
	key, value, err := readEntry(m)
	t.external = true
	if string(key) == "location" {
		t.location = value
	}
	return err
}

// count adds the values in a typed data field, and in all that follow and are
// the same one.
func (t *tensor) count(m *message) {
	var f dataField
	var n uint64
	switch m.field {
	case tensorFloats:
		f, n = floatData, m.fixed(protowire.Fixed32Type, 4)
	case tensorDoubles:
		f, n = doubleData, m.fixed(protowire.Fixed64Type, 8)
	case tensorInt32s:
		f, n = int32Data, m.varints()
	case tensorInt64s:
		f, n = int64Data, m.varints()
	case tensorUint64s:
		f, n = uint64Data, m.varints()
	case tensorStrings:
		f = stringData
		if m.is(tensorStrings) {
			n = 1
			t.text += uint64(len(m.bytes))
		}
	default:
		return
	}
	t.values[f] += n
	if packed := m.wire == protowire.BytesType && f != stringData; n > 0 && !packed {
		fields, held := m.run()
		t.values[f] += fields
		t.text += held
	}
}

func (t *tensor) check(in node) error {
	if t.external {
		return refuse(ExternalData, "the weights of tensor %s lie in another file, %s; penstock reads one file, so save the model with its weights inside (onnx.save_model(…, save_as_external_data=False))",
			t.title(in), quote(string(t.location)))
	}
	n, ok := t.size.count()
	if !ok {
		return refuse(AbsurdTensor, "tensor %s has the impossible dimensions %s; at most 2^31 elements are taken, so export the model again", t.title(in), t.size.String())
	}
	if t.typ.data == noField {
		return nil // a type that is not known here is the runtime's to judge
	}
	need, have, unit := t.typ.values(n), t.values[t.typ.data], "values"
	if t.raw != nil && t.typ.data != stringData {
		need, have, unit = t.typ.bytes(n), uint64(len(t.raw)), "bytes"
	}
	if need != have {
		return refuse(AbsurdTensor, "tensor %s of type %s and dimensions %s needs %d %s and has %d; export the model again", t.title(in), t.typ.name, t.size.String(), need, unit, have)
	}
	return nil
}

// title names the tensor for a message.
func (t *tensor) title(in node) string {
	switch {
	case t.name != "":
		return quote(t.name)
	case in.outputs > 0:
		return "without a name in " + in.String()
	}
	return "without a name"
}

// bytes is the size of the tensor's values.
func (t *tensor) bytes() int64 {
	n, _ := t.size.count()
	return int64(t.typ.bytes(n) + t.text)
}

// readSparse checks a SparseTensorProto and gives its name, which is that of
// its values.
func readSparse(m message, n node) (t tensor, err error) {
	var dims size
	for m.next() {
		switch {
		case m.isOnly(sparseValues):
			t, err = readTensor(m.open(), n)
		case m.isOnly(sparseIndices):
			_, err = readTensor(m.open(), n)
		case m.isVarint(sparseDims), m.is(sparseDims):
			err = dims.read(&m)
		}
		if err != nil {
			return t, err
		}
	}
	if _, ok := dims.count(); !ok {
		return t, refuse(AbsurdTensor, "sparse tensor %s has the impossible dimensions %s; at most 2^31 elements are taken, so export the model again", t.title(n), dims.String())
	}
	return t, m.err
}
