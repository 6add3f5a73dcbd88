//go:build cgo

package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPoisonSparesItsNeighbours mixes events that fail the whole run with good
// ones: only they are rejected, and every other prediction is as it was.
func TestPoisonSparesItsNeighbours(t *testing.T) {
	dir := filepath.Join(models, "tiny_transformer")
	good := linesOf(readFile(t, filepath.Join(dir, "events.jsonl")))
	want := linesOf(readFile(t, filepath.Join(dir, "expected.jsonl")))
	poison := linesOf(readFile(t, filepath.Join(dir, "poison.jsonl")))
	mixed := slices.Concat(good[:5], poison[:1], good[5:100], poison, good[100:])
	bad := []int{5, 101, 102}
	for _, rows := range []int{1, 7, 64, 256} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			config := sharedConfig(t, filepath.Join(dir, "mapping.json"), filepath.Join(dir, "model.onnx"), rows)
			rejects := filepath.Join(t.TempDir(), "rejects.jsonl")
			r := run(t, strings.Join(mixed, "\n"), "predict", config, "--rejects", rejects).
				want(t, 0, "203 events", "200 predicted, 3 rejected (model 3)")
			for i, line := range linesOf(readFile(t, rejects)) {
				var reject struct{ ID, Class, Value string }
				decodeJSON(t, line, &reject)
				if reject.ID != fmt.Sprintf("stdin/0/%d", bad[i]) || reject.Class != "model" || reject.Value != mixed[bad[i]] {
					t.Errorf("reject %d is %s", i, line)
				}
			}
			for i, line := range linesOf(r.out) {
				var record map[string]any
				decodeJSON(t, line, &record)
				compareOutputs(t, fmt.Sprintf("event %d", i), want[i], record, false)
			}
		})
	}
}

// TestNonFiniteIsNull scores a model that answers with NaN and infinities.
func TestNonFiniteIsNull(t *testing.T) {
	dir := filepath.Join(models, "bad")
	config := sharedConfig(t, filepath.Join(dir, "nan_model.mapping.json"), filepath.Join(dir, "nan_model.onnx"), 256)
	r := run(t, "", "predict", config, filepath.Join(dir, "nan_model.events.jsonl")).want(t, 0)
	want := linesOf(readFile(t, filepath.Join(dir, "nan_model.expected.jsonl")))
	got := records(t, r.out, "nan_model.events.jsonl")
	if len(got) != len(want) {
		t.Fatalf("%d predictions, want %d", len(got), len(want))
	}
	for i := range want {
		compareOutputs(t, fmt.Sprintf("event %d", i), want[i], got[i], false)
		if null := got[i]["score"] == nil; null != slices.Contains(flags(got[i]), "non_finite:y") {
			t.Errorf("event %d: score %v with flags %v", i, got[i]["score"], got[i]["flags"])
		}
	}
}

