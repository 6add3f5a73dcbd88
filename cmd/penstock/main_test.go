//go:build cgo

package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock/penstock/internal/runtimelib"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "penstock-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Verdicts of the gate stay out of the user's cache, and so the library
	// that is there must be named.
	lib, err := runtimelib.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv(runtimelib.EnvVar, lib.Path)
	os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	binary = filepath.Join(dir, "penstock")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME=") // the build has a cache too
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func config(t *testing.T) string {
	t.Helper()
	model, err := filepath.Abs("../../testdata/models/iris_rf/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "iris.yaml")
	text := fmt.Sprintf("model:\n  path: %s\n  inputs: {X: [a, b, c, d]}\n", model)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const event = `{"a":6.5,"b":2.6,"c":5.7,"d":2.0}` + "\n"

// TestExitCodes checks that the process ends with what cli.Run says, and that
// data and words go to the right streams.
func TestExitCodes(t *testing.T) {
	for name, tt := range map[string]struct {
		args           []string
		in, out, err   string
		code           int
		withoutRuntime bool
	}{
		"done":          {args: []string{"predict", config(t)}, in: event, out: `"label":2`, err: "1 predicted"},
		"rejects":       {args: []string{"predict", config(t), "--max-rejects", "0"}, in: "{}", err: "penstock: more than 0", code: 1},
		"usage":         {args: []string{"predict"}, err: "penstock: expected", code: 2},
		"no runtime":    {args: []string{"predict", config(t)}, in: event, err: "penstock: ", code: 1, withoutRuntime: true},
		"clean":         {args: []string{"lint", config(t)}, out: ": ok", err: "warning: "},
		"inspect a bad": {args: []string{"inspect", "../../testdata/models/bad/cyclic.onnx"}, err: "cycle", code: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), binary, tt.args...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(tt.in), &out, &stderr
			if tt.withoutRuntime {
				cmd.Env = append(os.Environ(), runtimelib.EnvVar+"=/no/such/library")
			}
			if code := exitCode(t, cmd.Run()); code != tt.code || !strings.Contains(out.String(), tt.out) ||
				!strings.Contains(stderr.String(), tt.err) || tt.out == "" && out.Len() > 0 {
				t.Errorf("exit code %d, want %d; stdout %q, stderr %q", code, tt.code, out.String(), stderr.String())
			}
		})
	}
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// TestNoTelemetry wants nothing in the user's cache but what is penstock's own:
// the runtime would leave an identifier of the device and a database there.
func TestNoTelemetry(t *testing.T) {
	cache := t.TempDir()
	cmd := exec.CommandContext(t.Context(), binary, "predict", config(t))
	cmd.Stdin = strings.NewReader(event)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "penstock" {
		t.Errorf("the cache holds %v, want penstock alone", entries)
	}
}

// TestBrokenPipe stops reading after one prediction, as head does: the process
// ends quietly.
func TestBrokenPipe(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), binary, "predict", config(t), "-q")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Repeat(event, 100_000)), &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Error(err)
	}
	out.Close()
	// The process leaves its stdin unread, which Wait reports as a broken pipe.
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 0 || stderr.Len() > 0 {
		t.Errorf("%v, stderr %q", err, stderr.String())
	}
}

// TestInterrupt sends SIGINT to a process that waits for events.
func TestInterrupt(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), binary, "predict", config(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, event); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd.Wait()); code != 1 || !strings.Contains(stderr.String(), "penstock: interrupted\n") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}
