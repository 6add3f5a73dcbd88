package onnxfile

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func seed(f *testing.F) {
	for _, b := range sharedModels(f) {
		if len(b) < 16<<10 { // mutating big ones finds nothing more, slowly
			f.Add(b)
		}
	}
	classes := attribute("classlabels_int64s", packed(attributeInts, 0, 1))
	f.Add(model(classifier(), mapped("p", "z", classes), maps("z"), floats(graphOutput, "p", -1, 2)))
	f.Add(join(field(model(op("If", names("c"), names("y"), within(op("F", names("c"), names("i"), text(nodeDomain, "d")))))),
		modelFn("d", "F", text(functionInput, "i"), fnNode("Relu", "", names("i"), names("o")))))
}

// Whatever the bytes are, the walk ends soon, and with a file or a refusal.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		start := time.Now()
		file, err := Parse(b)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(b), took)
		}
		if !bytes.Equal(b, before) {
			t.Error("the walk changed its bytes")
		}
		if _, refused := errors.AsType[*Refusal](err); refused == (file != nil) || refused != (err != nil) {
			t.Errorf("got %v and %v; want a file or a refusal", file, err)
		}
	})
}

// A model that the walk takes, it takes after the cut, too.
func FuzzCutZipMap(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		cut, cuts, err := CutZipMap(b)
		if _, refused := errors.AsType[*Refusal](err); refused != (err != nil) {
			t.Fatalf("%v is no refusal", err)
		}
		before, err := Parse(b)
		if err != nil {
			return
		}
		if len(cuts) == 0 {
			if !bytes.Equal(cut, b) {
				t.Error("nothing is cut but the bytes differ")
			}
			return
		}
		after, err := Parse(cut)
		if err != nil {
			t.Fatalf("after the cut of %+v: %v", cuts, err)
		}
		if after.Nodes != before.Nodes-len(cuts) {
			t.Errorf("%d nodes of %d are left after %d cuts", after.Nodes, before.Nodes, len(cuts))
		}
		for _, c := range cuts {
			if before.Outputs[c.Index].Name != c.Output || after.Outputs[c.TensorIndex].Name != c.Tensor {
				t.Errorf("%+v does not fit outputs %v before and %v after", c, before.Outputs, after.Outputs)
			}
		}
	})
}