// irisConfig is a small model with four required numbers.
func irisConfig(t *testing.T, more ...string) string {
	t.Helper()
	model, err := filepath.Abs(filepath.Join(models, "iris_rf", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	lines := append([]string{
		"name: iris", "model:", "  path: " + model, "  inputs: {X: [a, b, c, d]}",
	}, more...)
	return writeFile(t, "iris.yaml", strings.Join(lines, "\n")+"\n")
}

const goodIris = `{"a":6.5,"b":2.6,"c":5.7,"d":2.0}`

func TestRejects(t *testing.T) {
	events := strings.Join([]string{
		goodIris, `{"a":1,"b":"x","c":1,"d":1}`, "", `{"a":1,"c":1,"d":1}`, "{\"a\":\xff}", "[1]", goodIris,
	}, "\n")
	rejects := filepath.Join(t.TempDir(), "rejects.jsonl")
	r := run(t, events, "predict", irisConfig(t), "--rejects", rejects).
		want(t, 0, "6 events", "2 predicted, 4 rejected (decode 2, missing 1, type 1)")
	ids := []string{}
	for _, line := range linesOf(r.out) {
		var record struct{ ID string }
		decodeJSON(t, line, &record)
		ids = append(ids, record.ID)
	}
	if want := []string{"stdin/0/0", "stdin/0/6"}; !slices.Equal(ids, want) {
		t.Errorf("predictions of %v, want %v", ids, want)
	}
	type reject struct {
		ID, Class, Error string
		Value            *string
		Base64           string `json:"value_base64"`
	}
	text := func(s string) *string { return &s }
	want := []reject{
		{"stdin/0/1", "type", "b: ", text(`{"a":1,"b":"x","c":1,"d":1}`), ""},
		{"stdin/0/3", "missing", "b: ", text(`{"a":1,"c":1,"d":1}`), ""},
		{"stdin/0/4", "decode", "(byte ", nil, "eyJhIjr/fQ=="},
		{"stdin/0/5", "decode", "(byte 0)", text("[1]"), ""},
	}
	lines := linesOf(readFile(t, rejects))
	if len(lines) != len(want) {
		t.Fatalf("%d rejects, want %d:\n%s", len(lines), len(want), strings.Join(lines, "\n"))
	}
	for i, line := range lines {
		var got reject
		decodeJSON(t, line, &got)
		sameValue := (got.Value == nil) == (want[i].Value == nil) && (got.Value == nil || *got.Value == *want[i].Value)
		if got.ID != want[i].ID || got.Class != want[i].Class || !strings.Contains(got.Error, want[i].Error) ||
			!sameValue || got.Base64 != want[i].Base64 {
			t.Errorf("reject %d is %s", i, line)
		}
	}
}

// TestCSVRejectKeepsTheRow checks what is kept of a CSV row, the broken and the
// unfit.
func TestCSVRejectKeepsTheRow(t *testing.T) {
	rejects := filepath.Join(t.TempDir(), "rejects.jsonl")
	run(t, "a,b,c,d\n1,\"x\"\"y\",3,4\n1,2\n1,2,3,4\n", "predict", irisConfig(t), "--format", "csv", "--rejects", rejects).
		want(t, 0, "1 predicted, 2 rejected (decode 1, type 1)")
	var values []string
	for _, line := range linesOf(readFile(t, rejects)) {
		var got struct{ ID, Value string }
		decodeJSON(t, line, &got)
		values = append(values, got.ID+" "+got.Value)
	}
	if want := []string{`stdin/0/0 1,"x""y",3,4`, "stdin/0/1 1,2"}; !slices.Equal(values, want) {
		t.Errorf("got %q, want %q", values, want)
	}
}

func TestMaxRejects(t *testing.T) {
	events := goodIris + "\n{}\n{}\n"
	run(t, events, "predict", irisConfig(t), "--max-rejects", "2").want(t, 0, "2 rejected")
	r := run(t, events, "predict", irisConfig(t), "--max-rejects", "1").
		want(t, 1, "penstock: more than 1 events were rejected (--max-rejects); the first is stdin/0/1: missing")
	if len(linesOf(r.out)) != 1 {
		t.Errorf("what was predicted until then is not there: %q", r.out)
	}
}

// TestOutputFile checks that half a result is never found under its own name.
func TestOutputFile(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.jsonl")
	run(t, goodIris, "predict", irisConfig(t), "-o", out, "-q").want(t, 0)
	if got := linesOf(readFile(t, out)); len(got) != 1 {
		t.Errorf("the output has %d lines, want 1", len(got))
	}
	partial := filepath.Join(t.TempDir(), "other.jsonl")
	run(t, goodIris+"\n{}", "predict", irisConfig(t), "-o", partial, "--max-rejects", "0").
		want(t, 1, "what there is until then is in "+partial+".partial")
	if got := linesOf(readFile(t, partial+".partial")); len(got) != 1 {
		t.Errorf("the partial output has %d lines, want 1", len(got))
	}
	if files, err := filepath.Glob(partial); err != nil || files != nil {
		t.Errorf("the output got its name though the run failed: %v %v", files, err)
	}
}

// TestOutputThroughALink checks that the file behind links is written, be it
// there or not, and that the links stay.
func TestOutputThroughALink(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"old.jsonl", "new.jsonl"} {
		target, link := filepath.Join(dir, name), filepath.Join(dir, "link-to-"+name)
		if err := errors.Join(os.Symlink(name, link+"2"), os.Symlink(link+"2", link)); err != nil {
			t.Fatal(err)
		}
		if name == "old.jsonl" {
			writeFile(t, target, "what was there before\n")
		}
		run(t, goodIris, "predict", irisConfig(t), "-o", link, "-q").want(t, 0)
		if got := linesOf(readFile(t, target)); len(got) != 1 || !strings.Contains(got[0], "stdin/0/0") {
			t.Errorf("%s has %q", name, got)
		}
		if to, err := os.Readlink(link); err != nil || to != link+"2" {
			t.Errorf("the link is gone: %q %v", to, err)
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	run(t, goodIris, "predict", irisConfig(t), "-o", loop).want(t, 2, "create output: ", "too many links")
}

// TestOutputsSpareInputs has outputs be inputs: as they are called, spelled otherwise,
// by way of links, and as the partial file.
func TestOutputsSpareInputs(t *testing.T) {
	config := irisConfig(t)
	t.Chdir(t.TempDir())
	for _, name := range []string{"in.jsonl", "new.partial"} {
		writeInto(t, name, goodIris)
	}
	if err := errors.Join(os.Symlink("in.jsonl", "soft"), os.Link("in.jsonl", "hard.jsonl"), os.Mkdir("d", 0o700)); err != nil {
		t.Fatal(err)
	}
	const table = "a,b\n1,2\n"
	writeInto(t, "in.csv", table)
	for _, args := range [][]string{
		{"predict", config, "in.jsonl", "-o", "in.jsonl"},
		{"predict", config, "in.jsonl", "-o", "d/../in.jsonl"},
		{"predict", config, "in.jsonl", "-o", "soft"},
		{"predict", config, "soft", "--format", "jsonl", "-o", "in.jsonl"},
		{"predict", config, "in.jsonl", "-o", "hard.jsonl"},
		{"predict", config, "in.jsonl", "--rejects", "in.jsonl"},
		{"predict", config, "in.jsonl", "-o", config},
		{"predict", config, "new.partial", "--format", "jsonl", "-o", "new"},
		{"drift", "reference", "in.csv", "-o", "./in.csv"},
		{"drift", "reference", config, "in.jsonl", "-o", "hard.jsonl"},
		{"drift", "report", "--reference-data", "in.csv", "in.csv", "--html", "in.csv"},
		{"drift", "report", "--reference", "new.partial", "in.csv", "--html", "new"},
	} {
		run(t, "", args...).want(t, 2, "would be overwritten by the output")
	}
	for name, want := range map[string]string{"in.jsonl": goodIris, "new.partial": goodIris, "in.csv": table} {
		if got := readFile(t, name); got != want {
			t.Errorf("%s is now %q", name, got)
		}
	}
	// What is there and is no input is replaced.
	writeInto(t, "out.jsonl", "before")
	run(t, "", "predict", config, "in.jsonl", "-o", "out.jsonl", "-q").want(t, 0)
}

// TestOutputsMustDiffer has predictions and rejects overwrite each other, by way
// of a link.
func TestOutputsMustDiffer(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.Symlink(out, out+".link"); err != nil {
		t.Fatal(err)
	}
	run(t, goodIris, "predict", irisConfig(t), "-o", out, "--rejects", out+".link").
		want(t, 2, "-o and --rejects both name "+out+"; give each a file of its own")
	run(t, goodIris, "predict", irisConfig(t), "--rejects", "-").
		want(t, 2, "--rejects wants a file's name: predictions have stdout")
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) != 1 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

// TestFilesWithOddNames has names that a list between commas, or text that has
// to be UTF-8, would break.
func TestFilesWithOddNames(t *testing.T) {
	for _, name := range []string{"a,b.jsonl", "\xff.jsonl", `back\slash.jsonl`} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(goodIris), 0o600); err != nil {
			t.Logf("the file system has no %q: %v", name, err)
			continue
		}
		r := run(t, "", "predict", irisConfig(t), path).want(t, 0, "1 predicted, 0 rejected")
		records(t, r.out, strings.ToValidUTF8(name, "\uFFFD"))
	}
}

// TestJSONLog checks that with --log-format json stderr has nothing else.
func TestJSONLog(t *testing.T) {
	r := run(t, goodIris+"\n{}\n[]\n", "predict", irisConfig(t), "--log-format", "json").want(t, 0)
	var got struct {
		Msg                         string
		Events, Predicted, Rejected int
		Seconds                     float64
		Classes                     map[string]int `json:"rejected_by_class"`
		First                       string         `json:"first_reject"`
	}
	decodeJSON(t, r.err, &got)
	if strings.Count(r.err, "\n") != 1 || got.Msg != "done" || got.Events != 3 || got.Predicted != 1 || got.Rejected != 2 ||
		got.Seconds <= 0 || got.Classes["missing"] != 1 || got.Classes["decode"] != 1 || !strings.HasPrefix(got.First, "stdin/0/1: missing: ") {
		t.Errorf("got %s", r.err)
	}
}

// TestOutputToADevice checks that what is no regular file is written to and not
// replaced.
func TestOutputToADevice(t *testing.T) {
	run(t, goodIris, "predict", irisConfig(t), "-o", os.DevNull, "-q").want(t, 0)
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is gone: %v %v", info, err)
	}
}

