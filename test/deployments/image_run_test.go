//go:build linux

package deployments

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestImageRuns runs the image's binary as its user, with nothing but the image
// and the base's libraries below a root that cannot be written.
func TestImageRuns(t *testing.T) {
	i := image()
	if i.err != nil {
		t.Fatal(i.err)
	}
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	// The parents of a test's folder are the test user's alone.
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{i.last.root: "", filepath.Join(repository, "examples/card-fraud"): "etc/penstock"} {
		if err := os.CopyFS(filepath.Join(root, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	addBase(t, root, i)
	run := func(args ...string) string {
		t.Helper()
		out, _, err := i.inside(root, args...).run(t)
		if err != nil {
			t.Errorf("penstock %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	if out := run("--version"); !strings.Contains(out, imageVersion) {
		t.Errorf("--version: %s", out)
	}
	if out := run("runtime", "show"); !strings.Contains(out, libraryFolder) {
		t.Errorf("runtime show: %s", out)
	}
	if out := run("lint", "/etc/penstock/pipeline.yaml"); out != "/etc/penstock/pipeline.yaml: ok\n" {
		t.Errorf("lint: %s", out)
	}
	run("test", "/etc/penstock/pipeline.yaml")
	out, confined, err := i.inside(root, "predict", "-o", "/etc/penstock/out", "/etc/penstock/pipeline.yaml", "/etc/penstock/events.jsonl").run(t)
	if confined && (err == nil || !strings.Contains(out, "read-only")) {
		t.Errorf("the image can be written: %s", out)
	}
	if out := run("predict", "--quiet", "/etc/penstock/pipeline.yaml", "/etc/penstock/events.jsonl"); strings.Count(out, `"score":`) != 200 {
		t.Errorf("predict: %d predictions\n%.300s", strings.Count(out, `"score":`), out)
	}
}

// inside runs the image's entry point as a container would.
func (i *builtImage) inside(root string, args ...string) sandbox {
	return sandbox{Root: root, User: i.last.user, Args: append(slices.Clone(i.last.entrypoint), args...)}
}

// addBase brings the libraries that the base image has, from this machine.
func addBase(t *testing.T, root string, i *builtImage) {
	t.Helper()
	for _, program := range []string{i.binary, i.library} {
		out, err := exec.Command("ldd", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(out))
		for lines.Scan() {
			for word := range strings.FieldsSeq(lines.Text()) {
				if !filepath.IsAbs(word) {
					continue
				}
				real, err := filepath.EvalSymlinks(word)
				if err != nil {
					t.Fatal(err)
				}
				if err := copyEntry(real, filepath.Join(root, word)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, dir := range []string{"proc", "dev", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
