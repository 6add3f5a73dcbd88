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
}

// joinCuts puts the outputs whose ZipMap was cut off back in their places among
// what the session gives, under their own names.
func joinCuts(given []inference.TensorInfo, cuts []onnxfile.Cut) []output {
	var outputs []output
	next := 0 // of given
	for _, c := range cuts {
		for len(outputs) < c.Index {
			outputs = append(outputs, output{TensorInfo: given[next], source: next})
			next++
		}
		info := inference.TensorInfo{
			Name: c.Output, Type: inference.Float32, Map: true, Classes: c.Classes,
			Shape: []int64{inference.Dynamic, int64(len(c.Classes))},
		}
		outputs = append(outputs, output{TensorInfo: info, source: c.TensorIndex, cut: true})
		if c.TensorIndex == next { // it stands here for this output alone
			next++
		}
	}
	for ; next < len(given); next++ {
		outputs = append(outputs, output{TensorInfo: given[next], source: next})
	}
	return outputs
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
