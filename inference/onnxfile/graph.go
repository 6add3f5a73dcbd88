package onnxfile

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// runtimeDomains are the operator domains that the runtime itself defines.
var runtimeDomains = []string{"", mlDomain, "com.microsoft"}

// graph walks one graph twice: first for the values that it gives, which its
// nodes and the graphs within them may use in any order, then for what they
// use. outer is the scope of the graph around it, nil for the main graph, and
// owner the node there that it belongs to.
func (w *walk) graph(m message, outer *scope, owner int32, depth int) error {
	if depth > maxDepth {
		return tooDeep(m.at)
	}
	s := &scope{outer: outer, owner: owner, given: map[string]int32{}}
	if err := w.declare(m, s); err != nil {
		return err
	}
	if err := w.connect(m, graphNode, s, depth); err != nil {
		return err
	}
	for _, name := range s.outputs {
		found, err := w.use(s, name, outside)
		if err != nil {
			return err
		}
		if !found {
			return dangling(name, "an output of the graph")
		}
	}
	return nil
}

// declare collects the values that a graph gives and returns, and measures its
// tensors and the types that it declares.
func (w *walk) declare(m message, s *scope) error {
	for m.next() {
		var err error
		switch {
		case m.is(graphInitializer):
			var t tensor
			if t, err = readTensor(m.open(), node{}); err == nil {
				err = w.initializer(s, t)
			}
		case m.is(graphSparseInitializer):
			var t tensor
			if t, err = readSparse(m.open(), node{}); err == nil {
				err = w.initializer(s, t)
			}
		case m.is(graphInput):
			var p port
			if p, err = unnamed.port(m.open()); err == nil {
				err = w.give(s, p.info.Name, outside)
			}
		case m.is(graphOutput):
			var p port
			if p, err = unnamed.port(m.open()); err == nil {
				s.outputs = append(s.outputs, p.info.Name)
			}
		case m.is(graphValue):
			_, err = unnamed.port(m.open())
		case m.is(graphNode):
			err = w.declareNode(m.open(), s)
		}
		if err != nil {
			return err
		}
	}
	return m.err
}

func (w *walk) initializer(s *scope, t tensor) error {
	w.file.InitializerBytes += t.bytes()
	if _, input := w.defaults[t.name]; input && s.outer == nil {
		w.defaults[t.name] = true
	}
	return w.give(s, t.name, outside)
}

// declareNode counts a node and notes what it gives.
func (w *walk) declareNode(m message, s *scope) error {
	if w.nodes++; w.nodes > maxNodes {
		return tooMany("nodes", maxNodes)
	}
	for m.next() {
		if m.is(nodeOutput) && len(m.bytes) > 0 {
			if err := w.give(s, m.view(), s.nodes); err != nil {
				return err
			}
		}
	}
	s.nodes++
	return m.err
}

func (w *walk) give(s *scope, name string, by int32) error {
	if w.values++; w.values > maxValues {
		return tooMany("values", maxValues)
	}
	if !s.give(name, by) {
		return refuse(Duplicate, "two places give the value %s, so it is unclear which one counts; export the model again", quote(name))
	}
	return nil
}

func (w *walk) use(s *scope, name string, by int32) (found bool, err error) {
	found, looked := s.use(name, by)
	if w.uses += looked; w.uses > maxUses {
		return false, tooMany("uses of values", maxUses)
	}
	return found, nil
}

// connect checks the nodes of a graph or function (fields of number f) and
// what they use.
func (w *walk) connect(m message, f protowire.Number, s *scope, depth int) error {
	index := int32(0)
	for m.next() {
		if !m.is(f) {
			continue
		}
		n, err := readNode(m.open())
		if err != nil {
			return err
		}
		if err := w.operator(n); err != nil {
			return err
		}
		if s.outer == nil && w.caller.main {
			w.scores.note(n, m.open())
		}
		if err := w.node(m.open(), s, n, index, depth); err != nil {
			return err
		}
		index++
	}
	if name, found := s.cycle(); found {
		return refuse(Cyclic, "the graph has a cycle: value %s is needed to compute itself; export the model again", quote(name))
	}
	return m.err
}

// operator counts a node's operator and refuses one that nothing defines.
func (w *walk) operator(n node) error {
	w.operators[operator{n.domain, n.operator}]++
	w.caller.nodes++
	if f := w.functions[signature{n.domain, n.operator, n.overload}]; f != nil {
		w.caller.calls = append(w.caller.calls, f)
		return nil
	}
	if slices.Contains(runtimeDomains, n.domain) {
		return nil
	}
	return refuse(ForeignOperator, "%s uses the operator %s of the domain %s, which neither the runtime nor the model defines; "+
		"export the model with standard operators only, or with that operator as a model function", n, quote(n.operator), quote(n.domain))
}

// node follows what a node uses: its inputs, and in graphs and tensors among
// its attributes.
func (w *walk) node(m message, s *scope, n node, index int32, depth int) error {
	for m.next() {
		switch {
		case m.is(nodeInput) && len(m.bytes) > 0:
			found, err := w.use(s, m.view(), index)
			if err != nil {
				return err
			}
			if !found {
				return dangling(m.view(), "an input of "+n.String())
			}
		case m.is(nodeAttribute):
			if err := w.attribute(m.open(), s, n, index, depth); err != nil {
				return err
			}
		}
	}
	return m.err
}

func (w *walk) attribute(m message, s *scope, n node, index int32, depth int) (err error) {
	for m.next() {
		switch {
		case m.isOnly(attributeTensor), m.is(attributeTensors):
			_, err = readTensor(m.open(), n)
		case m.isOnly(attributeSparseTensor), m.is(attributeSparseTensors):
			_, err = readSparse(m.open(), n)
		case m.isOnly(attributeGraph), m.is(attributeGraphs):
			err = w.graph(m.open(), s, index, depth+1)
		case m.isOnly(attributeType), m.is(attributeTypes):
			_, err = unnamed.kind(m.open(), 0)
		default:
			m.skipValues()
		}
		if err != nil {
			return err
		}
	}
	return m.err
}

func dangling(name, user string) *Refusal {
	return refuse(Dangling, "the value %s, %s, is given by no input, weight or node; export the model again", quote(name), user)
}
