//go:build cgo

package cli_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestFilesOfListeners: what is wrong with a file that a listener takes, a restart
// does not mend, and lint tells of it.
func TestFilesOfListeners(t *testing.T) {
	model, err := filepath.Abs(filepath.Join(models, "iris_rf", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	config := embeddedConfig(t, filepath.Join(t.TempDir(), "data"), "")
	for set, want := range map[string]string{
		"http.keys_file=absent":                "http.keys_file: open ",
		"http.tls={cert: absent, key: absent}": "http.tls: open ",
		"broker.embedded.users_file=absent":    "read the users file: stat ",
	} {
		for _, command := range []string{"lint", "run"} {
			run(t, "", command, config, "--set", "listen=127.0.0.1:0", "--set", set,
				"--set", fmt.Sprintf("model={path: %q, inputs: {X: [a, b, c, d]}}", model)).want(t, 2, want, "absent: no such file")
		}
	}
}
