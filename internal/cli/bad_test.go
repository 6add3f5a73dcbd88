//go:build cgo

package cli_test

import (
	"path/filepath"
	"testing"
)

// TestBadModelsAreRefused has every command that opens a model meet the hostile
// ones: exit code 2, with a word on why, and neither crash nor hang.
func TestBadModelsAreRefused(t *testing.T) {
	for name, why := range map[string]string{
		"truncated": "cut short", "not_onnx": "no ONNX model", "empty": "is empty", "external_data": "in another file",
		"huge_dims": "impossible dimensions", "unknown_op": "FancyScore", "cyclic": "cycle",
	} {
		t.Run(name, func(t *testing.T) {
			model, err := filepath.Abs(filepath.Join(models, "bad", name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			config := writeFile(t, "bad.yaml", "model: {path: "+model+"}\n")
			run(t, "", "inspect", model).want(t, 2, why)
			run(t, "", "inspect", model, "--config").want(t, 2, why)
			run(t, "", "lint", config).want(t, 2, config+":1:15: ", why)
			run(t, "{}", "predict", config).want(t, 2, config+":1:15: ", why)
		})
	}
}

// TestSlowModelIsRefused waits for the gate to give a model up that would run
// for half an hour.
func TestSlowModelIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the 10 s that the gate gives a model")
	}
	model, err := filepath.Abs(filepath.Join(models, "bad", "slow_model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	config := writeFile(t, "slow.yaml", "model: {path: "+model+"}\n")
	run(t, "{}", "predict", config).want(t, 2, "took longer than 10s")
}
