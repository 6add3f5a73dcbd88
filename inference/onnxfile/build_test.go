package onnxfile

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tests build models field by field, so that they can build wrong ones.
type field []byte

func text(n protowire.Number, s string) field {
	return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), s)
}

func number(n protowire.Number, v int64) field {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), uint64(v))
}

func packed(n protowire.Number, vs ...int64) field {
	var b []byte
	for _, v := range vs {
		b = protowire.AppendVarint(b, uint64(v))
	}
	return text(n, string(b))
}

func join(fields ...field) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, f...)
	}
	return b
}

func nested(n protowire.Number, fields ...field) field { return text(n, string(join(fields...))) }

// list lays names out as one field each.
func list(n protowire.Number, names ...string) field {
	var b field
	for _, s := range names {
		b = append(b, text(n, s)...)
	}
	return b
}

func model(graph ...field) []byte {
	return join(number(modelIRVersion, 8), nested(modelOpset, text(opsetDomain, ""), number(opsetVersion, 17)), nested(modelGraph, graph...))
}

// op is a node; inputs and outputs are lists of names.
func op(operator string, inputs, outputs []string, more ...field) field {
	return nested(graphNode, list(nodeInput, inputs...), list(nodeOutput, outputs...), text(nodeOperator, operator), join(more...))
}

func names(s ...string) []string { return s }

func floats(n protowire.Number, name string, dims ...int64) field {
	var shape []field
	for _, d := range dims {
		if d < 0 {
			shape = append(shape, nested(shapeDim))
		} else {
			shape = append(shape, nested(shapeDim, number(dimValue, d)))
		}
	}
	return nested(n, text(valueName, name), nested(valueType, nested(typeTensor, number(kindElement, onnxFloat), nested(kindShape, shape...))))
}

func attribute(name string, value ...field) field {
	return nested(nodeAttribute, text(attributeName, name), join(value...))
}

func sharedModel(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// sharedModels gives every model file under testdata/models, by its path there.
func sharedModels(tb testing.TB) map[string][]byte {
	tb.Helper()
	root := filepath.Join("..", "..", "testdata", "models")
	paths, err := filepath.Glob(filepath.Join(root, "*", "*.onnx"))
	if err != nil || len(paths) < 20 {
		tb.Fatalf("found %d models: %v", len(paths), err)
	}
	models := map[string][]byte{}
	for _, p := range paths {
		rel, err := filepath.Rel(root, p)
		if err != nil {
			tb.Fatal(err)
		}
		models[filepath.ToSlash(rel)] = sharedModel(tb, rel)
	}
	return models
}
