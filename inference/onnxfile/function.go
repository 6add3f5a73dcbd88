package onnxfile

// signature is how nodes name a model function, in views of the file.
type signature struct{ domain, name, overload string }

// function is one of the model's own functions, or (in walk.caller) the main
// graph.
type function struct {
	signature signature
	body      message
	nodes     int         // its own, graphs within included
	calls     []*function // one entry a node that calls
	expanded  int         // nodes once all calls are replaced; 0 while unknown
	active    bool        // being expanded
	main      bool        // the main graph
}

// function notes a FunctionProto for the walk of the graphs, which may call it
// before it is defined.
func (w *walk) function(m message) error {
	f := &function{body: m}
	for m.next() {
		switch {
		case m.is(functionName):
			f.signature.name = m.view()
		case m.is(functionDomain):
			f.signature.domain = canonical(m.view())
		case m.is(functionOverload):
			f.signature.overload = m.view()
		}
	}
	if m.err != nil {
		return m.err
	}
	if len(w.order) == maxFunctions {
		return tooMany("functions", maxFunctions)
	}
	if w.functions[f.signature] != nil {
		return refuse(Duplicate, "the model defines its function %s twice; export it again", quote(f.signature.name))
	}
	w.functions[f.signature] = f
	w.order = append(w.order, f)
	return nil
}

// walkFunction checks a function's body, which sees nothing but its inputs.
func (w *walk) walkFunction(f *function) error {
	w.caller = f
	s := &scope{given: map[string]int32{}}
	m := f.body
	for m.next() {
		var err error
		switch {
		case m.is(functionInput):
			err = w.give(s, m.view(), outside)
		case m.is(functionAttributeProto):
			err = w.attribute(m.open(), s, node{}, outside, 0)
		case m.is(functionValue):
			_, err = unnamed.port(m.open())
		case m.is(functionNode):
			err = w.declareNode(m.open(), s)
		}
		if err != nil {
			return err
		}
	}
	if m.err != nil {
		return m.err
	}
	if err := w.connect(f.body, functionNode, s, 0); err != nil {
		return err
	}
	for m = f.body; m.next(); {
		if !m.is(functionOutput) {
			continue
		}
		found, err := w.use(s, m.view(), outside)
		if err != nil {
			return err
		}
		if !found {
			return dangling(m.view(), "an output of function "+quote(f.signature.name))
		}
	}
	return nil
}

// expand counts the nodes of f once every call is replaced by the body of what
// it calls, as runtimes do.
func (f *function) expand() error {
	if f.expanded > 0 {
		return nil
	}
	if f.active {
		return refuse(RecursiveCall, "the model's function %s calls itself, which ONNX does not allow; export the model again", quote(f.signature.name))
	}
	f.active = true
	n := f.nodes
	for _, callee := range f.calls {
		if err := callee.expand(); err != nil {
			return err
		}
		if n += callee.expanded; n > maxExpanded {
			return refuse(TooLarge, "the model's functions call each other so often that they stand for more than %d nodes; simplify the model", maxExpanded)
		}
	}
	f.active, f.expanded = false, max(n, 1)
	return nil
}
