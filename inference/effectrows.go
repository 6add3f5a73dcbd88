package inference

// rowSource lays rows lo..hi-1 out as the model's inputs.
type rowSource func(lo, hi int) []*Tensor

// exampleRows gives count rows, which are the examples in turn; nil when the
// mapping takes none of them.
func (p *Plan) exampleRows(count int, examples [][]byte) rowSource {
	b := p.NewBatch(count)
	for b.Len() < count && !b.Full() {
		before := b.Len()
		for _, event := range examples {
			if !b.Full() {
				_ = b.DecodeJSON(event) // what it rejects is no row
			}
		}
		if b.Len() == before {
			return nil
		}
	}
	if b.Len() < count || b.runEnd(0, count) < count {
		return nil // they are too long to share a run, here and later
	}
	return func(lo, hi int) []*Tensor { return b.Tensors(lo, hi, hi-lo) }
}

// variedRows gives count made-up rows. Their floats are fractions that all
// differ, since a product with 0 is exact in any order. Arrays of open length
// need examples: how long they are is half of what they do.
func (p *Plan) variedRows(count int) rowSource {
	full, windows := make([]*Tensor, len(p.inputs)), make([]*Tensor, len(p.inputs))
	random := uint32(1)
	for i := range p.inputs {
		in := &p.inputs[i]
		if in.layout == raggedLayout {
			return nil
		}
		full[i], windows[i] = p.madeUp(i, count), new(Tensor)
		for at := range full[i].Count() {
			if in.info.Type.Float() && in.maskOf < 0 {
				random = random*1664525 + 1013904223
				writeNumber(in.info.Type, full[i].element(at), float64(random>>8)/(1<<24))
			}
		}
	}
	return func(lo, hi int) []*Tensor {
		for i, t := range full {
			windows[i] = t.rows(lo, hi)
		}
		return windows
	}
}

// rows is a window into t.
func (t *Tensor) rows(lo, hi int) *Tensor {
	width := columns(t)
	w := &Tensor{Type: t.Type, Text: t.Text, Shape: append([]int64{int64(hi - lo)}, t.Shape[1:]...)}
	if t.Type == String {
		w.Refs = t.Refs[lo*width : hi*width]
	} else {
		w.Data = t.Data[lo*width*t.Type.Size() : hi*width*t.Type.Size()]
	}
	return w
}
