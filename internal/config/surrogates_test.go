package config

import (
	"strings"
	"testing"
)

// TestJSONWithSurrogatePairs reads what Python's json.dumps writes, with every
// value in its column.
func TestJSONWithSurrogatePairs(t *testing.T) {
	const text = ` {"model": {"path": "m.onnx", "inputs": {"x": "\ud83d\ude00\\ud83d \uD83D\uDE00", "\ud83d\ude00y": ["a"], "z": "caf\u00e9"}}}`
	f := load(t, text, Options{Purpose: ForModel})
	in := f.Pipeline.Model.Inputs
	if got, want := in[0].Columns[0].From, "😀\\ud83d 😀"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if in[1].Name != "😀y" || in[2].Columns[0].From != "café" {
		t.Errorf("got %+v", in)
	}
	for path, value := range map[string]string{"😀y 0": `"a"`, "z": `"caf\u00e9"`} {
		_, col, _ := f.Locate(strings.Fields("model inputs " + path))
		if want := strings.Index(text, value) + 1; col != want {
			t.Errorf("%s is in column %d, want %d", path, col, want)
		}
	}
}

// TestJoinSurrogatesKeepsTheRest: what is no JSON stays as it is, and JSON
// keeps its meaning and length.
func TestJoinSurrogatesKeepsTheRest(t *testing.T) {
	for _, text := range []string{"", `a: "\ud83d\ude00"`, `{a: "\ud83d\ude00"}`, `{"a": "\u00e9"}`, `{"a": "\\ud83d\\ude00"}`} {
		if got := string(joinSurrogates([]byte(text))); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	if got, want := string(joinSurrogates([]byte(`{"a": "\ud83d \uDE00", "b": 1}`))), `{"a": "\uFFFD \uFFFD", "b": 1}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := string(joinSurrogates([]byte(`{"a\"\ud83d\ude00": "\udbff\udfff", "b": 1}`)))
	if want := `{"a\"\U0001F600"  : "\U0010FFFF"  , "b": 1}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
