package onnxfile

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
