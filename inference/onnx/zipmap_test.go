//go:build cgo

package onnx

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnxfile"
)

// zipMapModels are the shared models with a ZipMap.
var zipMapModels = []string{"card_fraud_gbdt", "card_fraud_pipeline", "iris_rf"}

// TestCutAgreesWithUncut holds every shared model whose ZipMap is cut off to
// what the runtime's own maps give, bit for bit.
func TestCutAgreesWithUncut(t *testing.T) {
	for _, name := range zipMapModels {
		t.Run(name, func(t *testing.T) {
			cut, uncut := openShared(t, name, Options{}), openShared(t, name, Options{uncut: true})
			if got, want := list(cut.Outputs()), list(uncut.Outputs()); got != want {
				t.Errorf("cut, the model gives %s; uncut %s", got, want)
			}
			if !cut.sources[1].cut || uncut.sources[1].cut {
				t.Fatal("the ZipMap is not cut, or cut in both")
			}
			rc, ru := newRunner(t, cut), newRunner(t, uncut)
			outC, outU := outputsFor(cut), outputsFor(uncut)
			e := loadEvents(t, name, "events.jsonl")
			for _, size := range []int{1, 7, 64} {
				for lo := 0; lo < len(e.values); lo += size {
					in := e.tensors(t, lo, min(lo+size, len(e.values)))
					if err := rc.Run(in, outC, 0); err != nil {
						t.Fatal(err)
					}
					if err := ru.Run(in, outU, 0); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(outC[0].Data, outU[0].Data) {
						t.Fatalf("labels of rows from %d differ", lo)
					}
					compareMaps(t, outC[1], outU[1])
				}
			}
			if classes := cut.Outputs()[1].Classes; !slices.Equal(classes, outC[1].Keys) || len(classes) < 2 {
				t.Errorf("classes %q, keys %q", classes, outC[1].Keys)
			}
		})
	}
}

// compareMaps compares two tensors of maps; their columns may be in any order.
func compareMaps(t *testing.T, got, want *inference.Tensor) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) || got.Type != want.Type || len(got.Keys) != len(want.Keys) {
		t.Fatalf("%s%v with keys %q, want %s%v with %q", got.Type, got.Shape, got.Keys, want.Type, want.Shape, want.Keys)
	}
	a, b := inference.Values[float32](got), inference.Values[float32](want)
	for i := range a {
		row, key := i/len(got.Keys), got.Keys[i%len(got.Keys)]
		j := slices.Index(want.Keys, key)
		if j < 0 || math.Float32bits(a[i]) != math.Float32bits(b[row*len(want.Keys)+j]) {
			t.Fatalf("row %d, class %q: the maps differ", row, key)
		}
	}
}

// TestTextKeys has string classes, an empty one among them, out of order.
func TestTextKeys(t *testing.T) {
	for _, uncut := range []bool{false, true} {
		m := openFile(t, "testdata/zipmap_text.onnx", Options{uncut: uncut})
		r := newRunner(t, m)
		out := outputsFor(m)
		for rows := range 3 {
			scores := []float32{.1, .2, .3, .4, .5, .6}[:rows*3]
			in := tensorOf(inference.Float32, []int64{int64(rows), 3}, scores...)
			if err := r.Run([]*inference.Tensor{in}, out, 0); err != nil {
				t.Fatal(err)
			}
			if rows == 0 {
				if out[0].Shape[0] != 0 {
					t.Errorf("no rows give %v", out[0].Shape)
				}
				continue
			}
			want := tensorOf(inference.Float32, []int64{int64(rows), 3}, scores...)
			want.Keys = []string{"schön", "", "bad"}
			compareMaps(t, out[0], want)
		}
	}
}

// TestJoinCuts puts cut outputs back among those that stay.
func TestJoinCuts(t *testing.T) {
	given := func(names ...string) (infos []inference.TensorInfo) {
		for _, name := range names {
			infos = append(infos, inference.TensorInfo{Name: name})
		}
		return infos
	}
	for _, c := range []struct {
		name  string
		given []inference.TensorInfo
		cuts  []onnxfile.Cut
		want  string
	}{
		{"none", given("label", "scores"), nil, "label<0 scores<1"},
		{"last", given("label", "inner"), []onnxfile.Cut{{Output: "map", Index: 1, TensorIndex: 1}}, "label<0 map<1"},
		{"first", given("inner", "label"), []onnxfile.Cut{{Output: "map", Index: 0, TensorIndex: 0}}, "map<0 label<1"},
		{"all", given("a", "b"), []onnxfile.Cut{{Output: "m", Index: 0, TensorIndex: 0}, {Output: "n", Index: 1, TensorIndex: 1}}, "m<0 n<1"},
		{"tensor listed before", given("scores", "label"), []onnxfile.Cut{{Output: "map", Index: 1, TensorIndex: 0}}, "scores<0 map<0 label<1"},
		{"tensor listed later", given("label", "scores"), []onnxfile.Cut{{Output: "map", Index: 0, TensorIndex: 1}}, "map<1 label<0 scores<1"},
		{"two maps of one tensor", given("label", "inner"), []onnxfile.Cut{{Output: "m", Index: 1, TensorIndex: 1}, {Output: "n", Index: 2, TensorIndex: 1}}, "label<0 m<1 n<1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, o := range joinCuts(c.given, c.cuts) {
				got += fmt.Sprintf(" %s<%d", o.Name, o.source)
			}
			if got != " "+c.want {
				t.Errorf("got%s, want %s", got, c.want)
			}
		})
	}
}

func TestAddKeys(t *testing.T) {
	classes := []string{"a", "b"}
	for _, c := range []struct {
		shape []int64
		rows  int64 // -1: refused
	}{{[]int64{3, 2}, 3}, {[]int64{2}, 1}, {[]int64{0, 2}, 0}, {[]int64{3, 3}, -1}, {[]int64{3}, -1}, {[]int64{1, 2, 1}, -1}} {
		tensor := tensorOf[float32](inference.Float32, c.shape)
		err := addKeys(tensor, classes)
		if (err != nil) != (c.rows < 0) {
			t.Errorf("%v: error %v", c.shape, err)
		}
		if err == nil && (!slices.Equal(tensor.Shape, []int64{c.rows, 2}) || !slices.Equal(tensor.Keys, classes)) {
			t.Errorf("%v became %v with keys %q", c.shape, tensor.Shape, tensor.Keys)
		}
	}
}
