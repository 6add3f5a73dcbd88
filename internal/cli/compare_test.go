package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDifferences(t *testing.T) {
	const got = `{"score":0.93,"label":1,"name":"a","ok":true,"none":null,"list":[1,2],"map":{"0":0.07,"1":0.93},"big":9007199254740993}`
	for want, diff := range map[string]string{
		`{}`:                           "",
		`{"score":0.93005}`:            "",
		`{"score":0.9302}`:             "score: expected 0.9302, got 0.93 (off by 0.0002, tolerance 0.0001)",
		`{"score":930e-3,"label":1.0}`: "",
		`{"big":9007199254740993}`:     "",
		`{"label":"1"}`:                `label: expected "1", got 1`,
		`{"name":"b"}`:                 `name: expected "b", got "a"`,
		`{"name":"a","ok":true}`:       "",
		`{"ok":false}`:                 "ok: expected false, got true",
		`{"none":null}`:                "",
		`{"none":0}`:                   "none: expected 0, got null",
		`{"score":null}`:               "score: expected null, got 0.93",
		`{"list":[1,2.1]}`:             "list[1]: expected 2.1, got 2 (off by 0.1, tolerance 0.0001)",
		`{"list":[1]}`:                 "list: expected 1 values, got 2",
		`{"list":{"0":1}}`:             `list: expected {"0":1}, got [1,2]`,
		`{"map":{"1":0.93}}`:           "",
		`{"map":{"2":0}}`:              "map.2: expected 0, but the prediction has only 0, 1",
		`{"map":[0.07,0.93]}`:          `map: expected [0.07,0.93], got {"0":0.07,"1":0.93}`,
	} {
		var texts []string
		for _, d := range differences("", parsed(t, want), parsed(t, got), 1e-4) {
			texts = append(texts, d.String())
		}
		if all := strings.Join(texts, "; "); all != diff {
			t.Errorf("%s: got %q, want %q", want, all, diff)
		}
	}
	if d := differences("", parsed(t, `{"score":0.5}`), parsed(t, `{"score":0.9}`), 0.3); len(d) != 0 {
		t.Errorf("0.9 is not within 0.3 + 0.3×0.5 of 0.5: %v", d)
	}
}

// TestNumberDifference has labels that only differ within a tolerance, or only
// beyond what float64 tells apart.
func TestNumberDifference(t *testing.T) {
	for _, tt := range []struct {
		want, got json.Number
		tolerance float64
		diff      string
	}{
		{"20000", "20001", 1e-4, "expected 20000, got 20001 (integers must be equal; write 20000.0 to allow for the tolerance)"},
		{"20000.0", "20001", 1e-4, ""},
		{"20000", "20001.0", 1e-4, ""},
		{"2e4", "20001", 1e-4, ""},
		{"1", "0", 1e-4, "expected 1, got 0"},
		{"9007199254740993", "9007199254740992", 0, "expected 9007199254740993, got 9007199254740992"},
		{"9007199254740993.0", "9007199254740992", 0, "expected 9007199254740993.0, got 9007199254740992 (off by 0, tolerance 0)"},
		{"18446744073709551615", "18446744073709551615", 0, ""},
		{"0.1", "0.10", 0, ""},
		{"1", "1.0", 0, ""},
		{"-0", "0.0", 0, ""},
		{"-100", "-1E+2", 0, ""},
		{"100", "-100", 0, "expected 100, got -100"},
		{"0.1", "0.10000000000000001", 0, "expected 0.1, got 0.10000000000000001 (off by 0, tolerance 0)"},
		{"1e999", "2e999", 1, "expected 1e999, got 2e999"},
		{"1e999", "10e998", 0, ""},
		{"1e-99999999999", "0", 1e-4, ""},
		{"1e99999999999", "1e99999999999", 0, ""},
	} {
		var texts []string
		for _, d := range numberDifference("n", tt.want, tt.got, tt.tolerance) {
			texts = append(texts, d.text)
		}
		if got := strings.Join(texts, "; "); got != tt.diff {
			t.Errorf("%s for %s: got %q, want %q", tt.got, tt.want, got, tt.diff)
		}
	}
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFieldPaths(t *testing.T) {
	paths := fieldPaths([]example{
		{Event: json.RawMessage(`{"a":1,"b":{"c":[1],"d.e":2,"f":{"it's":3}}}`)},
		{Event: json.RawMessage(`{"a":2,"g":null}`)},
		{Event: json.RawMessage(`[1]`)},
		{Event: json.RawMessage(`"no object"`)},
	})
	if got, want := strings.Join(paths, " "), "a b.c b['d.e'] b.f.it's g"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := pathStep("it's.b"); got != `['it\'s.b']` {
		t.Errorf("got %s", got)
	}
}

func TestQuoteYAML(t *testing.T) {
	for text, want := range map[string]string{
		"amount": "amount", "a.b": "a.b", "/models/x.onnx": "/models/x.onnx", "Yes": `"Yes"`, "null": `"null"`, "1e3": `"1e3"`,
		"": `""`, "a: b": `"a: b"`, "x:0": `"x:0"`, "it's": `"it's"`, "Größe": `"Größe"`, ".inf": `".inf"`, "#x": `"#x"`,
		"${HOME}": `"$${HOME}"`, "a$b": `"a$b"`, "$${": `"$$${"`,
	} {
		if got := quoteYAML(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}
