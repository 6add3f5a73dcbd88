//go:build cgo

package onnx

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

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

// compareMaps compares two tensors of maps bit for bit, the order of the classes
// included: of two, the second one's probability is the score.
func compareMaps(t *testing.T, got, want *inference.Tensor) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) || got.Type != want.Type || !slices.Equal(got.Keys, want.Keys) {
		t.Fatalf("%s%v with keys %q, want %s%v with %q", got.Type, got.Shape, got.Keys, want.Type, want.Shape, want.Keys)
	}
	if !slices.Equal(got.Data, want.Data) {
		t.Fatalf("the maps hold %v, want %v", inference.Values[float32](got), inference.Values[float32](want))
	}
}

// TestTextKeys has string classes, an empty one among them, out of order: cut or
// not, they come in the order of the runtime's maps.
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
			sorted := []float32{.2, .3, .1, .5, .6, .4}[:rows*3]
			want := tensorOf(inference.Float32, []int64{int64(rows), 3}, sorted...)
			want.Keys = []string{"", "bad", "schön"}
			compareMaps(t, out[0], want)
		}
	}
}

// TestMapBesideItsTensor has both the maps and the tensor that they are made
// of as outputs: cut, they are one value of the session's.
func TestMapBesideItsTensor(t *testing.T) {
	for _, uncut := range []bool{false, true} {
		m := openFile(t, "testdata/zipmap_both.onnx", Options{uncut: uncut})
		if got, want := list(m.Outputs()), "probabilities sequence of maps class to float32, inner float32[N,2]"; got != want {
			t.Errorf("outputs %s, want %s", got, want)
		}
		r := newRunner(t, m)
		out := outputsFor(m)
		out[1].Keys = []string{"left", "over"} // from another use of the tensor
		in := tensorOf(inference.Float32, []int64{2, 2}, float32(.1), .2, .3, .4)
		if err := r.Run([]*inference.Tensor{in}, out, 0); err != nil {
			t.Fatal(err)
		}
		want := tensorOf(inference.Float32, []int64{2, 2}, float32(.2), .1, .4, .3)
		want.Keys = []string{"-1", "7"}
		compareMaps(t, out[0], want)
		if classes := m.Outputs()[0].Classes; !slices.Equal(classes, want.Keys) {
			t.Errorf("uncut %v: classes %q, keys %q", uncut, classes, want.Keys)
		}
		if !slices.Equal(out[1].Data, in.Data) || out[1].Keys != nil {
			t.Errorf("uncut %v: the tensor came as %v with keys %q", uncut, inference.Values[float32](out[1]), out[1].Keys)
		}
	}
}

// TestJoinCuts finds declared outputs among those that a session gives.
func TestJoinCuts(t *testing.T) {
	infos := func(names string) (infos []inference.TensorInfo) {
		for name := range strings.FieldsSeq(names) {
			infos = append(infos, inference.TensorInfo{Name: name})
		}
		return infos
	}
	for _, c := range []struct {
		name            string
		declared, given string
		cuts            []onnxfile.Cut
		want            string
	}{
		{"none", "label scores", "label scores", nil, "label<0 scores<1"},
		{"last", "label map", "label inner", []onnxfile.Cut{{Output: "map", TensorIndex: 1}}, "label<0 map<1"},
		{"first", "map label", "inner label", []onnxfile.Cut{{Output: "map", TensorIndex: 0}}, "map<0 label<1"},
		{"tensor declared before", "scores map label", "scores label", []onnxfile.Cut{{Output: "map", TensorIndex: 0}}, "scores<0 map<0 label<1"},
		{"tensor declared next", "map scores", "scores", []onnxfile.Cut{{Output: "map", TensorIndex: 0}}, "map<0 scores<0"},
		{"two maps of one tensor", "label m n", "label inner", []onnxfile.Cut{{Output: "m", TensorIndex: 1}, {Output: "n", TensorIndex: 1}}, "label<0 m<1 n<1"},
		{"lost", "label scores", "label", nil, `the runtime does not give the output "scores" that the file declares`},
	} {
		t.Run(c.name, func(t *testing.T) {
			outputs, err := joinCuts(infos(c.declared), infos(c.given), c.cuts)
			var got []string
			for _, o := range outputs {
				got = append(got, fmt.Sprintf("%s<%d", o.Name, o.source))
			}
			if err != nil {
				got = []string{err.Error()}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %s", got, c.want)
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

// TestMapsMustHaveTheSameKeys swaps the keys of the first map for others of the
// same number and length before the rest is compared with them. No operator
// makes such maps today; what one that does would give must not pass for scores
// of the first map's classes.
func TestMapsMustHaveTheSameKeys(t *testing.T) {
	firstMap := func(file string, scores ...float32) *Runner {
		r := newRunner(t, openFile(t, "testdata/"+file, Options{uncut: true})).(*Runner)
		in := tensorOf(inference.Float32, []int64{1, int64(len(scores))}, scores...)
		out := make([]*inference.Tensor, len(r.model.sources))
		out[0] = new(inference.Tensor)
		if err := r.Run([]*inference.Tensor{in}, out, 0); err != nil {
			t.Fatal(err)
		}
		if err := r.readFirstMap(0); err != nil {
			t.Fatal(err)
		}
		return r
	}
	check := func(r *Runner, want bool) {
		t.Helper()
		err := r.copyMaps(0, new(inference.Tensor))
		if refused := err != nil && strings.Contains(err.Error(), "its maps do not all have the same keys"); refused == want || err != nil && !refused {
			t.Errorf("same keys %v: error %v", want, err)
		}
	}
	ints := firstMap("zipmap_both.onnx", .1, .2)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	for keys, same := range map[[2]int64]bool{{-1, 7}: true, {-1, 8}: false, {7, -1}: false} {
		pinner.Pin(&keys)
		ints.c.first.data = unsafe.Pointer(&keys)
		check(ints, same)
	}
	words, others := firstMap("zipmap_text.onnx", .1, .2, .3), firstMap("zipmap_other.onnx", .1, .2, .3)
	check(words, true)
	words.c.keys, others.c.keys = others.c.keys, words.c.keys
	check(words, false)
	check(others, false)
}
