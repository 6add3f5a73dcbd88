package onnxfile

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/penstock/penstock/inference"
)

func TestParseReadsWhatTheFileSays(t *testing.T) {
	b := join(
		number(modelIRVersion, 99), // newer than any runtime: the runtime's to refuse
		text(modelProducer, "CatBoost"),
		text(modelProducerVersion, "Git info:\n  Commit: 1\n"),
		text(modelDomain, "ai.catboost"),
		number(modelVersion, -3),
		text(modelDoc, "about \xff it"),
		nested(modelOpset, text(opsetDomain, ""), number(opsetVersion, 15)),
		nested(modelOpset, text(opsetDomain, "ai.onnx"), number(opsetVersion, 15)),
		nested(modelMetadata, text(entryKey, "feature_names"), text(entryValue, "a")),
		nested(modelMetadata, text(entryKey, "feature_names"), text(entryValue, "a,b")),
		nested(modelGraph,
			text(graphName, "g"), text(graphDoc, "graph doc"),
			floats(graphInput, "x", -1, 2), floats(graphInput, "w", 2),
			nested(graphInitializer, text(tensorName, "w"), number(tensorDims, 2), number(tensorType, onnxFloat), text(tensorRaw, "12345678")),
			op("Mul", names("x", "w"), names("xw")), op("Mul", names("xw", "w"), names("y")),
			op("FusedMatMul", names("y", "", "w"), names("z", ""), text(nodeDomain, "com.microsoft")),
			floats(graphOutput, "z", -1, 2), nested(graphOutput, text(valueName, "y")),
		),
		nested(1000, text(1, "a field that is not known")),
	)
	f, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		IRVersion: 99, Producer: "CatBoost", ProducerVersion: "Git info:\n  Commit: 1\n", Domain: "ai.catboost", ModelVersion: -3,
		Doc: "about \uFFFD it", GraphName: "g", GraphDoc: "graph doc",
		Opsets:           []Opset{{"", 15}, {"ai.onnx", 15}},
		Metadata:         map[string]string{"feature_names": "a,b"},
		Inputs:           []inference.TensorInfo{{Name: "x", Type: inference.Float32, Shape: []int64{-1, 2}}},
		InputTypes:       []DeclaredType{{"float", names("?", "2")}},
		Outputs:          []inference.TensorInfo{{Name: "z", Type: inference.Float32, Shape: []int64{-1, 2}}, {Name: "y"}},
		OutputTypes:      []DeclaredType{{"float", names("?", "2")}, {"unknown", nil}},
		Nodes:            3,
		Operators:        map[string]int{"Mul": 2, "com.microsoft.FusedMatMul": 1},
		InitializerBytes: 8,
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got\n%+v, want\n%+v", f, want)
	}
}

func TestParseDeclaredTypes(t *testing.T) {
	shape := func(axes ...field) field { return nested(kindShape, axes...) }
	axis := func(f ...field) field { return nested(shapeDim, f...) }
	tensor := func(element int64, more ...field) field {
		return nested(typeTensor, number(kindElement, element), join(more...))
	}
	seq := func(f field) field { return nested(typeSequence, nested(kindElement, f)) }
	dict := func(key int64, value field) field {
		return nested(typeMap, number(kindElement, key), nested(kindShape, value))
	}
	cases := []struct {
		typ   field
		text  string
		info  inference.TensorInfo
		about string
	}{
		{
			tensor(10, shape(axis(text(dimParam, "batch")), axis(number(dimValue, 24)))), "float16[batch,24]",
			inference.TensorInfo{Type: inference.Float16, Shape: []int64{-1, 24}},
			"a named axis",
		},
		{
			tensor(8, shape(axis(text(dimParam, "")), axis(number(dimValue, -1)), axis(number(dimValue, 0)))), "string[?,?,0]",
			inference.TensorInfo{Type: inference.String, Shape: []int64{-1, -1, 0}},
			"open axes as exporters write them",
		},
		{
			tensor(11, shape(axis(number(dimValue, 3), text(dimParam, "n")))), "double[n]",
			inference.TensorInfo{Type: inference.Float64, Shape: []int64{-1}},
			"the last of two lengths counts",
		},
		{tensor(9, shape()), "bool[]", inference.TensorInfo{Type: inference.Bool, Shape: []int64{}}, "a scalar"},
		{tensor(9), "bool", inference.TensorInfo{Type: inference.Bool}, "no shape"},
		{tensor(16), "bfloat16", inference.TensorInfo{}, "a type that is not mapped"},
		{tensor(4711), "undefined", inference.TensorInfo{}, "a type that is not known"},
		{seq(dict(7, tensor(1))), "seq(map(int64,float))", inference.TensorInfo{Type: inference.Float32, Map: true}, "ZipMap"},
		{seq(dict(8, tensor(1))), "seq(map(string,float))", inference.TensorInfo{Type: inference.Float32, Map: true}, "ZipMap with texts"},
		{seq(dict(6, tensor(1))), "seq(map(int32,float))", inference.TensorInfo{}, "keys that ZipMap has not"},
		{seq(dict(7, tensor(11))), "seq(map(int64,double))", inference.TensorInfo{}, "values that ZipMap has not"},
		{dict(7, tensor(1)), "map(int64,float)", inference.TensorInfo{}, "a map alone"},
		{seq(tensor(1, shape(axis()))), "seq(float[?])", inference.TensorInfo{}, "a sequence of tensors"},
		{seq(seq(dict(7, tensor(1)))), "seq(seq(map(int64,float)))", inference.TensorInfo{}, "a sequence too many"},
		{nested(typeOptional, nested(kindElement, tensor(1))), "optional(float)", inference.TensorInfo{}, "an optional"},
		{nested(typeSparse, number(kindElement, 1), shape(axis(number(dimValue, 7)))), "sparse(float[7])", inference.TensorInfo{}, "a sparse tensor"},
		{nested(typeSequence), "seq(unknown)", inference.TensorInfo{}, "a sequence of nothing"},
		{nested(typeMap), "map(undefined,unknown)", inference.TensorInfo{}, "a map of nothing"},
	}
	for _, c := range cases {
		t.Run(c.about, func(t *testing.T) {
			f, err := Parse(model(nested(graphInput, text(valueName, "v"), nested(valueType, c.typ))))
			if err != nil {
				t.Fatal(err)
			}
			c.info.Name = "v"
			if c.info.Type == inference.Invalid {
				c.info.Declared = c.text
			}
			if !reflect.DeepEqual(f.Inputs[0], c.info) {
				t.Errorf("got %#v, want %#v", f.Inputs[0], c.info)
			}
			if got := f.InputTypes[0].String(); got != c.text {
				t.Errorf("declared as %s, want %s", got, c.text)
			}
		})
	}
}

