package onnxfile

// survey finds out, in one pass over the graph and all graphs within, which of
// the ZipMaps' outputs the graph lists and who else uses them, and which of the
// tensors they read are given by the graph's own nodes.
func (found zipMaps) survey(graph message) (given map[string]bool, err error) {
	given = map[string]bool{}
	for _, z := range found {
		given[z.Tensor] = false
	}
	index := 0
	for graph.next() {
		switch {
		case graph.is(graphOutput):
			name, err := nameOf(graph.open())
			if err != nil {
				return nil, err
			}
			if z := found[name]; z != nil {
				z.outputs++
				z.Index = index
			}
			index++
		case graph.is(graphNode):
			if err := found.surveyNode(graph.open(), 0, given); err != nil {
				return nil, err
			}
		}
	}
	return given, graph.err
}

func (found zipMaps) use(name string) {
	if z := found[name]; z != nil {
		z.used = true
	}
}

// surveyNode marks what a node uses, also in graphs within it, and notes what
// a node of the outermost graph (depth 0) gives.
func (found zipMaps) surveyNode(node message, depth int, given map[string]bool) error {
	if depth > maxDepth {
		return tooDeep(node.at)
	}
	for node.next() {
		switch {
		case node.is(nodeInput):
			found.use(node.view())
		case node.is(nodeOutput) && depth == 0:
			if _, read := given[node.view()]; read {
				given[node.view()] = true
			}
		case node.is(nodeAttribute):
			attribute := node.open()
			for attribute.next() {
				if !attribute.is(attributeGraph) && !attribute.is(attributeGraphs) {
					attribute.skipValues()
					continue
				}
				if err := found.surveyInner(attribute.open(), depth+1); err != nil {
					return err
				}
			}
			if attribute.err != nil {
				return attribute.err
			}
		}
	}
	return node.err
}

// surveyInner marks what a graph within a node uses; what it returns may be a
// value of the graph around it, so that counts as used too.
func (found zipMaps) surveyInner(graph message, depth int) error {
	for graph.next() {
		switch {
		case graph.is(graphNode):
			if err := found.surveyNode(graph.open(), depth, nil); err != nil {
				return err
			}
		case graph.is(graphOutput):
			name, err := nameOf(graph.open())
			if err != nil {
				return err
			}
			found.use(name)
		}
	}
	return graph.err
}
