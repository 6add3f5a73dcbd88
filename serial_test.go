package penstock_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startsGoroutine finds what would give the race detector something to look at.
var startsGoroutine = regexp.MustCompile(`(?m)^\s*go (func\b|[\w.]+\()|\.Go\(|\.Parallel\(|\.RunParallel\(`)

// TestSerial holds the packages that the Makefile tests without the race detector
// to why it may: no goroutine starts in their code, their tests or what they
// import of this module.
func TestSerial(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^SERIAL := (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no line SERIAL")
	}
	serial := strings.Fields(string(line[1]))
	list := exec.Command("go", append([]string{"list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}"}, serial...)...)
	needed, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, dir := range serial {
		tests, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
		files = append(files, tests...)
	}
	for dir := range strings.FieldsSeq(string(needed)) {
		all, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		for _, file := range all {
			if !strings.HasSuffix(file, "_test.go") {
				files = append(files, file)
			}
		}
	}
	if len(files) < len(serial) {
		t.Fatalf("%d files of %v", len(files), serial)
	}
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := startsGoroutine.Find(code); found != nil {
			t.Errorf("%s: %q starts a goroutine: its package, and what imports it, must not be in SERIAL", file, strings.TrimSpace(string(found)))
		}
	}
}

func TestStartsGoroutine(t *testing.T) {
	for code, want := range map[string]bool{
		"\tgo func() {": true, "\tgo w.run(ctx)": true, "\tgo run(ctx)": true, "\trunning.Go(w.disconnect)": true, "\tt.Parallel()": true,
		"// to go on": false, "//go:build unix": false, "\t\"go list\"": false,
	} {
		if got := startsGoroutine.MatchString(code); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}
