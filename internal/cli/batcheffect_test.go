//go:build cgo

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPredictionsDoNotDependOnTheBatch scores the same events in batches of
// several sizes. These models' matrix products give a lone row other last bits,
// so that they differ unless it is run as two.
func TestPredictionsDoNotDependOnTheBatch(t *testing.T) {
	for _, name := range []string{"logreg_tiny", "card_fraud_pipeline"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(models, name)
			events := filepath.Join(dir, "events.jsonl")
			config := sharedConfig(t, filepath.Join(dir, "mapping.json"), filepath.Join(dir, "model.onnx"), 256)
			want := predictions(run(t, "", "predict", config, events).want(t, 0).out)
			for _, rows := range []string{"1", "2", "3", "50"} {
				got := predictions(run(t, "", "predict", config, events, "--set", "batch.max_rows="+rows).want(t, 0).out)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("in batches of %s:\n%s\nin batches of 256:\n%s", rows, got[i], want[i])
					}
				}
			}
		})
	}
}

// predictions are records without what stands before the score.
func predictions(out string) []string {
	lines := linesOf(out)
	for i, line := range lines {
		_, lines[i], _ = strings.Cut(line, `"time":`)
		_, lines[i], _ = strings.Cut(lines[i], ",")
	}
	return lines
}

// TestBatchEffectIsTold wants a warning of lint and a line of predict where the
// size of a batch changes predictions, and where that could not be tried out.
func TestBatchEffectIsTold(t *testing.T) {
	dir := filepath.Join(models, "tiny_transformer")
	config := sharedConfig(t, filepath.Join(dir, "mapping.json"), filepath.Join(dir, "model.onnx"), 256)
	var examples strings.Builder
	events := readFile(t, filepath.Join(dir, "events.jsonl"))
	for event := range strings.Lines(events) {
		examples.WriteString(`{"event":` + strings.TrimSpace(event) + `,"expect":{"id":"any"}}` + "\n")
	}
	golden := "model.examples=" + writeFile(t, "golden.jsonl", examples.String())

	const untried, differ = "could not be tried out", "depend on how many events share a run, so that"
	run(t, "", "lint", config).want(t, 0, "warning: ", untried)
	run(t, "", "lint", config, "--set", golden).want(t, 0, "warning: ", differ)
	run(t, events, "predict", config, "--set", golden).want(t, 0, "level=INFO", differ)
	for _, command := range []string{"lint", "predict"} {
		r := run(t, events, command, config, "--set", golden, "--set", "batch.max_rows=1").want(t, 0)
		if strings.Contains(r.err, "share a run") {
			t.Errorf("%s warns of other batches than those of one: %s", command, r.err)
		}
	}
}
