//go:build cgo

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBundledExample runs what the example's file says to run.
func TestBundledExample(t *testing.T) {
	const dir = "../../examples/card-fraud"
	config := filepath.Join(dir, "pipeline.yaml")
	if r := run(t, "", "lint", config).want(t, 0); r.out != config+": ok\n" || r.err != "" {
		t.Errorf("lint says %q and %q", r.out, r.err)
	}
	if r := run(t, "", "test", config).want(t, 0); r.out != "5 passed, 0 failed\n" {
		t.Errorf("test says %q", r.out)
	}
	r := run(t, "", "predict", config, filepath.Join(dir, "events.jsonl")).want(t, 0, "200 predicted, 0 rejected")
	first := records(t, r.out, "events.jsonl")[0]
	for _, key := range []string{"pipeline", "event_time", "score", "label", "pass"} {
		if first[key] == nil {
			t.Errorf("the first prediction has no %s: %v", key, first)
		}
	}
	r = run(t, "", "predict", config, filepath.Join(dir, "bad.jsonl")).
		want(t, 0, "2 predicted, 3 rejected (decode 1, missing 1, type 1)", "first reject: bad.jsonl/0/1: type: amount: ")
	if got := strings.Count(r.out, "\n"); got != 2 {
		t.Errorf("%d predictions, want 2", got)
	}
}
