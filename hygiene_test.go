package penstock_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The patterns are put together from pieces, so that this file does not match
// itself.
var (
	// machinePath is a path that exists on one developer's machine only.
	machinePath = regexp.MustCompile(`(?m)(^|[^\w.})-])/(` + "wo" + `rk/|ro` + `ot/|ho` + `me/[a-z]|tm` + `p/(venv|ort|house|bash_jobs)|Users/[A-Z]?[a-z])`)
	// besideUs is a path to what lies beside a checkout on one machine.
	besideUs = regexp.MustCompile(`\.\./(sha` + `red|main|wt-)`)
	// unfinished is a note to come back, which belongs in an issue.
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	// provisional is a file that is named after when it was written and not
	// after what is in it.
	provisional = regexp.MustCompile(`(^|[/_.-])(rev\d+|tmp|wip|orig|bak)([_.-]|$)`)
	skipped     = regexp.MustCompile(`\b[tbf]\.Skip(f|Now)?\(`)
	// asked is the condition for a skip that somebody asked for, or that the
	// system or the race detector leaves no way around.
	asked = regexp.MustCompile(`testing\.Short\(\)|runtime\.GOOS|raceDetector`)
)

// exempt are the files whose content is data, or not ours.
func exempt(file string) bool {
	return strings.Contains(file, "testdata/") || strings.HasSuffix(file, "go.sum") || file == "LICENSE" ||
		strings.HasPrefix(file, "inference/onnx/include/") // ONNX Runtime's own headers
}

func TestPublishedFilesAreFitToPublish(t *testing.T) {
	files := publishedFiles(t)
	if len(files) < 10 {
		t.Fatalf("there are %d files only", len(files))
	}
	for _, file := range files {
		if provisional.MatchString(file) {
			t.Errorf("%s: name it after what is in it", file)
		}
		if exempt(file) {
			continue
		}
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range unfit(content) {
			t.Errorf("%s:%s", file, p)
		}
	}
}

// publishedFiles are those that git tracks or, in a source archive, all but
// what the Makefile builds.
func publishedFiles(t *testing.T) []string {
	t.Helper()
	if out, err := exec.Command("git", "ls-files", "-z").Output(); err == nil {
		return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	}
	var all []string
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"bin", "dist", ".git"}, file):
			return fs.SkipDir
		case entry.Type().IsRegular():
			all = append(all, filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unfit lists what is wrong with a text, as line: what.
func unfit(content []byte) []string {
	if bytes.IndexByte(content, 0) >= 0 {
		return nil // not text
	}
	var all []string
	lines := strings.Split(string(content), "\n")
	for i, line := range lines {
		if machinePath.MatchString(line) {
			all = append(all, fmt.Sprintf("%d: a path of one machine: %s", i+1, strings.TrimSpace(line)))
		}
		if besideUs.MatchString(line) {
			all = append(all, fmt.Sprintf("%d: a path out of the checkout: %s", i+1, strings.TrimSpace(line)))
		}
		if skipped.MatchString(line) && (i == 0 || !asked.MatchString(lines[i-1])) {
			all = append(all, fmt.Sprintf("%d: a test that skips where something is missing tests nothing: let it fail and say what to install: %s", i+1, strings.TrimSpace(line)))
		}
		if unfinished.MatchString(line) {
			all = append(all, fmt.Sprintf("%d: unfinished, finish it or file an issue: %s", i+1, strings.TrimSpace(line)))
		}
	}
	return all
}

func TestHygieneCatchesWhatItIsFor(t *testing.T) {
	for text, want := range map[string]int{
		"x := \"/wo" + "rk/main/model.onnx\"":        1,
		"/ro" + "ot/.cache":                          1,
		"cd /ho" + "me/ann/penstock":                 1,
		"// TO" + "DO: think":                        1,
		"a\nb // FIX" + "ME\n/wo" + "rk/x":           2,
		"open(\"../sha" + "red/models\")":            1,
		"the sha" + "red directory":                  0,
		"if err != nil {\n\tt.Sk" + "ip(\"no ORT\")": 1,
		"if testing.Short() {\n\tt.Sk" + "ip()":      0,
		"t.Sk" + "ipNow()":                           1,
		"see docs/wo" + "rk/flow.md":                 0,
		"https://example.org/wo" + "rk":              0,
		"filepath.Join(dir, \"tmp\") // /tmp/x":      0,
		"the method of the ma" + "sTODOn":            0,
		"\x00 TO" + "DO /ro" + "ot/":                 0,
		"${HOME}/ro" + "ot/ is the user's own one":   0,
	} {
		if got := unfit([]byte(text)); len(got) != want {
			t.Errorf("unfit(%q) = %q, want %d", text, got, want)
		}
	}
	for file, want := range map[string]bool{
		"inference/rev" + "2_test.go": true, "a/b.go.orig": true, "wip-notes.md": true,
		"inference/record_test.go": false, "docs/renewal.md": false, "prevention.go": false,
	} {
		if provisional.MatchString(file) != want {
			t.Errorf("%s is provisional: %t", file, !want)
		}
	}
}