func TestParseSharedModels(t *testing.T) {
	refused := map[string]Reason{
		"bad/truncated.onnx": Truncated, "bad/not_onnx.onnx": NotONNX, "bad/empty.onnx": Empty, "bad/external_data.onnx": ExternalData,
		"bad/huge_dims.onnx": AbsurdTensor, "bad/unknown_op.onnx": ForeignOperator, "bad/cyclic.onnx": Cyclic,
	}
	for name, b := range sharedModels(t) {
		f, err := Parse(b)
		r, _ := errors.AsType[*Refusal](err)
		switch reason, bad := refused[name]; {
		case bad && (r == nil || r.Reason != reason):
			t.Errorf("%s: %v, want a refusal as %s", name, err, reason)
		case !bad && err != nil:
			t.Errorf("%s: %v", name, err)
		case !bad && (len(f.Inputs) == 0 || len(f.Outputs) == 0 || f.Nodes == 0):
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestParseCountsGraphsWithin(t *testing.T) {
	f, err := Parse(sharedModel(t, "bad/slow_model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"Loop": 1, "Identity": 1, "Sin": 1, "Add": 1}
	if f.Nodes != 4 || !reflect.DeepEqual(f.Operators, want) {
		t.Errorf("%d nodes %v, want 4 %v", f.Nodes, f.Operators, want)
	}
}

// A cut file is a model like any other, but for the output that was replaced.
func TestParseAfterCutZipMap(t *testing.T) {
	for name, b := range sharedModels(t) {
		cut, cuts, err := CutZipMap(b)
		if err != nil || len(cuts) == 0 {
			continue
		}
		before, err := Parse(b)
		if err != nil {
			t.Fatal(name, err)
		}
		after, err := Parse(cut)
		if err != nil {
			t.Fatal(name, err)
		}
		out := before.Outputs[cuts[0].Index]
		if !out.Map || !reflect.DeepEqual(out.Classes, cuts[0].Classes) {
			t.Errorf("%s: %+v before the cut, want a map of %v", name, out, cuts[0].Classes)
		}
		want := inference.TensorInfo{Name: cuts[0].Tensor, Type: inference.Float32, Shape: []int64{-1, int64(len(out.Classes))}, Classes: out.Classes}
		if got := after.Outputs[cuts[0].TensorIndex]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v after the cut, want %+v", name, got, want)
		}
		if !reflect.DeepEqual(after.Inputs, before.Inputs) || after.Nodes != before.Nodes-1 {
			t.Errorf("%s: the cut changed more than the node", name)
		}
	}
}

func TestFileHoldsNoViewOfTheBytes(t *testing.T) {
	b := sharedModel(t, "multi_out/model.onnx")
	f, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(sharedModel(t, "multi_out/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if !reflect.DeepEqual(f, again) {
		t.Errorf("the file changed with the bytes it was read from: %+v", f)
	}
}

func TestRefusalNamesAreCut(t *testing.T) {
	_, err := Parse(model(op("Relu", names(strings.Repeat("n", 5000)), names("y"))))
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}
