//go:build cgo

package onnx

import (
	"fmt"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnxfile"
)

// output is one output as the model's author declared it, and where its values
// come from.
type output struct {
	inference.TensorInfo
	source int  // place among the session's outputs
	cut    bool // its ZipMap was cut off: the session gives the scores alone
	// columns are the scores' columns in the order of Classes; nil when they
	// are in that order as they are.
	columns []int
}

// joinCuts finds every output that the model's file declares among those that
// the session gives: itself, or the scores in place of a ZipMap that was cut
// off. Types and shapes are the session's, which infers more than files say.
func joinCuts(declared, given []inference.TensorInfo, cuts []onnxfile.Cut) ([]output, error) {
	sources := map[string]output{}
	for i, info := range given {
		sources[info.Name] = output{TensorInfo: info, source: i}
	}
	for _, c := range cuts {
		sources[c.Output] = output{source: c.TensorIndex, cut: true, columns: c.Columns, TensorInfo: inference.TensorInfo{
			Name: c.Output, Type: inference.Float32, Map: true, Classes: c.Classes,
			Shape: []int64{inference.Dynamic, int64(len(c.Classes))},
		}}
	}
	outputs := make([]output, len(declared))
	for i, d := range declared {
		o, ok := sources[d.Name]
		if !ok {
			return nil, fmt.Errorf("the runtime does not give the output %q that the file declares", d.Name)
		}
		if !o.cut {
			o.Classes = d.Classes
		}
		outputs[i] = o
	}
	return outputs, nil
}

// copyColumns copies the scores to t, each row's in the order of the classes.
func (o *output) copyColumns(t *inference.Tensor, scores []float32) {
	sorted, width := inference.Values[float32](t), len(o.columns)
	for at := 0; at < len(scores); at += width {
		for i, column := range o.columns {
			sorted[at+i] = scores[at+column]
		}
	}
}

// addKeys makes a cut ZipMap's scores what the uncut model gives: a matrix with
// a class a column, where ZipMap takes a vector for one row.
func addKeys(t *inference.Tensor, classes []string) error {
	if len(t.Shape) == 1 {
		t.Shape = append(t.Shape, t.Shape[0])
		t.Shape[0] = 1
	}
	if len(t.Shape) != 2 || t.Shape[1] != int64(len(classes)) {
		return fmt.Errorf("the model gave scores of shape %v for %d classes", t.Shape, len(classes))
	}
	t.Keys = classes
	return nil
}
