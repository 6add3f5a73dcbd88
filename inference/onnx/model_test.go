//go:build cgo

package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

// TestSharedModels runs every shared model whose values this test can make at
// several batch sizes and compares with what Python's onnxruntime gave.
func TestSharedModels(t *testing.T) {
	for _, name := range []string{
		"card_fraud_gbdt", "card_fraud_pipeline", "housing_xgb", "iris_rf", "iris_rf_strings",
		"isolation_forest", "logreg_tiny", "mlp_static", "multi_out", "tiny_transformer",
	} {
		t.Run(name, func(t *testing.T) {
			m := openShared(t, name, Options{})
			r := newRunner(t, m)
			e, want := loadEvents(t, name, "events.jsonl"), expected(t, name)
			for _, size := range []int{1, 7, 64} {
				if name == "mlp_static" {
					size = 1
				}
				out := outputsFor(m)
				for lo := 0; lo < len(e.values); lo += size {
					hi := min(lo+size, len(e.values))
					if err := r.Run(e.tensors(t, lo, hi), out, time.Minute); err != nil {
						t.Fatal(err)
					}
					for row := lo; row < hi; row++ {
						compareRow(t, m, out, row-lo, hi-lo, want[row])
					}
				}
			}
		})
	}
}

// compareRow compares one row of all outputs with a line of expected.jsonl.
func compareRow(t *testing.T, m *Model, out []*inference.Tensor, row, rows int, want map[string]any) {
	t.Helper()
	for i, o := range out {
		if len(o.Shape) == 0 || o.Shape[0] != int64(rows) {
			t.Fatalf("%s has the shape %v for %d rows", m.Outputs()[i].Name, o.Shape, rows)
		}
		width := o.Count() / rows
		got := make([]any, width)
		for k := range got {
			got[k] = element(o, row*width+k)
		}
		expect := flatten(want[m.Outputs()[i].Name], o.Keys)
		if len(expect) != width {
			t.Fatalf("%s: %d values a row, want %d", m.Outputs()[i].Name, width, len(expect))
		}
		for k := range got {
			g, number := got[k].(float64)
			w, _ := expect[k].(float64)
			if got[k] != expect[k] && !(number && near(g, w)) {
				t.Fatalf("%s, row %d: %v, want %v", m.Outputs()[i].Name, row, got, expect)
			}
		}
	}
}

// flatten undoes nesting; an object's values come in the order of keys.
func flatten(v any, keys []string) []any {
	switch v := v.(type) {
	case []any:
		var all []any
		for _, x := range v {
			all = append(all, flatten(x, nil)...)
		}
		return all
	case map[string]any:
		all := make([]any, len(keys))
		for i, key := range keys {
			all[i] = v[key]
		}
		return all
	}
	return []any{v}
}

// element reads any element as JSON would: a float64, a string or a bool.
func element(t *inference.Tensor, i int) any {
	switch t.Type {
	case inference.Float32:
		return float64(inference.Values[float32](t)[i])
	case inference.Float64:
		return inference.Values[float64](t)[i]
	case inference.Int64:
		return float64(inference.Values[int64](t)[i])
	case inference.Int32:
		return float64(inference.Values[int32](t)[i])
	case inference.Bool:
		return t.Data[i] == 1
	}
	return string(t.TextAt(i))
}

func TestDescribesModel(t *testing.T) {
	for _, c := range []struct {
		path            string
		inputs, outputs string
	}{
		{sharedModels + "/card_fraud_gbdt/model.onnx", "input float32[N,20]", "label int64[1], probabilities sequence of maps class to float32"},
		{
			sharedModels + "/multi_out/model.onnx",
			"is_member bool[N], quantities int32[N,3], amounts_minor int64[N,2], ratios float64[N,4], country string[N]",
			"score float64[N], eligible bool[N], first_quantity int32[N], total_minor int64[N,1], region_col string[N,1], embedding float32[N,2,3]",
		},
		{sharedModels + "/mlp_f16/model.onnx", "embedding float16[N,24]", "logits float16[N,8]"},
		{sharedModels + "/mlp_static/model.onnx", "vibration float32[1,16]", "state float32[1,3]"},
		{sharedModels + "/bad/slow_model.onnx", "x float32[N,2]", "y float32[?]"},
		{"testdata/scalar.onnx", "x float32[N,2]", "sum float32[], copy float32[N,2]"},
	} {
		m := openFile(t, c.path, Options{})
		if got := list(m.Inputs()); got != c.inputs {
			t.Errorf("%s takes %s, want %s", c.path, got, c.inputs)
		}
		if got := list(m.Outputs()); got != c.outputs {
			t.Errorf("%s gives %s, want %s", c.path, got, c.outputs)
		}
	}
}

