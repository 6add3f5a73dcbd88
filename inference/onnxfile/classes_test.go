package onnxfile

import (
	"slices"
	"testing"
)

func TestParseTracesClasses(t *testing.T) {
	x := floats(graphInput, "x", -1, 4)
	ml := text(nodeDomain, mlDomain)
	classes := attribute("classlabels_strings", list(attributeStrings, "a", "b", "c"))
	forest := op("TreeEnsembleClassifier", names("x"), names("l", "p"), ml, classes)
	scores := floats(graphOutput, "y", -1, 3)
	abc := names("a", "b", "c")
	cases := []struct {
		name  string
		graph []field
		want  []string
	}{
		{"the classifier's own scores", []field{op("SVMClassifier", names("x"), names("l", "y"), ml, classes), scores}, abc},
		{"integer classes by their other name", []field{op("LinearClassifier", names("x"), names("l", "y"), ml,
			attribute("classlabels_ints", packed(attributeInts, 3, -1, 2))), scores}, names("3", "-1", "2")},
		{"through nodes that keep the columns", []field{op("Cast", names("q"), names("y")), op("Normalizer", names("p"), names("q"), ml), forest, scores}, abc},
		{"an open number of columns", []field{forest, op("Identity", names("p"), names("y")), floats(graphOutput, "y", -1, -1)}, abc},
		{"no declared shape", []field{forest, op("Identity", names("p"), names("y")), nested(graphOutput, text(valueName, "y"))}, abc},
		{"a map", []field{op("ZipMap", names("x"), names("y"), ml, classes), maps("y")}, abc},
		{"a map of classes out of order", []field{op("ZipMap", names("x"), names("y"), ml, attribute("classlabels_int64s", packed(attributeInts, 10, 9, -2))), maps("y")}, names("-2", "9", "10")},
		{"two classifiers, one traced", []field{op("SVMClassifier", names("x"), names("l2", "p2"), ml,
			attribute("classlabels_strings", list(attributeStrings, "n"))), forest, op("Identity", names("p"), names("y")), scores}, abc},
		{"the label", []field{op("SVMClassifier", names("x"), names("y", "p"), ml, classes), floats(graphOutput, "y", -1)}, nil},
		{"a number of columns that is not the classes'", []field{forest, op("Identity", names("p"), names("y")), floats(graphOutput, "y", -1, 4)}, nil},
		{"a vector", []field{forest, op("Identity", names("p"), names("y")), floats(graphOutput, "y", -1)}, nil},
		{"columns that are computed anew", []field{forest, op("MatMul", names("p", "x"), names("y")), scores}, nil},
		{"an operator of that name elsewhere", []field{forest, op("Normalizer", names("p"), names("y")), scores}, nil},
		{"a classifier without classes", []field{op("SVMClassifier", names("x"), names("l", "y"), ml), scores}, nil},
		{"a classifier in a graph within", []field{op("If", names("x"), names("y"), within(op("SVMClassifier", names("x"), names("l", "y"), ml, classes))), scores}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse(model(append(c.graph, x)...))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Outputs[0].Classes; !slices.Equal(got, c.want) {
				t.Errorf("classes %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseClassesOfSharedModels(t *testing.T) {
	f, err := Parse(sharedModel(t, "logreg_tiny/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Outputs[1].Classes; f.Outputs[0].Classes != nil || !slices.Equal(got, names("0", "1")) {
		t.Errorf("label %q, probabilities %q; want none and 0, 1", f.Outputs[0].Classes, got)
	}
}
