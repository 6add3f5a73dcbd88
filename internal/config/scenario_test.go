package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt with what is found now")

// environment is what variables stand for in all tests.
func environment(name string) (string, bool) {
	values := map[string]string{"NAME": "card-fraud", "ROWS": "64", "SECRET": "hush", "KAFKA_PASSWORD": "hush", "EMPTY": "", "NESTED": "${NAME}"}
	v, ok := values[name]
	return v, ok
}

// scenario reads a file of testdata. Its comments say what for: # purpose:
// run or model (else lint), and # set: path=value.
func scenario(t *testing.T, path string) *File {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Lookup: environment}
	for line := range strings.Lines(string(text)) {
		if set, ok := strings.CutPrefix(line, "# set: "); ok {
			o.Set = append(o.Set, strings.TrimSuffix(set, "\n"))
		}
		switch line {
		case "# purpose: run\n":
			o.Purpose = ForRun
		case "# purpose: model\n":
			o.Purpose = ForModel
		}
	}
	return read(filepath.Base(path), text, o)
}

func scenarioFiles(t *testing.T) []string {
	t.Helper()
	yamls, _ := filepath.Glob("testdata/*.yaml")
	jsons, _ := filepath.Glob("testdata/*.json")
	if len(yamls) < 40 {
		t.Fatalf("only %d scenarios in testdata", len(yamls))
	}
	return append(yamls, jsons...)
}

// TestScenarios holds every file of testdata to the problems in the .txt
// beside it. go test -update rewrites those; read the diff.
func TestScenarios(t *testing.T) {
	for _, path := range scenarioFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := strings.Join(scenario(t, path).Render(nil), "\n") + "\n"
			golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
