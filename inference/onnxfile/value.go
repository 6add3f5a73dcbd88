package onnxfile

import (
	"strconv"
	"strings"

	"github.com/penstock/penstock/inference"
)

// maxRank bounds the axes of a declared shape, which File keeps.
const maxRank = 64

// port is an input or output of the model as its ValueInfoProto declares it.
type port struct {
	info     inference.TensorInfo
	declared DeclaredType
}

// typeReader reads types. It checks them all alike, but only those that File
// holds need the names of their axes.
type typeReader struct {
	keep func(text []byte) (string, error)
}

// unnamed reads types for their checks alone.
var unnamed = typeReader{keep: func([]byte) (string, error) { return "?", nil }}

// port reads a ValueInfoProto for File.
func (w *walk) port(m message) (p port, err error) {
	if p, err = (typeReader{keep: w.keep}).port(m); err != nil {
		return p, err
	}
	if w.textRoom -= len(p.info.Name); w.textRoom < 0 {
		return p, tooMuchText()
	}
	p.info.Name = strings.Clone(p.info.Name) // exact, for it is looked up in the runtime
	return p, nil
}

// port reads a ValueInfoProto; its name is a view.
func (r typeReader) port(m message) (p port, err error) {
	p.declared.Name = "unknown"
	for m.next() {
		switch {
		case m.is(valueName):
			p.info.Name = m.view()
		case m.isOnly(valueType):
			t, err := r.kind(m.open(), 0)
			if err != nil {
				return p, err
			}
			p.info.Type, p.info.Shape, p.info.Map, p.declared = t.element, t.shape, t.scores, t.declared
			if t.element == inference.Invalid {
				p.info.Declared = t.declared.String()
			}
		}
	}
	if m.err != nil {
		return p, m.err
	}
	var s size
	for _, d := range p.info.Shape {
		if d != inference.Dynamic {
			s.times(d)
		}
	}
	if _, ok := s.count(); !ok {
		return p, refuse(AbsurdTensor, "%s is declared as %s; at most 2^31 elements a row are taken, so export the model again", quote(p.info.Name), p.declared)
	}
	return p, nil
}

// valueKind is a TypeProto as far as penstock cares.
type valueKind struct {
	declared DeclaredType
	element  inference.ElementType // of a tensor, or of a ZipMap's scores
	shape    []int64
	scores   bool // a sequence of maps from a class to a float
	classMap bool // a map from a class to a float
}

func (r typeReader) kind(m message, depth int) (t valueKind, err error) {
	t.declared.Name = "unknown"
	if depth > maxDepth {
		return t, tooDeep(m.at)
	}
	for m.next() {
		switch {
		case m.isOnly(typeTensor):
			t, err = r.tensorType(m.open())
		case m.isOnly(typeSparse):
			t, err = r.tensorType(m.open())
			t = valueKind{declared: DeclaredType{Name: "sparse(" + t.declared.String() + ")"}}
		case m.isOnly(typeSequence):
			var of valueKind
			of, err = r.elementOf(m.open(), depth)
			t = valueKind{declared: DeclaredType{Name: "seq(" + of.declared.String() + ")"}}
			if of.classMap {
				t.scores, t.element = true, inference.Float32
			}
		case m.isOnly(typeOptional):
			var of valueKind
			of, err = r.elementOf(m.open(), depth)
			t = valueKind{declared: DeclaredType{Name: "optional(" + of.declared.String() + ")"}}
		case m.isOnly(typeMap):
			t, err = r.mapType(m.open(), depth)
		case m.is(typeOpaque):
			t = valueKind{declared: DeclaredType{Name: "opaque"}}
		}
		if err != nil {
			return t, err
		}
	}
	return t, m.err
}

// elementOf reads what a sequence or an optional holds.
func (r typeReader) elementOf(m message, depth int) (t valueKind, err error) {
	t.declared.Name = "unknown"
	for m.next() {
		if m.isOnly(kindElement) {
			if t, err = r.kind(m.open(), depth+1); err != nil {
				return t, err
			}
		}
	}
	return t, m.err
}

func (r typeReader) mapType(m message, depth int) (t valueKind, err error) {
	var key int32
	value := valueKind{declared: DeclaredType{Name: "unknown"}}
	for m.next() {
		switch {
		case m.isVarint(kindElement):
			key = m.int32()
		case m.isOnly(kindShape): // of a map, this field is the value's type
			if value, err = r.kind(m.open(), depth+1); err != nil {
				return t, err
			}
		}
	}
	t.declared.Name = "map(" + typeOf(key).name + "," + value.declared.String() + ")"
	t.classMap = (key == onnxInt64 || key == onnxString) && value.element == inference.Float32 && !value.scores
	return t, m.err
}

// tensorType reads a TypeProto.Tensor.
func (r typeReader) tensorType(m message) (t valueKind, err error) {
	t.declared.Name = typeOf(0).name
	for m.next() {
		switch {
		case m.isVarint(kindElement):
			e := typeOf(m.int32())
			t.declared.Name, t.element = e.name, e.element
		case m.isOnly(kindShape):
			t.shape, t.declared.Axes = []int64{}, []string{}
			shape := m.open()
			for shape.next() {
				if !shape.is(shapeDim) {
					continue
				}
				if len(t.shape) == maxRank {
					return t, refuse(AbsurdTensor, "a shape at byte %d has more than %d axes; export the model again", m.start, maxRank)
				}
				length, axis, err := r.axis(shape.open())
				if err != nil {
					return t, err
				}
				t.shape, t.declared.Axes = append(t.shape, length), append(t.declared.Axes, axis)
			}
			if shape.err != nil {
				return t, shape.err
			}
		}
	}
	return t, m.err
}

// axis reads one dimension of a shape. A negative length, which some exporters
// write for an open axis, is one to the runtime too.
func (r typeReader) axis(m message) (length int64, text string, err error) {
	length, text = inference.Dynamic, "?"
	for m.next() {
		switch {
		case m.isVarint(dimValue) && int64(m.number) >= 0:
			length = int64(m.number)
			text = strconv.FormatInt(length, 10)
		case m.isVarint(dimValue):
			length, text = inference.Dynamic, "?"
		case m.is(dimParam):
			length, text = inference.Dynamic, "?"
			if len(m.bytes) > 0 {
				if text, err = r.keep(m.bytes); err != nil {
					return 0, "", err
				}
			}
		}
	}
	return length, text, m.err
}
