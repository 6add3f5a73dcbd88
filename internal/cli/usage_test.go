package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUsageErrors checks that a wrong command line ends with exit code 2, one
// line on stderr and nothing on stdout.
func TestUsageErrors(t *testing.T) {
	config := writeFile(t, "c.yaml", "model: {path: m.onnx}\n")
	for args, want := range map[string]string{
		"":                                       `expected one of "demo", "run", "predict", "test", "lint", ...; see penstock --help`,
		"prdict":                                 `unexpected argument prdict, did you mean "predict"?; see penstock --help`,
		"predict":                                `expected "<config>"; see penstock predict --help`,
		"lint":                                   `expected "<config> ..."; see penstock lint --help`,
		"test":                                   `expected "<config> ..."; see penstock test --help`,
		"inspect":                                `expected "<model>"; see penstock inspect --help`,
		"inspect m --json --config":              `--json and --config can't be used together; see penstock inspect --help`,
		"runtime":                                `expected one of "install", "show"; see penstock runtime --help`,
		"schema --nope":                          `unknown flag --nope; see penstock schema --help`,
		"schema --log-format xml":                `--log-format must be one of "text","json" but got "xml"; see penstock schema --help`,
		"predict " + config + " nowhere.csv":     `open events: stat nowhere.csv: no such file or directory`,
		"predict " + config + " " + os.TempDir(): `open events: ` + os.TempDir() + ` is a folder; name the files in it`,
		"predict " + config + " " + config:       `cannot tell the format of ` + config + ` from its name; say --format jsonl, csv or parquet`,
		"predict " + config + " --format xml":    `--format: unknown format "xml"; give jsonl, csv or parquet`,
		"predict nowhere.yaml":                   `read config: open nowhere.yaml: no such file or directory`,
		"inspect nowhere.onnx":                   `read model nowhere.onnx: no such file or directory`,
	} {
		t.Run(args, func(t *testing.T) {
			r := run(t, "", strings.Fields(args)...)
			if r.code != 2 || r.out != "" || r.err != "penstock: "+want+"\n" {
				t.Errorf("exit code %d, stdout %q, stderr\n%swant\npenstock: %s", r.code, r.out, r.err, want)
			}
		})
	}
}

// TestHelpHasAnExample checks every command's help.
func TestHelpHasAnExample(t *testing.T) {
	for _, command := range []string{
		"", "predict", "test", "lint", "inspect", "schema", "runtime", "runtime install", "runtime show",
		"topics", "position show", "position reset", "dlq list", "dlq show", "dlq redrive", "send", "drift reference", "drift report",
	} {
		r := run(t, "", append(strings.Fields(command), "--help")...)
		_, example, ok := strings.Cut(r.out, "Example:\n\n    penstock ")
		if r.code != 0 || r.err != "" || !ok || !strings.HasPrefix(strings.TrimSpace(example), command) {
			t.Errorf("%s --help: exit code %d and %q, want an example in\n%s", command, r.code, r.err, r.out)
		}
		if strings.Contains(r.out, "model-trial") {
			t.Errorf("%s --help shows the hidden command", command)
		}
	}
}

func TestVersion(t *testing.T) {
	if r := run(t, "", "--version").want(t, 0); !strings.HasPrefix(r.out, "penstock ") || !strings.HasSuffix(r.out, "\n") {
		t.Errorf("got %q", r.out)
	}
}

// TestSchema checks that what is printed is a JSON Schema that knows model:.
func TestSchema(t *testing.T) {
	var schema struct {
		Schema     string `json:"$schema"`
		Properties map[string]any
	}
	if err := json.Unmarshal([]byte(run(t, "", "schema").want(t, 0).out), &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Schema == "" || schema.Properties["model"] == nil {
		t.Errorf("got %+v", schema)
	}
}

// TestConfigProblems checks that predict shows a config's problems at their
// places and does not go on.
func TestConfigProblems(t *testing.T) {
	config := writeFile(t, "c.yaml", "model:\n  path: ${NO_SUCH_VARIABLE}\n  tineout: 1s\n")
	r := run(t, "", "predict", config).want(t, 2, config+":2:9: ", config+`:3:3: unknown key "tineout"`, `did you mean "timeout"?`)
	if r.out != "" {
		t.Errorf("stdout %q", r.out)
	}
	set := run(t, "", "predict", config, "--set", "model.path=x.onnx", "--set", "model.nope=1").want(t, 2, "--set model.nope: ")
	if strings.Contains(set.err, "NO_SUCH_VARIABLE") {
		t.Errorf("--set did not override: %s", set.err)
	}
}

// TestRuntimeShow checks the library that the environment names, and the
// sentence for none.
func TestRuntimeShow(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "libonnxruntime.so.1.99.0")
	if err := os.WriteFile(lib, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PENSTOCK_ONNXRUNTIME_LIB", lib)
	if r := run(t, "", "runtime", "show").want(t, 0); r.out != "path     "+lib+"\nversion  1.99.0\nfrom     environment\n" {
		t.Errorf("got %q", r.out)
	}
	t.Setenv("PENSTOCK_ONNXRUNTIME_LIB", lib+".gone")
	run(t, "", "runtime", "show").want(t, 1, lib+".gone")
}
