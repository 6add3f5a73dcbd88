//go:build cgo

package onnx

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock/penstock/inference"
)

// events are a shared model's events, read the slow and plain way: this package
// has nothing to do with decoding, it only needs real rows.
type events struct {
	inputs []mappedInput
	values []map[string]any
}

type mappedInput struct {
	Name  string
	Dtype string
	Shape []*int64
	From  []string
	Pad   *json.Number
}

func loadEvents(tb testing.TB, name, file string) *events {
	tb.Helper()
	dir := filepath.Join(sharedModels, name)
	var mapping struct{ Inputs []mappedInput }
	if err := json.Unmarshal(readModel(tb, filepath.Join(dir, "mapping.json")), &mapping); err != nil {
		tb.Fatal(err)
	}
	e := &events{inputs: mapping.Inputs}
	lines := bufio.NewScanner(bytes.NewReader(readModel(tb, filepath.Join(dir, file))))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event map[string]any
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&event); err != nil {
			tb.Fatal(err)
		}
		e.values = append(e.values, event)
	}
	return e
}

// tensors lays events lo..hi-1 out as the model's inputs.
func (e *events) tensors(tb testing.TB, lo, hi int) []*inference.Tensor {
	tb.Helper()
	var out []*inference.Tensor
	for _, in := range e.inputs {
		rows := make([][]any, 0, hi-lo)
		width := 0
		for _, event := range e.values[lo:hi] {
			row := in.row(event)
			rows, width = append(rows, row), max(width, len(row))
		}
		out = append(out, in.tensor(tb, rows, width))
	}
	return out
}

// row collects one event's values, arrays spread out.
func (in *mappedInput) row(event map[string]any) []any {
	var row []any
	for _, path := range in.From {
		var v any = event
		for key := range strings.SplitSeq(path, ".") {
			object, _ := v.(map[string]any)
			v = object[key]
		}
		if list, ok := v.([]any); ok {
			row = append(row, list...)
			continue
		}
		row = append(row, v)
	}
	return row
}

func (in *mappedInput) tensor(tb testing.TB, rows [][]any, width int) *inference.Tensor {
	tb.Helper()
	shape := []int64{int64(len(rows)), int64(width)}[:len(in.Shape)]
	if in.Dtype == "string" {
		var all []string
		for _, row := range rows {
			for _, v := range row {
				all = append(all, v.(string))
			}
		}
		return textTensor(shape, all...)
	}
	typ := map[string]inference.ElementType{
		"float32": inference.Float32, "float64": inference.Float64, "int64": inference.Int64,
		"int32": inference.Int32, "bool": inference.Bool,
	}[in.Dtype]
	if typ == inference.Invalid {
		tb.Fatalf("input %s has the type %s, which this test cannot make", in.Name, in.Dtype)
	}
	t := new(inference.Tensor)
	t.Resize(typ, shape...)
	for i, row := range rows {
		for j := range width {
			var v any = json.Number("0") // the pad of every shared model
			if j < len(row) {
				v = row[j]
			}
			put(tb, t, i*width+j, v)
		}
	}
	return t
}

func put(tb testing.TB, t *inference.Tensor, i int, v any) {
	tb.Helper()
	number := "nan"
	switch v := v.(type) {
	case json.Number:
		number = v.String()
	case bool:
		number = map[bool]string{false: "0", true: "1"}[v]
	}
	if t.Type == inference.Int64 || t.Type == inference.Int32 || t.Type == inference.Bool {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		switch t.Type {
		case inference.Int64:
			inference.Values[int64](t)[i] = n
		case inference.Int32:
			inference.Values[int32](t)[i] = int32(n)
		default:
			t.Data[i] = byte(n)
		}
		return
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		tb.Fatal(err)
	}
	if t.Type == inference.Float32 {
		inference.Values[float32](t)[i] = float32(f)
		return
	}
	inference.Values[float64](t)[i] = f
}

// expected are the outputs that stand in a shared model's expected.jsonl.
func expected(tb testing.TB, name string) []map[string]any {
	tb.Helper()
	var all []map[string]any
	lines := bufio.NewScanner(bytes.NewReader(readModel(tb, filepath.Join(sharedModels, name, "expected.jsonl"))))
	for lines.Scan() {
		var line struct{ Outputs map[string]any }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatal(err)
		}
		all = append(all, line.Outputs)
	}
	return all
}

// near compares as the issue does: floats within 2e-5 relative and 2e-6
// absolute.
func near(got, want float64) bool {
	return got == want || math.Abs(got-want) <= 2e-6+2e-5*math.Abs(want)
}
