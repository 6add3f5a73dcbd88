package onnxfile

import (
	"bytes"
	"reflect"
	"testing"
)

// classifier gives "label" and "p"; mapped turns a tensor into maps.
func classifier() field {
	return op("TreeEnsembleClassifier", names("x"), names("label", "p"), text(nodeDomain, mlDomain))
}

func mapped(from, to string, more ...field) field {
	if more == nil {
		more = []field{attribute("classlabels_int64s", number(attributeInts, 0), number(attributeInts, 1))}
	}
	return op("ZipMap", names(from), names(to), append(more, text(nodeDomain, mlDomain))...)
}

func maps(name string) field {
	m := nested(typeMap, number(kindElement, onnxInt64), nested(kindShape, nested(typeTensor, number(kindElement, onnxFloat))))
	return nested(graphOutput, text(valueName, name), nested(valueType, nested(typeSequence, nested(kindElement, m))))
}

func TestCutZipMap(t *testing.T) {
	x, label := floats(graphInput, "x", -1, 4), floats(graphOutput, "label", -1)
	scores := floats(graphOutput, "p", -1, 2)
	unknown := nested(99, text(1, "kept as it is"))
	double := op("Identity", names("p"), names("q"))
	cases := []struct {
		name   string
		before []byte
		after  []byte // nil: nothing is cut
		cuts   []Cut
	}{
		{
			"the last output",
			model(x, unknown, classifier(), mapped("p", "z"), label, maps("z"), text(graphName, "g")),
			model(x, unknown, classifier(), label, scores, text(graphName, "g")),
			[]Cut{{Output: "z", Index: 1, Tensor: "p", TensorIndex: 1, Classes: names("0", "1")}},
		},
		{
			"the first output, with a node that comes before its input's",
			model(mapped("p", "z"), maps("z"), label, classifier(), x),
			model(scores, label, classifier(), x),
			[]Cut{{Output: "z", Index: 0, Tensor: "p", TensorIndex: 0, Classes: names("0", "1")}},
		},
		{
			"string classes out of order, which goes by bytes",
			model(classifier(), mapped("p", "z", attribute("classlabels_strings", list(attributeStrings, "no", "maybe", "é\x00"))), maps("z")),
			model(classifier(), floats(graphOutput, "p", -1, 3)),
			[]Cut{{Output: "z", Tensor: "p", Classes: names("maybe", "no", "é\x00"), Columns: []int{1, 0, 2}, TextKeys: true}},
		},
		{
			"integer classes out of order, which goes by number",
			model(classifier(), mapped("p", "z", attribute("classlabels_int64s", packed(attributeInts, 10, 9, -2))), maps("z")),
			model(classifier(), floats(graphOutput, "p", -1, 3)),
			[]Cut{{Output: "z", Tensor: "p", Classes: names("-2", "9", "10"), Columns: []int{2, 1, 0}}},
		},
		{
			"packed and negative classes",
			model(classifier(), mapped("p", "z", attribute("classlabels_int64s", packed(attributeInts, -1, 300))), maps("z")),
			model(classifier(), scores),
			[]Cut{{Output: "z", Tensor: "p", Classes: names("-1", "300")}},
		},
		{
			"the tensor is an output that comes later",
			model(classifier(), mapped("p", "z"), maps("z"), label, scores),
			model(classifier(), label, scores),
			[]Cut{{Output: "z", Index: 0, Tensor: "p", TensorIndex: 1, Classes: names("0", "1")}},
		},
		{
			"the tensor is an output that came before",
			model(classifier(), mapped("p", "z"), scores, label, maps("z")),
			model(classifier(), scores, label),
			[]Cut{{Output: "z", Index: 2, Tensor: "p", TensorIndex: 0, Classes: names("0", "1")}},
		},
		{
			"two maps of one tensor",
			model(classifier(), mapped("p", "z"), mapped("p", "z2"), label, maps("z2"), maps("z")),
			model(classifier(), label, scores),
			[]Cut{
				{Output: "z2", Index: 1, Tensor: "p", TensorIndex: 1, Classes: names("0", "1")},
				{Output: "z", Index: 2, Tensor: "p", TensorIndex: 1, Classes: names("0", "1")},
			},
		},
		{
			"one of two: the other feeds a node",
			model(classifier(), double, mapped("p", "z"), mapped("q", "z2"), op("Identity", names("z2"), names("y")), maps("z"), maps("z2"), maps("y")),
			model(classifier(), double, mapped("q", "z2"), op("Identity", names("z2"), names("y")), scores, maps("z2"), maps("y")),
			[]Cut{{Output: "z", Tensor: "p", Classes: names("0", "1")}},
		},
		{"no ZipMap", model(x, classifier(), label, scores), nil, nil},
		{"its output is none of the graph's", model(classifier(), mapped("p", "z"), label), nil, nil},
		{"its output is listed twice", model(classifier(), mapped("p", "z"), maps("z"), maps("z")), nil, nil},
		{"its output is given twice", model(classifier(), mapped("p", "z"), mapped("p", "z"), maps("z")), nil, nil},
		{"it reads an input", model(x, mapped("x", "z"), maps("z")), nil, nil},
		{"it reads an initializer", model(nested(graphInitializer, text(tensorName, "w")), mapped("w", "z"), maps("z")), nil, nil},
		{"it reads nothing", model(op("Some", nil, names("")), mapped("", "z"), maps("z")), nil, nil},
		{"a graph within uses its output", model(classifier(), mapped("p", "z"), maps("z"),
			op("If", names("c"), names("y"), attribute("then_branch", nested(attributeGraph, op("SequenceAt", names("z"), names("a")))))), nil, nil},
		{"a graph within returns its output", model(classifier(), mapped("p", "z"), maps("z"),
			op("If", names("c"), names("y"), attribute("then_branch", nested(attributeGraph, maps("z"))))), nil, nil},
		{"it stands in a graph within", model(
			op("If", names("c"), names("z"), attribute("then_branch", nested(attributeGraph, classifier(), mapped("p", "z"), maps("z")))), maps("z")), nil, nil},
		{"another domain's operator", model(classifier(), op("ZipMap", names("p"), names("z"), attribute("classlabels_int64s", number(attributeInts, 0))), maps("z")), nil, nil},
		{"no classes", model(classifier(), mapped("p", "z", attribute("classlabels_strings")), maps("z")), nil, nil},
		{"classes of both kinds", model(classifier(), mapped("p", "z",
			attribute("classlabels_strings", list(attributeStrings, "a")), attribute("classlabels_int64s", number(attributeInts, 0))), maps("z")), nil, nil},
		{"a class named twice", model(classifier(), mapped("p", "z", attribute("classlabels_strings", list(attributeStrings, "a", "b", "a"))), maps("z")), nil, nil},
		{"no graph", number(modelIRVersion, 8), nil, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after := c.after
			if after == nil {
				after = c.before
			}
			got, cuts, err := CutZipMap(c.before)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, after) {
				t.Errorf("left\n%q, want\n%q", got, after)
			}
			if !reflect.DeepEqual(cuts, c.cuts) {
				t.Errorf("cuts %+v, want %+v", cuts, c.cuts)
			}
		})
	}
}

