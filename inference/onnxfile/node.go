package onnxfile

// node is what a NodeProto says about itself, in views of the file.
type node struct {
	name, operator, overload  string
	domain                    string // "" for ai.onnx
	inputs, outputs           int
	firstInput                string
	firstOutput, secondOutput string
}

func readNode(m message) (n node, err error) {
	for m.next() {
		switch {
		case m.is(nodeInput):
			if n.inputs == 0 {
				n.firstInput = m.view()
			}
			n.inputs++
		case m.is(nodeOutput):
			switch n.outputs {
			case 0:
				n.firstOutput = m.view()
			case 1:
				n.secondOutput = m.view()
			}
			n.outputs++
		case m.is(nodeName):
			n.name = m.view()
		case m.is(nodeOperator):
			n.operator = m.view()
		case m.is(nodeDomain):
			n.domain = canonical(m.view())
		case m.is(nodeOverload):
			n.overload = m.view()
		}
	}
	return n, m.err
}

// canonical gives the one spelling of an operator domain: the default one has
// two.
func canonical(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// String names the node for a message; many exporters leave its name out.
func (n node) String() string {
	if n.name != "" {
		return "node " + quote(n.name)
	}
	return "the node that gives " + quote(n.firstOutput)
}
