//go:build cgo

package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares what commands print with testdata, so that every change
// to a message is seen in review. Run with -update to accept one.
func TestGolden(t *testing.T) {
	var tests [][]string
	for _, pattern := range []string{"lint", "test"} {
		configs, err := filepath.Glob("testdata/" + pattern + "/*.yaml")
		if err != nil || len(configs) == 0 {
			t.Fatalf("no configs for %s: %v", pattern, err)
		}
		for _, config := range configs {
			tests = append(tests, []string{strings.TrimSuffix(config, ".yaml"), pattern, config})
		}
	}
	for _, model := range []string{"card_fraud_gbdt", "logreg_tiny", "multi_out", "tiny_transformer"} {
		file := filepath.Join(models, model, "model.onnx")
		tests = append(tests,
			[]string{"testdata/inspect/" + model, "inspect", file},
			[]string{"testdata/inspect/" + model + "-config", "inspect", file, "--config"},
		)
	}
	tests = append(tests, []string{
		"testdata/inspect/card_fraud_gbdt-json", "inspect", filepath.Join(models, "card_fraud_gbdt", "model.onnx"), "--json",
	})
	for _, tt := range tests {
		t.Run(tt[0], func(t *testing.T) {
			r := run(t, "", tt[1:]...)
			got := fmt.Sprintf("$ penstock %s\n%s-- stderr\n%s-- exit %d\n", strings.Join(tt[1:], " "), r.out, r.err, r.code)
			golden := tt[0] + ".golden"
			if *rewrite {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want := readFile(t, golden); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