func list(infos []inference.TensorInfo) string {
	var all []string
	for _, info := range infos {
		all = append(all, info.Name+" "+info.String())
	}
	return strings.Join(all, ", ")
}

// TestClasses has the class labels of scores with and without a ZipMap.
func TestClasses(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      Options
		output int
		want   []string
	}{
		{"card_fraud_gbdt", Options{}, 1, []string{"0", "1"}},
		{"card_fraud_gbdt", Options{uncut: true}, 1, []string{"0", "1"}},
		{"iris_rf", Options{}, 1, []string{"0", "1", "2"}},
		{"logreg_tiny", Options{}, 1, []string{"0", "1"}},
		{"logreg_tiny", Options{}, 0, nil},
		{"housing_xgb", Options{}, 0, nil},
	} {
		m := openShared(t, c.name, c.o)
		if got := m.Outputs()[c.output].Classes; !slices.Equal(got, c.want) {
			t.Errorf("%s, output %d: classes %q, want %q", c.name, c.output, got, c.want)
		}
	}
}

func TestMetadata(t *testing.T) {
	m := openShared(t, "multi_out", Options{})
	if got := fmt.Sprint(m.Metadata()); got != "map[model_version:2026.11.1 threshold:0.8]" {
		t.Errorf("metadata is %s", got)
	}
	if got := openShared(t, "iris_rf", Options{}).Metadata(); len(got) != 0 {
		t.Errorf("metadata of a model without any is %v", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := readModel(t, sharedModels+"/logreg_tiny/model.onnx")
	for _, c := range []struct {
		name  string
		model []byte
		o     Options
		want  []string
	}{
		{"no bytes", nil, Options{}, []string{"open model: "}},
		{"noise", readModel(t, sharedModels+"/bad/not_onnx.onnx"), Options{}, []string{"open model: ", "is no ONNX model"}},
		{"unknown operator", readModel(t, sharedModels+"/bad/unknown_op.onnx"), Options{}, []string{"FancyScore"}},
		{"bfloat16", readModel(t, "testdata/bfloat16.onnx"), Options{}, []string{`input "x" is a tensor of bfloat16`}},
		{"map input", readModel(t, "testdata/map_input.onnx"), Options{}, []string{`input "x" is a map`}},
		{"optional output", readModel(t, "testdata/optional.onnx"), Options{}, []string{`output "y" is an optional value`}},
		{"device", good, Options{Device: "gpu"}, []string{`device "gpu": want cpu, cuda or cuda:N`}},
		{"device number", good, Options{Device: "cuda:x"}, []string{`device "cuda:x"`}},
		{"negative device", good, Options{Device: "cuda:-1"}, []string{`device "cuda:-1"`}},
		{"cpu number", good, Options{Device: "cpu:0"}, []string{`device "cpu:0"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.model, c.o)
			if err == nil {
				t.Fatal("opened")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has several lines", err)
			}
		})
	}
}

func TestCloseTwiceAndUseAfterwards(t *testing.T) {
	m := openShared(t, "logreg_tiny", Options{})
	r, err := m.NewRunner()
	if err != nil {
		t.Fatal(err)
	}
	in := []*inference.Tensor{tensorOf(inference.Float32, []int64{1, 20}, make([]float32, 20)...)}
	// The model goes first, against the contract: the runner must still work.
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Run(in, outputsFor(m), 0); err != nil {
		t.Errorf("a runner whose model was closed before it: %v", err)
	}
	if _, err := m.NewRunner(); !errors.Is(err, errModelClosed) {
		t.Errorf("new runner of a closed model: %v, want %v", err, errModelClosed)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Run(in, outputsFor(m), 0); !errors.Is(err, errRunnerClosed) {
		t.Errorf("run of a closed runner: %v, want %v", err, errRunnerClosed)
	}
}

// TestModelOutlivesItsRunners closes the only runner and goes on with another.
func TestModelOutlivesItsRunners(t *testing.T) {
	m := openShared(t, "logreg_tiny", Options{})
	in := []*inference.Tensor{tensorOf(inference.Float32, []int64{1, 20}, make([]float32, 20)...)}
	for i := range 3 {
		r, err := m.NewRunner()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(in, outputsFor(m), 0); err != nil {
			t.Errorf("runner %d: %v", i, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryBitSurvives sends the extremes of every type through a model that
// copies them.
func TestEveryBitSurvives(t *testing.T) {
	m := openFile(t, "testdata/identity.onnx", Options{})
	r := newRunner(t, m)
	n := []int64{3}
	in := []*inference.Tensor{
		tensorOf(inference.Float16, n, uint16(0x0001), 0x7e01, 0xfbff), // smallest, a NaN, lowest
		tensorOf(inference.Float32, n, float32(math.SmallestNonzeroFloat32), float32(math.NaN()), -math.MaxFloat32),
		tensorOf(inference.Float64, n, math.SmallestNonzeroFloat64, math.Inf(-1), math.MaxFloat64),
		tensorOf(inference.Int8, n, int8(math.MinInt8), -1, math.MaxInt8),
		tensorOf(inference.Int16, n, int16(math.MinInt16), -1, math.MaxInt16),
		tensorOf(inference.Int32, n, int32(math.MinInt32), -1, math.MaxInt32),
		tensorOf(inference.Int64, n, int64(math.MinInt64), 1<<53+1, math.MaxInt64),
		tensorOf(inference.Uint8, n, uint8(0), 1, math.MaxUint8),
		tensorOf(inference.Uint16, n, uint16(0), 1, math.MaxUint16),
		tensorOf(inference.Uint32, n, uint32(0), 1, math.MaxUint32),
		tensorOf(inference.Uint64, n, uint64(0), 1, math.MaxUint64),
		tensorOf(inference.Bool, n, uint8(0), 1, 0),
		textTensor(n, "a\x00b", "", "\x00"),
	}
	out := outputsFor(m)
	if err := r.Run(in, out, 0); err != nil {
		t.Fatal(err)
	}
	for i := range in {
		if !slices.Equal(out[i].Shape, n) || out[i].Type != in[i].Type || !slices.Equal(out[i].Data, in[i].Data) {
			t.Errorf("%s%v % x came back as %s%v % x", in[i].Type, n, in[i].Data, out[i].Type, out[i].Shape, out[i].Data)
		}
	}
	if got := texts(out[12]); !slices.Equal(got, []string{"a\x00b", "", "\x00"}) {
		t.Errorf("strings came back as %q", got)
	}
}

// TestScalarAndUnknownRank has a 0-dimensional output, and one whose rank the
// model does not tell.
func TestScalarAndUnknownRank(t *testing.T) {
	m := openFile(t, "testdata/scalar.onnx", Options{})
	r := newRunner(t, m)
	out := outputsFor(m)
	if err := r.Run([]*inference.Tensor{tensorOf(inference.Float32, []int64{2, 2}, float32(1), 2, 3, 4)}, out, 0); err != nil {
		t.Fatal(err)
	}
	if len(out[0].Shape) != 0 || !slices.Equal(inference.Values[float32](out[0]), []float32{10}) {
		t.Errorf("the sum came as %v %v", out[0].Shape, inference.Values[float32](out[0]))
	}
	if !slices.Equal(out[1].Shape, []int64{2, 2}) || !slices.Equal(inference.Values[float32](out[1]), []float32{1, 2, 3, 4}) {
		t.Errorf("the copy came as %v %v", out[1].Shape, inference.Values[float32](out[1]))
	}
}
