package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun finds mistakes where only one system has them, in a body, in a test and
// in what a package says of another, and none where there is none.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":              "module example.org/m\n\ngo 1.26\n",
		"m.go":                "package m\n\nimport \"net/http\"\n\nvar Client http.Client\n",
		"m_windows.go":        "package m\n\nfunc f() { g() }\n",
		"m_darwin_test.go":    "package m\n\nvar wrong int = \"\"\n",
		"sub/sub.go":          "package sub\n\nimport \"example.org/m\"\n\nvar _ = m.Number\n",
		"m_plan9.go":          "package m\n\nconst Number = 1\n",
		"m_linux.go":          "package m\n\nconst Number = 1\n",
		"m_linux_x_test.go":   "package m_test\n\nimport \"example.org/m\"\n\nvar _ = m.Private\n",
		"m_linux_own_test.go": "package m\n\nconst Private = 1\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(dir, true, []string{"linux", "plan9"}); err != nil {
		t.Errorf("what is right is wrong: %v", err)
	}
	err := run(dir, true, []string{"windows", "darwin"})
	if err == nil {
		t.Fatal("what is wrong is right")
	}
	for _, want := range []string{"windows:\n", "m_windows.go:3:12: undefined: g", "darwin:\n", "m_darwin_test.go:3:", "sub.go:5:11: undefined: m.Number"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%v", want, err)
		}
	}
	if err := run(dir, false, []string{"darwin"}); err == nil || strings.Contains(err.Error(), "_test.go") {
		t.Errorf("without tests: %v", err)
	}
}
