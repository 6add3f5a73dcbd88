package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/internal/cli"
	"github.com/penstock/penstock/internal/runtimelib"
)

// standIn is set in the environment of a test binary that is to be penstock,
// so that a test can kill it.
const standIn = "PENSTOCK_TEST_STAND_IN"

// TestMain lets the test binary stand in for penstock, and so it does when it
// is started again to try a model out or to score events.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == cli.TrialName || os.Args[1] == cli.IsolatedName) || os.Getenv(standIn) != "" {
		os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Lookup: os.LookupEnv,
		}))
	}
	os.Exit(runTests(m))
}

// runTests keeps verdicts on models out of the user's cache, where old ones
// could hide what the gate does now.
func runTests(m *testing.M) int {
	lib, err := runtimelib.Find()
	if err == nil {
		err = os.Setenv(runtimelib.EnvVar, lib.Path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err) // tests that need it fail; the others need not
	}
	dir, err := os.MkdirTemp("", "penstock-cli-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	usersCache, usersCacheSet = os.LookupEnv("XDG_CACHE_HOME")
	if err := os.Setenv("XDG_CACHE_HOME", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// usersCache is XDG_CACHE_HOME as the tests were started with it.
var (
	usersCache    string
	usersCacheSet bool
)

// result is what an invocation left behind.
type result struct {
	out, err string
	code     int
}

// run runs penstock within this process.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return runWith(t.Context(), t, stdin, args...)
}

// runWith is run until ctx is cancelled.
func runWith(ctx context.Context, t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := cli.Run(ctx, args, cli.Streams{
		In: strings.NewReader(stdin), Out: &out, Err: &err, Lookup: os.LookupEnv,
	})
	return result{out.String(), err.String(), code}
}

// want checks the exit code and that stderr has all the texts.
func (r result) want(t *testing.T, code int, texts ...string) result {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.code, code, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			t.Errorf("stderr has no %q:\n%s", text, r.err)
		}
	}
	return r
}

// models is where the shared models are.
const models = "../../testdata/models"

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.TempDir(), name)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func linesOf(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func decodeJSON(t *testing.T, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
}
