package penstock_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The patterns are put together from pieces, so that this file does not match
// itself.
var (
	// machinePath is a path that exists on one developer's machine only.
	machinePath = regexp.MustCompile(`(?m)(^|[^\w.})-])/(` + "wo" + `rk/|ro` + `ot/|ho` + `me/[a-z]|tm` + `p/(venv|ort|house|bash_jobs)|Users/[A-Z]?[a-z])`)
	// unfinished is a note to come back, which belongs in an issue.
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
)

// exempt are the files whose content is data, or not ours.
func exempt(file string) bool {
	return strings.Contains(file, "testdata/") || strings.HasSuffix(file, "go.sum") || file == "LICENSE" ||
		strings.HasPrefix(file, "inference/onnx/include/") // ONNX Runtime's own headers
}

func TestTrackedFilesAreFitToPublish(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err)
	}
	files := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	if len(files) < 10 {
		t.Fatalf("git tracks %d files only", len(files))
	}
	for _, file := range files {
		if exempt(file) {
			continue
		}
		content, err := os.ReadFile(file)
		if os.IsNotExist(err) {
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

// unfit lists what is wrong with a text, as line: what.
func unfit(content []byte) []string {
	if bytes.IndexByte(content, 0) >= 0 {
		return nil // not text
	}
	var all []string
	for i, line := range strings.Split(string(content), "\n") {
		if machinePath.MatchString(line) {
			all = append(all, fmt.Sprintf("%d: a path of one machine: %s", i+1, strings.TrimSpace(line)))
		}
		if unfinished.MatchString(line) {
			all = append(all, fmt.Sprintf("%d: unfinished, finish it or file an issue: %s", i+1, strings.TrimSpace(line)))
		}
	}
	return all
}

func TestHygieneCatchesWhatItIsFor(t *testing.T) {
	for text, want := range map[string]int{
		"x := \"/wo" + "rk/main/model.onnx\"":      1,
		"/ro" + "ot/.cache":                        1,
		"cd /ho" + "me/ann/penstock":               1,
		"// TO" + "DO: think":                      1,
		"a\nb // FIX" + "ME\n/wo" + "rk/x":         2,
		"see docs/wo" + "rk/flow.md":               0,
		"https://example.org/wo" + "rk":            0,
		"filepath.Join(dir, \"tmp\") // /tmp/x":    0,
		"the method of the ma" + "sTODOn":          0,
		"\x00 TO" + "DO /ro" + "ot/":               0,
		"${HOME}/ro" + "ot/ is the user's own one": 0,
	} {
		if got := unfit([]byte(text)); len(got) != want {
			t.Errorf("unfit(%q) = %q, want %d", text, got, want)
		}
	}
}