// TestOrderOverManyChunks has more events than all jobs hold, so that chunks
// finish out of order, from two files after one another.
func TestOrderOverManyChunks(t *testing.T) {
	const n = 60_000
	var events strings.Builder
	for i := range n {
		fmt.Fprintf(&events, `{"a":%d,"b":2.6,"c":5.7,"d":2.0,"pad":"%s"}`+"\n", i, strings.Repeat("x", i%120))
	}
	path := writeFile(t, "many.jsonl", events.String())
	config := irisConfig(t, "  output: {pass: [a]}", "batch: {max_rows: 100}")
	r := run(t, "", "predict", config, path, path, "--workers", "4").want(t, 0, "120,000 predicted")
	lines := linesOf(r.out)
	if len(lines) != 2*n {
		t.Fatalf("%d predictions, want %d", len(lines), 2*n)
	}
	for i, line := range lines {
		var record struct {
			ID   string
			Pass struct{ A int }
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record.ID != fmt.Sprintf("many.jsonl/0/%d", i%n) || record.Pass.A != i%n {
			t.Fatalf("line %d is %s", i, line)
		}
	}
}

// TestScoreHeadline pins that a classifier's label and score are where the
// record says.
func TestScoreHeadline(t *testing.T) {
	r := run(t, goodIris, "predict", irisConfig(t, "  version: \"7\"")).want(t, 0)
	got := records(t, r.out, "stdin")[0]
	score, err := got["score"].(json.Number).Float64()
	if err != nil || math.Abs(score-0.9999993) > 1e-6 || got["label"] != json.Number("2") {
		t.Errorf("score %v and label %v, want 0.9999993 and 2", got["score"], got["label"])
	}
	for key, want := range map[string]any{
		"pipeline": "iris", "model": "model", "version": "7", "variant": "champion", "plan": json.Number("1"),
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
