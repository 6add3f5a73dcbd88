//go:build cgo

package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStarterConfigRuns takes the file that inspect --config prints for every
// shared model, as it is: it lints without an error and scores an event whose
// fields are named as the inputs.
func TestStarterConfigRuns(t *testing.T) {
	files, err := filepath.Glob(models + "/*/model.onnx")
	if err != nil || len(files) < 11 {
		t.Fatalf("only %d models: %v", len(files), err)
	}
	for _, file := range append(files, filepath.Join(models, "bad", "nan_model.onnx")) {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			abs, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			config := writeFile(t, "start.yaml", run(t, "", "inspect", abs, "--config").want(t, 0).out)
			if r := run(t, "", "lint", config).want(t, 0); !strings.HasPrefix(r.out, config+": ok") {
				t.Errorf("lint says %q", r.out)
			}
			var model struct {
				Inputs []struct {
					Name, Type string
					Shape      []*int
				}
			}
			decodeJSON(t, run(t, "", "inspect", abs, "--json").want(t, 0).out, &model)
			event := map[string]any{}
			for _, in := range model.Inputs {
				event[in.Name] = filler(in.Type, in.Shape)
			}
			text, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			run(t, string(text), "predict", config).want(t, 0, "1 predicted, 0 rejected")
		})
	}
}

// filler is a value for an input of that type and shape.
func filler(typ string, shape []*int) any {
	var one any = 1
	switch typ {
	case "string":
		one = "x"
	case "bool":
		one = true
	}
	if len(shape) < 2 || shape[1] != nil && *shape[1] == 1 {
		return one
	}
	row := []any{one, one, one}
	if shape[1] != nil {
		row = make([]any, *shape[1])
		for i := range row {
			row[i] = one
		}
	}
	return row
}

// TestStarterUsesFeatureNames gives a model's metadata the names of its
// columns, among them one that is no path.
func TestStarterUsesFeatureNames(t *testing.T) {
	model, err := os.ReadFile(filepath.Join(models, "iris_rf", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, "named.onnx", string(append(model, metadata("feature_names", `["a", "b.c", "d [cm]", "on"]`)...)))
	config := run(t, "", "inspect", path, "--config").want(t, 0).out
	const want = `    X: [a, b.c, "['d [cm]']", "on"]  # float32[N,4]: from the model's feature_names`
	if !strings.Contains(config, want) {
		t.Fatalf("no %q in\n%s", want, config)
	}
	run(t, `{"a":6.5,"b":{"c":2.6},"d [cm]":5.7,"on":2}`, "predict", writeFile(t, "start.yaml", config)).want(t, 0, "1 predicted")
}

// TestStarterOfOddFileNames names a model like a variable, and at more length
// than a pipeline's name may have.
func TestStarterOfOddFileNames(t *testing.T) {
	model := readFile(t, filepath.Join(models, "iris_rf", "model.onnx"))
	for _, name := range []string{"${HOME}.onnx", strings.Repeat("long-", 48) + ".onnx", "a,b: #'\".onnx"} {
		t.Run(name, func(t *testing.T) {
			config := writeFile(t, "start.yaml", run(t, "", "inspect", writeFile(t, name, model), "--config").want(t, 0).out)
			if r := run(t, "", "lint", config).want(t, 0); !strings.HasPrefix(r.out, config+": ok") {
				t.Errorf("lint says %q", r.out)
			}
		})
	}
}

// metadata is an entry of a model's metadata_props (field 14), in protobuf.
func metadata(key, value string) []byte {
	entry := append([]byte{0x0a, byte(len(key))}, key...)
	entry = append(append(entry, 0x12, byte(len(value))), value...)
	return append([]byte{14<<3 | 2, byte(len(entry))}, entry...)
}
