package onnxfile

import (
	"strconv"

	"github.com/penstock/penstock/inference"
)

// maxRank bounds the axes of a declared shape, which File keeps.
const maxRank = 64

// port is an input or output of the model as its ValueInfoProto declares it.
type port struct {
	info     inference.TensorInfo
	declared DeclaredType
}

// port reads a ValueInfoProto for File.
func (w *walk) port(m message) (p port, err error) {
	p.declared.Name = "unknown"
	for m.next() {
		switch {
		case m.is(valueName):
			if w.textRoom -= len(m.bytes); w.textRoom < 0 {
				return p, tooMuchText()
			}
			p.info.Name = string(m.bytes) // exact, for it is looked up in the runtime
		case m.is(valueType):
			t, err := w.kind(m.open(), 0)
			if err != nil {
				return p, err
			}
			p.info.Type, p.info.Shape, p.info.Map, p.declared = t.element, t.shape, t.scores, t.declared
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

func (w *walk) kind(m message, depth int) (t valueKind, err error) {
	t.declared.Name = "unknown"
	if depth > maxDepth {
		return t, tooDeep(m.at)
	}
	for m.next() {
		switch {
		case m.is(typeTensor):
			t, err = w.tensorType(m.open())
		case m.is(typeSparse):
			t, err = w.tensorType(m.open())
			t = valueKind{declared: DeclaredType{Name: "sparse(" + t.declared.String() + ")"}}
		case m.is(typeSequence):
			var of valueKind
			of, err = w.elementOf(m.open(), depth)
			t = valueKind{declared: DeclaredType{Name: "seq(" + of.declared.String() + ")"}}
			if of.classMap {
				t.scores, t.element = true, inference.Float32
			}
		case m.is(typeOptional):
			var of valueKind
			of, err = w.elementOf(m.open(), depth)
			t = valueKind{declared: DeclaredType{Name: "optional(" + of.declared.String() + ")"}}
		case m.is(typeMap):
			t, err = w.mapType(m.open(), depth)
		}
		if err != nil {
			return t, err
		}
	}
	return t, m.err
}

// elementOf reads what a sequence or an optional holds.
func (w *walk) elementOf(m message, depth int) (t valueKind, err error) {
	t.declared.Name = "unknown"
	for m.next() {
		if m.is(kindElement) {
			if t, err = w.kind(m.open(), depth+1); err != nil {
				return t, err
			}
		}
	}
	return t, m.err
}

func (w *walk) mapType(m message, depth int) (t valueKind, err error) {
	var key uint64
	value := valueKind{declared: DeclaredType{Name: "unknown"}}
	for m.next() {
		switch {
		case m.isVarint(kindElement):
			key = m.number
		case m.is(kindShape): // of a map, this field is the value's type
			if value, err = w.kind(m.open(), depth+1); err != nil {
				return t, err
			}
		}
	}
	t.declared.Name = "map(" + typeOf(key).name + "," + value.declared.String() + ")"
	t.classMap = (key == onnxInt64 || key == onnxString) && value.element == inference.Float32 && !value.scores
	return t, m.err
}

// tensorType reads a TypeProto.Tensor.
func (w *walk) tensorType(m message) (t valueKind, err error) {
	t.declared.Name = typeOf(0).name
	for m.next() {
		switch {
		case m.isVarint(kindElement):
			e := typeOf(m.number)
			t.declared.Name, t.element = e.name, e.element
		case m.is(kindShape):
			t.shape, t.declared.Axes = []int64{}, []string{}
			shape := m.open()
			for shape.next() {
				if !shape.is(shapeDim) {
					continue
				}
				if len(t.shape) == maxRank {
					return t, refuse(AbsurdTensor, "a shape at byte %d has more than %d axes; export the model again", m.start, maxRank)
				}
				length, axis, err := w.axis(shape.open())
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
func (w *walk) axis(m message) (length int64, text string, err error) {
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
				if text, err = w.keep(m.bytes); err != nil {
					return 0, "", err
				}
			}
		}
	}
	return length, text, m.err
}

// ports reads the main graph's name, inputs and outputs.
func (w *walk) ports(graph message) (err error) {
	f := w.file
	for graph.next() {
		var p port
		switch {
		case graph.is(graphName):
			f.GraphName, err = w.keep(graph.bytes)
		case graph.is(graphDoc):
			f.GraphDoc, err = w.keep(graph.bytes)
		case graph.is(graphInput):
			p, err = w.port(graph.open())
			f.Inputs, f.InputTypes = append(f.Inputs, p.info), append(f.InputTypes, p.declared)
			w.defaults[p.info.Name] = false
		case graph.is(graphOutput):
			p, err = w.port(graph.open())
			f.Outputs, f.OutputTypes = append(f.Outputs, p.info), append(f.OutputTypes, p.declared)
		}
		if err == nil && max(len(f.Inputs), len(f.Outputs)) > maxPorts {
			err = tooMany("inputs or outputs", maxPorts)
		}
		if err != nil {
			return err
		}
	}
	return graph.err
}

// dropDefaults takes out the inputs that have a default value.
func (w *walk) dropDefaults() {
	f := w.file
	left := 0
	for i, in := range f.Inputs {
		if !w.defaults[in.Name] {
			f.Inputs[left], f.InputTypes[left] = in, f.InputTypes[i]
			left++
		}
	}
	f.Inputs, f.InputTypes = f.Inputs[:left], f.InputTypes[:left]
}
