package onnxfile

import (
	"strings"
)

// Parse walks an ONNX file and gives what it declares. Every error is a
// *Refusal: the file must not reach a runtime. A file that passes may still
// be refused by the runtime; what it costs there is for a trial to find out.
func Parse(b []byte) (*File, error) {
	if err := CheckHead(b); err != nil {
		return nil, err
	}
	w := &walk{
		file:      &File{},
		operators: map[operator]int{},
		functions: map[signature]*function{},
		defaults:  map[string]bool{},
		textRoom:  maxText,
	}
	graph, err := w.header(b)
	if err != nil {
		return nil, err
	}
	if err := w.body(graph); err != nil {
		return nil, damaged(err)
	}
	return w.file, nil
}

// body walks the main graph and every function and completes the file.
func (w *walk) body(graph message) error {
	main := &function{main: true}
	w.caller = main
	if err := w.ports(graph); err != nil {
		return err
	}
	if err := w.graph(graph, nil, 0, 0); err != nil {
		return err
	}
	for _, f := range w.order {
		if err := w.walkFunction(f); err != nil {
			return err
		}
	}
	for _, f := range append(w.order, main) {
		if err := f.expand(); err != nil {
			return err
		}
	}
	w.dropDefaults()
	w.file.Nodes, w.file.Functions = w.nodes, len(w.order)
	if err := w.countOperators(); err != nil {
		return err
	}
	return w.scores.label(w.file.Outputs)
}

// countOperators fills in File.Operators.
func (w *walk) countOperators() error {
	w.file.Operators = make(map[string]int, len(w.operators))
	for op, n := range w.operators {
		text := op.name
		if op.domain != "" {
			text = op.domain + "." + op.name
		}
		name, err := w.keep([]byte(text))
		if err != nil {
			return err
		}
		w.file.Operators[name] += n
	}
	return nil
}

// walk is one pass over a file: what it found and what it may still take.
type walk struct {
	file                *File
	operators           map[operator]int
	functions           map[signature]*function
	order               []*function     // functions in the file's order
	caller              *function       // whose body is being walked
	defaults            map[string]bool // the main graph's inputs: they have a default value
	scores              scores
	nodes, values, uses int
	textRoom            int
}

// operator names an operator, in views of the file.
type operator struct{ domain, name string }

// keep copies text for File, within what File may hold.
func (w *walk) keep(b []byte) (string, error) {
	if w.textRoom -= len(b); w.textRoom < 0 {
		return "", tooMuchText()
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// header reads the model's own fields and finds its graph and functions.
func (w *walk) header(b []byte) (graph message, err error) {
	found := false
	m := read(b)
	for m.next() {
		switch {
		case m.is(modelGraph):
			if found {
				return graph, secondGraph(m.start)
			}
			graph, found = m.open(), true
		case m.is(modelFunction):
			err = w.function(m.open())
		case m.is(modelTraining):
			err = refuse(Training, "the file brings graphs to train the model by, at byte %d; export it for inference only", m.start)
		default:
			err = w.headerField(&m)
		}
		if err != nil {
			return graph, damaged(err)
		}
	}
	if m.err != nil {
		return graph, w.brokenOff(b, m.err)
	}
	if !found {
		return graph, refuse(Empty, "the file holds no graph, so there is nothing to run; check that it is an ONNX model, and export it again")
	}
	return graph, nil
}

func (w *walk) headerField(m *message) (err error) {
	f := w.file
	switch {
	case m.isVarint(modelIRVersion):
		f.IRVersion = int64(m.number)
	case m.isVarint(modelVersion):
		f.ModelVersion = int64(m.number)
	case m.is(modelProducer):
		f.Producer, err = w.keep(m.bytes)
	case m.is(modelProducerVersion):
		f.ProducerVersion, err = w.keep(m.bytes)
	case m.is(modelDomain):
		f.Domain, err = w.keep(m.bytes)
	case m.is(modelDoc):
		f.Doc, err = w.keep(m.bytes)
	case m.is(modelOpset):
		err = w.opset(m.open())
	case m.is(modelMetadata):
		err = w.metadata(m.open())
	}
	return err
}

func (w *walk) opset(m message) (err error) {
	const most = 1024
	if len(w.file.Opsets) == most {
		return tooMany("opset imports", most)
	}
	var o Opset
	for m.next() {
		switch {
		case m.is(opsetDomain):
			if o.Domain, err = w.keep(m.bytes); err != nil {
				return err
			}
		case m.isVarint(opsetVersion):
			o.Version = int64(m.number)
		}
	}
	w.file.Opsets = append(w.file.Opsets, o)
	return m.err
}

func (w *walk) metadata(m message) error {
	const most = 1 << 16
	key, value, err := readEntry(m)
	if err != nil {
		return err
	}
	if len(w.file.Metadata) == most {
		return tooMany("metadata entries", most)
	}
	k, err := w.keep(key)
	if err != nil {
		return err
	}
	v, err := w.keep(value)
	if err != nil {
		return err
	}
	if w.file.Metadata == nil {
		w.file.Metadata = map[string]string{}
	}
	w.file.Metadata[k] = v
	return nil
}

// readEntry reads a StringStringEntryProto.
func readEntry(m message) (key, value []byte, err error) {
	for m.next() {
		switch {
		case m.is(entryKey):
			key = m.bytes
		case m.is(entryValue):
			value = m.bytes
		}
	}
	return key, value, m.err
}
