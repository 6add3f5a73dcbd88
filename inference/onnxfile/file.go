package onnxfile

import (
	"strings"

	"github.com/penstock/penstock/inference"
)

// File is what an ONNX file says about itself. It holds no view of the bytes
// that it was read from.
type File struct {
	IRVersion       int64
	Producer        string
	ProducerVersion string // as written: some exporters write several lines
	Domain          string
	ModelVersion    int64
	Doc             string
	GraphName       string
	GraphDoc        string
	Opsets          []Opset           // in the file's order; a domain may come twice
	Metadata        map[string]string // metadata_props; the last of two equal keys

	// Inputs are the graph's inputs less those with a default value
	// (initializers of their name, which old exporters list as inputs).
	// Outputs have Classes where the graph tells them beyond doubt. A type
	// that penstock does not map is inference.Invalid.
	Inputs, Outputs []inference.TensorInfo
	// InputTypes and OutputTypes say the same as the file writes it, for
	// people: one entry an input or output.
	InputTypes, OutputTypes []DeclaredType

	Nodes     int            // in all graphs and functions
	Operators map[string]int // how often each occurs: Gemm, ai.onnx.ml.ZipMap
	Functions int            // functions that the model brings along
	// InitializerBytes is the size of the weights that the graphs hold as
	// initializers, without those in Constant nodes.
	InitializerBytes int64
}

// Opset is one entry of opset_import. Domain is as written: "" and ai.onnx are
// the same one.
type Opset struct {
	Domain  string
	Version int64
}

// DeclaredType is the type of an input or output as the file writes it.
type DeclaredType struct {
	Name string   // float, bfloat16, seq(map(int64,float)); unknown where none is given
	Axes []string // lengths and names such as batch, "?" for neither; nil without a shape
}

// String gives the type as one word: float[batch,24].
func (t DeclaredType) String() string {
	if t.Axes == nil {
		return t.Name
	}
	return t.Name + "[" + strings.Join(t.Axes, ",") + "]"
}
