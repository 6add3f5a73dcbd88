package inference

// WarmUp is a row that a model is tried with.
type WarmUp struct {
	// Inputs is the row as the model's inputs, in the model's order,
	// StaticRows times when that is not 0. They are only ever read.
	Inputs []*Tensor
	// MadeUp is true when no example gave the row. It then has what the mapping
	// fills in and else zeros and empty text, and a healthy model may well fail
	// on it: an encoder of categories that it does not know, for one.
	MadeUp bool
}

// WarmUp makes the row to try the model with: the first of the examples, which
// are events as JSON, that the mapping takes, or else a made-up one.
func (p *Plan) WarmUp(examples ...[]byte) *WarmUp {
	rows := max(p.staticRows, 1)
	b := p.NewBatch(1)
	for _, event := range examples {
		if b.DecodeJSON(event) == nil {
			return &WarmUp{Inputs: b.Tensors(0, 1, rows)}
		}
	}
	w := &WarmUp{MadeUp: true}
	for i := range p.inputs {
		w.Inputs = append(w.Inputs, p.madeUp(i, rows))
	}
	return w
}

// madeUp lays out the i-th input of a made-up row: masks of 1, open lengths of 1.
func (p *Plan) madeUp(i, rows int) *Tensor {
	in := &p.inputs[i]
	shape := []int64{int64(rows)}
	for _, d := range in.dims {
		shape = append(shape, int64(d))
	}
	if in.layout == raggedLayout {
		shape = append(shape, 1)
	}
	t := new(Tensor)
	t.Resize(in.info.Type, shape...)
	t.Text = append(t.Text, in.texts...)
	row := p.madeUpElements(i)
	for at := range t.Count() {
		row[at%len(row)].put(t.element(at), in.info.Type.Size())
	}
	return t
}

// madeUpElements are the elements of the i-th input's made-up row, by column;
// an array's are all the same one.
func (p *Plan) madeUpElements(i int) []substitute {
	in := &p.inputs[i]
	if in.maskOf >= 0 {
		return []substitute{in.one()}
	}
	row := make([]substitute, max(len(in.fields), 1))
	if in.padded {
		row[0] = in.pad
	}
	for n := range p.nodes {
		for _, t := range p.nodes[n].targets {
			// nan fits floats only, and of those a model may make an index.
			if t.feature() && t.input == i && t.policy == MissingFill {
				row[t.column] = t.fill
			}
		}
	}
	return row
}
