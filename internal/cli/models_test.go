//go:build cgo

package cli_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mapping is a shared model's mapping.json.
type mapping struct {
	Inputs []struct {
		Name    string
		From    []string
		Missing string
		Pad     *float64
	}
}

// sharedConfig writes the config that a model's mapping.json asks for.
func sharedConfig(t *testing.T, mappingFile, model string, rows int) string {
	t.Helper()
	var m mapping
	decodeJSON(t, readFile(t, mappingFile), &m)
	inputs := map[string]any{}
	for _, in := range m.Inputs {
		value := map[string]any{"from": in.From}
		if len(in.From) == 1 {
			value["from"] = in.From[0]
		}
		if in.Missing != "" {
			value["missing"] = in.Missing
		}
		if in.Pad != nil {
			value["pad"] = *in.Pad
		}
		inputs[in.Name] = value
	}
	abs, err := filepath.Abs(model)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"name":  "shared",
		"batch": map[string]any{"max_rows": rows},
		"model": map[string]any{"path": abs, "inputs": inputs, "output": map[string]any{"include": "all"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "pipeline.yaml", string(text))
}

// records parses prediction records and checks that their ids count up from 0.
func records(t *testing.T, out, source string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for i, line := range linesOf(out) {
		var r map[string]any
		decodeJSON(t, line, &r)
		if want := fmt.Sprintf("%s/0/%d", source, i); r["id"] != want {
			t.Fatalf("record %d has id %v, want %s", i, r["id"], want)
		}
		all = append(all, r)
	}
	return all
}

var shared = []struct {
	name   string
	half   bool // float16 outputs
	tree   bool // does not depend on the batch size
	flat   bool // the events have no arrays that are mapped
	static bool // a fixed batch size
}{
	{name: "card_fraud_gbdt", tree: true, flat: true},
	{name: "card_fraud_pipeline", flat: true},
	{name: "housing_xgb", tree: true, flat: true},
	{name: "iris_rf", tree: true, flat: true},
	{name: "iris_rf_strings", tree: true, flat: true},
	{name: "isolation_forest", tree: true, flat: true},
	{name: "logreg_tiny", flat: true},
	{name: "mlp_f16", half: true},
	{name: "mlp_static", flat: true, static: true},
	{name: "multi_out"},
	{name: "tiny_transformer"},
}

// TestPredictSharedModels scores every shared model's events at several batch
// sizes and compares all outputs with what Python's onnxruntime gave.
func TestPredictSharedModels(t *testing.T) {
	for _, m := range shared {
		t.Run(m.name, func(t *testing.T) {
			dir := filepath.Join(models, m.name)
			want := linesOf(readFile(t, filepath.Join(dir, "expected.jsonl")))
			var first []map[string]any
			for _, rows := range []int{1, 7, 64, 256} {
				config := sharedConfig(t, filepath.Join(dir, "mapping.json"), filepath.Join(dir, "model.onnx"), rows)
				r := run(t, "", "predict", config, filepath.Join(dir, "events.jsonl")).want(t, 0, "200 predicted, 0 rejected")
				got := records(t, r.out, "events.jsonl")
				if len(got) != len(want) {
					t.Fatalf("%d rows: %d records, want %d", rows, len(got), len(want))
				}
				for i := range want {
					compareOutputs(t, fmt.Sprintf("%d rows: event %d", rows, i), want[i], got[i], m.half)
				}
				if first == nil {
					first = got
				}
				if m.tree && !slices.EqualFunc(first, got, sameButTime) {
					t.Errorf("%d rows: predictions differ from those of rows alone", rows)
				}
			}
		})
	}
}

// compareOutputs compares a line of expected.jsonl with a record's outputs,
// exactly but for floats.
func compareOutputs(t *testing.T, what, line string, got map[string]any, half bool) {
	t.Helper()
	var want struct{ Outputs map[string]any }
	decodeJSON(t, line, &want)
	outputs, _ := got["outputs"].(map[string]any)
	if len(outputs) != len(want.Outputs) {
		t.Fatalf("%s has outputs %v, want %v", what, outputs, want.Outputs)
	}
	for name, value := range want.Outputs {
		if !close(value, outputs[name], half) {
			t.Errorf("%s: %s is %v, want %v", what, name, outputs[name], value)
		}
		if nonFinite(value) != slices.Contains(flags(got), "non_finite:"+name) {
			t.Errorf("%s: %s is %v with flags %v", what, name, value, got["flags"])
		}
	}
}

func flags(record map[string]any) []string {
	var all []string
	list, _ := record["flags"].([]any)
	for _, f := range list {
		all = append(all, f.(string))
	}
	return all
}

func nonFinite(v any) bool {
	switch v := v.(type) {
	case string:
		return v == "NaN" || v == "Infinity" || v == "-Infinity"
	case []any:
		return slices.ContainsFunc(v, nonFinite)
	case map[string]any:
		for _, e := range v {
			if nonFinite(e) {
				return true
			}
		}
	}
	return false
}

// close compares expected with actual values: integers, text and booleans
// exactly, floats within 2e-5 relative and 2e-6 absolute (float16 1e-3), and
// null for what is not finite.
func close(want, got any, half bool) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for key, value := range want {
			if !close(value, got[key], half) {
				return false
			}
		}
		return true
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(want, got, func(a, b any) bool { return close(a, b, half) })
	case json.Number:
		got, ok := got.(json.Number)
		return ok && closeNumbers(want, got, half)
	case string:
		if nonFinite(want) {
			return got == nil
		}
	}
	return want == got
}

func closeNumbers(want, got json.Number, half bool) bool {
	if !strings.ContainsAny(string(want), ".eE") {
		return want == got
	}
	w, errWant := want.Float64()
	g, errGot := got.Float64()
	relative, absolute := 2e-5, 2e-6
	if half {
		relative, absolute = 1e-3, 1e-3
	}
	return errWant == nil && errGot == nil && math.Abs(w-g) <= absolute+relative*math.Abs(w)
}

// sameButTime compares records but for the wall clock, which is no part of
// equality.
func sameButTime(a, b map[string]any) bool {
	text := func(r map[string]any) string {
		time := r["time"]
		delete(r, "time")
		s := fmt.Sprint(r)
		r["time"] = time
		return s
	}
	return text(a) == text(b)
}
