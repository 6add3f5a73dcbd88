//go:build cgo

package cli_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestModelThatFailsOnMadeUpRows scores with models that no row of zeros and
// empty text satisfies. Bad events are told from a broken runtime by the good
// ones beside them, or by an example.
func TestModelThatFailsOnMadeUpRows(t *testing.T) {
	const good, bad = `{"country":"FR"}`, `{"country":"ZZ"}`
	predict := func(config string, events ...string) result {
		return run(t, strings.Join(events, "\n")+"\n", "predict", "testdata/lint/"+config+".yaml")
	}
	for _, events := range [][]string{{good, bad, good}, {bad, good, good}, {good, good, bad}, {bad, bad, good}} {
		rejected := strings.Count(strings.Join(events, " "), "ZZ")
		r := predict("made_up", events...).want(t, 0, fmt.Sprintf("%d predicted, %d rejected (model %d)", 3-rejected, rejected, rejected))
		for _, line := range linesOf(r.out) {
			if !strings.Contains(line, `"score":0.75`) {
				t.Errorf("%v: %s", events, line)
			}
		}
	}
	predict("made_up", bad, bad).want(t, 1, "no event is to blame", "Unknown Category", "name golden examples under model.examples")
	predict("golden", bad, bad).want(t, 0, "0 predicted, 2 rejected (model 2)")
	predict("made_up_literal", bad, bad).want(t, 0, "0 predicted, 2 rejected (model 2)")
	predict("golden_fails", good).want(t, 2, "it fails on the first of model.examples that the mapping takes", "Unknown Category")

	window := predict("made_up_window", `{"readings":[1,2,3,4]}`, `{"readings":[]}`, `{"readings":[8,8,8]}`).want(t, 0, "3 predicted")
	if got := records(t, window.out, "stdin"); got[0]["score"] != json.Number("3") || got[2]["score"] != json.Number("8") {
		t.Errorf("scores %v and %v, want 3 and 8", got[0]["score"], got[2]["score"])
	}
}

// TestWhatPrecedesABreakdownIsThere has an event that is rejected on its own
// before rows that nobody can judge, and one after them.
func TestWhatPrecedesABreakdownIsThere(t *testing.T) {
	rejects := filepath.Join(t.TempDir(), "rejects.jsonl")
	r := run(t, `{}`+"\n"+`{"country":"ZZ"}`+"\n"+`{}`, "predict", "testdata/lint/made_up.yaml", "--rejects", rejects).
		want(t, 1, "no event is to blame")
	files, err := filepath.Glob(rejects + "*")
	if err != nil || len(files) != 1 {
		t.Fatalf("rejects are in %q: %v", files, err)
	}
	lines := linesOf(readFile(t, files[0]))
	if len(lines) != 1 || !strings.Contains(lines[0], `"id":"stdin/0/0"`) || r.out != "" {
		t.Errorf("rejected %q, predicted %q", lines, r.out)
	}
}

// TestUnreadableExamplesAreNotNeeded scores without them: they may stay at home
// when a model is deployed.
func TestUnreadableExamplesAreNotNeeded(t *testing.T) {
	model, err := filepath.Abs("testdata/models/category.onnx")
	if err != nil {
		t.Fatal(err)
	}
	config := writeFile(t, "gone.yaml", "model: {path: "+model+", examples: gone.jsonl}\n")
	run(t, `{"country":"DE"}`, "predict", config).want(t, 0, "the examples cannot be read", "1 predicted")
}
