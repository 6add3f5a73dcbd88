package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

const located = `# a comment
model:
  path: m.onnx
  inputs:
    matrix: [a, {from: b, missing: 0}]
    same:
      from: [c, d]
      missing: nan
    one: e
    empty:
`

func TestLocate(t *testing.T) {
	f := read("c.yaml", []byte(located), Options{Set: []string{"model.device=cpu", "model.output={pass: [x]}"}})
	tests := []struct {
		path      string
		line, col int
	}{
		{"", 1, 1},
		{"model", 2, 1}, // a map is its key's line, not its first key's
		{"model path", 3, 9},
		{"model inputs", 4, 3},
		{"model inputs matrix", 5, 5},
		{"model inputs matrix 0", 5, 14},
		{"model inputs matrix 1", 5, 17},
		{"model inputs matrix 1 from", 5, 24},
		{"model inputs matrix 1 missing", 5, 36},
		{"model inputs matrix 7", 5, 5},
		{"model inputs matrix 0 from", 5, 14}, // a plain path has no from of its own
		{"model inputs same 1", 7, 17},        // counted under from as in a list
		{"model inputs same from 1", 7, 17},
		{"model inputs same missing", 8, 16},
		{"model inputs one from", 9, 10},
		{"model inputs empty", 10, 5},
		{"model inputs absent", 4, 3},
		{"model output score", 0, 0}, // from a --set
		{"batch max_rows", 1, 1},
	}
	for _, test := range tests {
		line, col, ok := f.Locate(strings.Fields(test.path))
		if line != test.line || col != test.col || ok != (line > 0) {
			t.Errorf("%s is at %d:%d (%t), want %d:%d", test.path, line, col, ok, test.line, test.col)
		}
	}
	if line, col, ok := read("c.yaml", nil, Options{}).Locate([]string{"model"}); line != 1 || col != 1 || !ok {
		t.Errorf("in an empty file: %d:%d (%t)", line, col, ok)
	}
}

func TestRenderMergesInOrder(t *testing.T) {
	f := read("card.yaml", []byte(located), Options{Purpose: ForModel, Set: []string{"model.device=cpu"}})
	got := f.Render([]inference.Problem{
		{Path: []string{"model", "device"}, Message: "no such\ndevice"},
		{Path: []string{"model", "inputs", "one"}, Message: "later", Warning: true},
		{Path: []string{"model", "path"}, Message: "earlier", Hint: "did you mean \"n.onnx\"?"},
	})
	want := []string{
		`card.yaml:3:9: earlier; did you mean "n.onnx"?`,
		`card.yaml:9:10: warning: later`,
		`card.yaml:10:5: the path is empty; name the event's field, such as customer.age`,
		`--set model.device: no such device`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	var text strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&text, "key%d: x\n", i)
	}
	lines := read("c.yaml", []byte(text.String()), Options{Purpose: ForModel}).Render(nil)
	if len(lines) != maxShown+1 || lines[maxShown] != "c.yaml: 1401 more problems are not shown" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func TestLongTextIsCut(t *testing.T) {
	text := strings.Repeat("k", 5000) + ": x\nworkers: " + strings.Repeat("v", 50) + "\nmodel: {path: m}"
	f := read("c.yaml", []byte(text), Options{Purpose: ForModel, Set: []string{"a\nb"}})
	got := f.Render(nil)
	if n := len(got[0]); n > maxMessage+100 {
		t.Errorf("a line of %d bytes", n)
	}
	want := []string{
		`c.yaml:2:10: workers must be a whole number, not "` + strings.Repeat("v", 40) + `…"`,
		`--set a b: must be path=value, such as model.timeout=500ms`,
	}
	if !reflect.DeepEqual(got[1:], want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got[1:], "\n"), strings.Join(want, "\n"))
	}
}

// TestNoMessageShowsASecret: hush is the secret of all scenarios.
func TestNoMessageShowsASecret(t *testing.T) {
	for _, path := range scenarioFiles(t) {
		for _, line := range scenario(t, path).Render(nil) {
			if strings.Contains(line, "hush") {
				t.Errorf("%s: %s", path, line)
			}
		}
	}
}

// TestManyTopicsAreBounded: comparing each with each would take minutes.
func TestManyTopicsAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("name: a\nbroker: {kafka: {}}\nsink: {topic: p}\nmodel: {path: m}\nsource:\n  topics:\n")
	for i := range 50_000 {
		fmt.Fprintf(&text, "  - topic%d\n", i)
	}
	start := time.Now()
	if f := read("c.yaml", []byte(text.String()), Options{Purpose: ForRun}); f.Failed() {
		t.Error(f.Render(nil))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestHostileYAMLIsBounded: a small file must not cost much, whatever is in it.
func TestHostileYAMLIsBounded(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a: &a [x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'j'; c++ {
		fmt.Fprintf(&laughs, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), ", "))
	}
	var wide strings.Builder
	wide.WriteString("model:\n  path: m\n  inputs:\n")
	for i := range 2000 {
		fmt.Fprintf(&wide, "    i%d: f\n", i)
	}
	tests := []struct{ name, text, want string }{
		{"billion laughs", laughs.String(), "aliases bring in more than 10000 values"},
		{"self", "model: &m {inputs: *m}\n", "this alias stands inside its own anchor"},
		{"deep lists", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested more than 64 levels deep"},
		{"deep maps", strings.Repeat("{a: ", 200) + strings.Repeat("}", 200), "nested more than 64 levels deep"},
		{"open brackets", strings.Repeat("[", 60000), "invalid YAML"},
		{"many inputs are fine", wide.String(), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := read("c.yaml", []byte(test.text), Options{Purpose: ForModel})
			lines := strings.Join(f.Render(nil), "\n")
			if test.want == "" && f.Failed() || !strings.Contains(lines, test.want) {
				t.Errorf("got %.300s, want %s", lines, test.want)
			}
		})
	}
}