func TestCutZipMapOfSharedModels(t *testing.T) {
	want := map[string]Cut{
		"card_fraud_gbdt/model.onnx":     {Output: "probabilities", Index: 1, Tensor: "lgbmprobabilities", TensorIndex: 1, Classes: names("0", "1")},
		"card_fraud_pipeline/model.onnx": {Output: "output_probability", Index: 1, Tensor: "probabilities", TensorIndex: 1, Classes: names("0", "1")},
		"iris_rf/model.onnx":             {Output: "output_probability", Index: 1, Tensor: "probabilities", TensorIndex: 1, Classes: names("0", "1", "2")},
	}
	for name, b := range sharedModels(t) {
		before := bytes.Clone(b)
		got, cuts, err := CutZipMap(b)
		if !bytes.Equal(b, before) {
			t.Errorf("%s: CutZipMap changed the bytes that it was given", name)
		}
		if c, ok := want[name]; ok {
			if err != nil || len(cuts) != 1 || !reflect.DeepEqual(cuts[0], c) || len(got) >= len(b) {
				t.Errorf("%s: cuts %+v, %d of %d bytes left, %v; want %+v", name, cuts, len(got), len(b), err, c)
			}
			continue
		}
		if len(cuts) != 0 || err == nil && !bytes.Equal(got, b) {
			t.Errorf("%s: cuts %+v and changes the file", name, cuts)
		}
	}
}

func TestCutZipMapRefusesWhatIsNoModel(t *testing.T) {
	deep := op("ZipMap", nil, nil)
	for range maxDepth + 2 {
		deep = op("If", nil, nil, attribute("then_branch", nested(attributeGraph, deep)))
	}
	cases := []struct {
		name   string
		b      []byte
		reason Reason
	}{
		{"a broken tag", []byte{0xff}, NotONNX},
		{"two graphs", append(model(), nested(modelGraph)...), NotONNX},
		{"a broken node", model(text(graphNode, "\x0a\x7f")), NotONNX},
		{"a broken class list", model(classifier(), mapped("p", "z", attribute("classlabels_int64s", text(attributeInts, "\xff")))), NotONNX},
		{"graphs within graphs within graphs", model(classifier(), mapped("p", "z"), maps("z"), deep), TooDeep},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, cuts, err := CutZipMap(c.b)
			if r, ok := err.(*Refusal); !ok || r.Reason != c.reason || cuts != nil {
				t.Errorf("got %v, %v; want a refusal as %s", cuts, err, c.reason)
			}
		})
	}
}
