package inference

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// compiled is the plan of a config that has no errors.
func compiled(tb testing.TB, infos []TensorInfo, opt CompileOptions, pass []string, inputs ...Input) *Plan {
	tb.Helper()
	plan, problems := Compile(&Config{Inputs: inputs, Output: Output{Pass: pass}}, infos, opt)
	if plan == nil {
		tb.Fatal(problems)
	}
	return plan
}

func TestRejectionsNameTheFieldAndTheByte(t *testing.T) {
	plan := compiled(t,
		[]TensorInfo{declared("m", Float32, 2), declared("n", Int32), declared("s", String), declared("b", Bool), declared("v", Float32, 2), declared("g", Int64, 2, 2), declared("r", Int8, Dynamic), declared("w", Float32, 3)},
		CompileOptions{EventTime: "t.at"}, []string{"p.q", "o"},
		list("m", Column{From: "a"}, Column{From: "o.x", Missing: nan}), input("n", Column{From: "n", Coerce: true}), input("v", Column{From: "v"}), input("g", Column{From: "g", Missing: fillWith("1")}),
		padded(input("r", Column{From: "r", Missing: fillWith("1")}), number("0")), padded(input("w", Column{From: "w", Missing: fillWith("1")}), number("0")))
	for _, c := range [][2]string{
		{``, `decode: the event ends where a JSON object is wanted (byte 0)`},
		{`  `, `decode: the event ends where a JSON object is wanted (byte 2)`},
		{` [1]`, `decode: a JSON object is wanted (byte 1)`},
		{`{"a":1`, `decode: the event ends where "," or "}" is wanted (byte 6)`},
		{`{"a":1} {}`, `decode: something follows the event's object (byte 8)`},
		{`{"a":1,"a":2}`, `decode: second value for the key of a (byte 11)`},
		{`{"o":{},"\u006f":1}`, `decode: second value for the key of o (byte 17)`},
		{`{"a":1,}`, `decode: a key in double quotes is wanted (byte 7)`},
		{`{"a":1 "n"`, `decode: "," or "}" is wanted (byte 7)`},
		{`{"a"=1}`, `decode: ":" is wanted (byte 4)`},
		{`{"a":}`, `decode: a value is wanted (byte 5)`},
		{`{"z":01}`, `decode: a number with a leading 0 (byte 6)`},
		{`{"a":1.x}`, `decode: a digit is wanted (byte 7)`},
		{`{"v":[1,2}`, `decode: "," or "]" is wanted (byte 9)`},
		{`{"v":[1,]}`, `decode: a value is wanted (byte 8)`},
		{`{"v":[`, `decode: the event ends where a value or "]" is wanted (byte 6)`},
		{`{"z":[1 2]}`, `decode: "," or "]" is wanted (byte 8)`},
		{`{"z":{"y":1 2}}`, `decode: "," or "}" is wanted (byte 12)`},
		{`{"z":[`, `decode: the event ends where a value is wanted (byte 6)`},
		{`{"z":[1`, `decode: the event ends where "," or the end of an array or object is wanted (byte 7)`},
		{`{"z":nulL}`, `decode: the rest of "null" is wanted (byte 8)`},
		{`{"b":falsy}`, `decode: the rest of "false" is wanted (byte 9)`},
		{`{"s":"a` + "\x1f" + `bcdefghijkl"}`, `decode: control character in a string (byte 7)`},
		{`{"z":"abcdefghijklmnop` + "\n" + `"}`, `decode: control character in a string (byte 22)`},
		{`{"z":"` + "é\xc3" + `"}`, `decode: invalid UTF-8 (byte 8)`},
		{`{"` + "\xff" + `":1}`, `decode: invalid UTF-8 (byte 2)`},
		{`{"z":"\u12`, `decode: the event ends where a hexadecimal digit is wanted (byte 10)`},
		{`{"z":"\`, `decode: the event ends where the rest of an escape sequence is wanted (byte 7)`},
		{`{"z":"\x"}`, `decode: unknown escape sequence in a string (byte 7)`},
		{`{"s":"abc`, `decode: the event ends where the closing quote of a string is wanted (byte 9)`},
		{`{"a":"x"}`, `type: a: a string where input "m" (float32[N,2]) takes a number (byte 5)`},
		{`{"a":1e400}`, `type: a: 1e400 is too large where input "m" (float32[N,2]) takes a number (byte 5)`},
		{`{"o":{"x":[1]}}`, `type: o.x: an array where input "m" (float32[N,2]) takes a number (byte 10)`},
		{`{"o":{"x":{}}}`, `type: o.x: an object where input "m" (float32[N,2]) takes a number (byte 10)`},
		{`{"n":1.5}`, `type: n: 1.5 is no integer where input "n" (int32[N]) takes an integer (byte 5)`},
		{`{"n":"2147483648"}`, `type: n: 2147483648 is out of range where input "n" (int32[N]) takes an integer (byte 5)`},
		{`{"n":"1\u00302x"}`, `type: n: a string that is no number where input "n" (int32[N]) takes an integer (byte 5)`},
		{`{"s":1}`, `type: s: a number where input "s" (string[N]) takes a string (byte 5)`},
		{`{"s":true}`, `type: s: a bool where input "s" (string[N]) takes a string (byte 5)`},
		{`{"b":1}`, `type: b: a number where input "b" (bool[N]) takes true or false (byte 5)`},
		{`{"b":"true"}`, `type: b: a string where input "b" (bool[N]) takes true or false (byte 5)`},
		{`{"o":5}`, `type: o: an object is wanted, not a number (byte 5)`},
		{`{"o":"x"}`, `type: o: an object is wanted, not a string (byte 5)`},
		{`{"o":true}`, `type: o: an object is wanted, not a bool (byte 5)`},
		{`{"g":[null,[1,2]]}`, `type: g: null in place of an array where input "g" (int64[N,2,2]) takes nested arrays of [2 2] values (byte 6)`},
		{`{"o":[]}`, `type: o: an object is wanted, not an array (byte 5)`},
		{`{"v":1}`, `type: v: a number where input "v" (float32[N,2]) takes an array of 2 values (byte 5)`},
		{`{"v":[1]}`, `type: v: an array of 1 values where input "v" (float32[N,2]) takes an array of 2 values (byte 5)`},
		{`{"v":[1,2,3]}`, `type: v: an array of more than 2 values where input "v" (float32[N,2]) takes an array of 2 values (byte 5)`},
		{`{"v":[1,"x"]}`, `type: v: a string in the array where input "v" (float32[N,2]) takes an array of 2 values (byte 8)`},
		{`{"v":[1,null]}`, `missing: v: null in the array (byte 8)`},
		{`{"g":[[1,2],3]}`, `type: g: a number in place of an array where input "g" (int64[N,2,2]) takes nested arrays of [2 2] values (byte 12)`},
		{`{"g":[[1,2],null]}`, `type: g: null in place of an array where input "g" (int64[N,2,2]) takes nested arrays of [2 2] values (byte 12)`},
		{`{"g":[[1,2],[3]]}`, `type: g: an array of 1 values where input "g" (int64[N,2,2]) takes nested arrays of [2 2] values (byte 12)`},
		{`{"r":{}}`, `type: r: an object where input "r" (int8[N,?]) takes an array (byte 5)`},
		{`{"w":[1,2,3,4]}`, `type: w: an array of more than 3 values where input "w" (float32[N,3]) takes an array of at most 3 values (byte 5)`},
		{`{}`, `missing: a: absent, and the mapping has no missing policy for it`},
		{`{"a": null}`, `missing: a: null, and the mapping has no missing policy for it (byte 6)`},
		{`{"a":1,"n":2,"s":"","v":[1,2]}`, `missing: b: absent, and the mapping has no missing policy for it`},
		// What is only passed on or tells the time never costs a prediction.
		{`{"a":1,"n":2,"s":"","b":true,"v":[1,2],"p":7,"t":"x"}`, ``},
		// The worst comes first, whatever its place.
		{`{"v":[null,1],"a":"x"}`, `type: a: a string where input "m" (float32[N,2]) takes a number (byte 18)`},
		{`{"a":"x","v":[null,1]}`, `type: a: a string where input "m" (float32[N,2]) takes a number (byte 5)`},
		{`{"a":"x","n":[]}`, `type: a: a string where input "m" (float32[N,2]) takes a number (byte 5)`},
		{`{"a":"x","n":[],"z":tru}`, `decode: the rest of "true" is wanted (byte 23)`},
	} {
		b := plan.NewBatch(1)
		got := ""
		if r := b.DecodeJSON([]byte(c[0])); r != nil {
			got = string(r.Class) + ": " + r.Error()
		}
		if got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := func(n int, opening, middle, closing string) string {
		return strings.Repeat(opening, n) + middle + strings.Repeat(closing, n)
	}
	members, elements := "a"+strings.Repeat(".a", 127), "a"+strings.Repeat("[0]", 127)
	for _, c := range []struct {
		what, from string
		shape      []int64
		event      string
		want       string
	}{
		{"skipped arrays", "x", nil, `{"x":1,"z":` + deep(127, "[", "", "]") + `}`, ""},
		{"skipped arrays", "x", nil, `{"x":1,"z":` + deep(128, "[", "", "]") + `}`, "nested deeper than 128 levels (byte 138)"},
		{"skipped objects", "x", nil, deep(128, `{"x":`, "1", "}"), "x: an object where input \"x\" (float32[N]) takes a number (byte 5)"},
		{"skipped objects", "x", nil, deep(129, `{"x":`, "1", "}"), "nested deeper than 128 levels (byte 640)"},
		{"mapped members", members, nil, deep(128, `{"a":`, "1", "}"), ""},
		{"mapped members", members[:len(members)-2], nil, deep(129, `{"a":`, "1", "}"), "nested deeper than 128 levels (byte 640)"},
		{"mapped elements", elements, nil, `{"a":` + deep(127, "[", "1", "]") + `}`, ""},
		{"mapped elements", elements[:len(elements)-3], nil, `{"a":` + deep(128, "[", "1", "]") + `}`, "nested deeper than 128 levels (byte 132)"},
		{"an array for an input", members, []int64{2}, deep(128, `{"a":`, "[1,2]", "}"), "nested deeper than 128 levels (byte 640)"},
		{"an array for an input", members[:len(members)-2], []int64{2}, deep(127, `{"a":`, "[1,2]", "}"), ""},
	} {
		plan := compiled(t, []TensorInfo{declared("x", Float32, c.shape...)}, CompileOptions{}, nil, input("x", Column{From: c.from}))
		got := ""
		if r := plan.NewBatch(1).DecodeJSON([]byte(c.event)); r != nil {
			got = r.Error()
		}
		if got != c.want {
			t.Errorf("%s: %.40s…: %q, want %q", c.what, c.event, got, c.want)
		}
	}
	// The way to a mapped member or element may itself be too long.
	for from, event := range map[string]string{members: deep(129, `{"a":`, "1", "}"), elements: `{"a":` + deep(128, "[", "1", "]") + `}`} {
		plan := compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{}, nil, input("x", Column{From: from}))
		if r := plan.NewBatch(1).DecodeJSON([]byte(event)); r == nil || !strings.HasPrefix(r.Reason, "nested deeper") {
			t.Errorf("%.20s: %v", from, r)
		}
	}
}

// TestOrderOfKeysIsLearned decodes objects with ever new keys, long keys and
// fields that come and go, for which the learned gaps are of no use or run out.
func TestOrderOfKeysIsLearned(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("m", Float32, 3)}, CompileOptions{}, nil,
		list("m", Column{From: "a"}, Column{From: "o.b", Missing: nan}, Column{From: strings.Repeat("long", 20), Missing: nan}))
	b := plan.NewBatch(1)
	for i := range 3_000 {
		event := fmt.Sprintf(`{"k%d":[%d],"a":%d,"%[1]d":{"a":1},"o":{"z%[1]d":1,"b":%[1]d.5},"l%[1]d":"%[1]d"`, i, i, i)
		long := i%3 == 0
		if long {
			event += fmt.Sprintf(`, "%s" :  %d`, strings.Repeat("long", 20), -i)
		}
		b.Reset()
		if r := b.DecodeJSON([]byte(event + "}")); r != nil {
			t.Fatalf("%s: %v", event, r)
		}
		got := Values[float32](b.Tensors(0, 1, 1)[0])
		if got[0] != float32(i) || got[1] != float32(i)+0.5 || long && got[2] != float32(-i) || !long && got[2] == got[2] {
			t.Fatalf("%s: %v", event, got)
		}
	}
}

// TestKeysOfEveryLength has learned a key when one comes that differs in its
// last letter, in its length, or in white space alone.
func TestKeysOfEveryLength(t *testing.T) {
	for n := 1; n < 80; n++ {
		key := strings.Repeat("k", n)
		b := compiled(t, []TensorInfo{declared("m", Float32, 2)}, CompileOptions{}, nil, list("m", Column{From: key, Missing: nan}, Column{From: "z", Missing: nan})).NewBatch(1)
		for _, c := range []struct {
			event, want string
		}{
			{`{"KEY":1,"z":2}`, "[1 2]"},
			{`{"KEY":3,"z":4}`, "[3 4]"},
			{`{"KEYx":1,"z":2}`, "[NaN 2]"},
			{`{"SHORTx":5,"z":6}`, "[NaN 6]"},
			{`{"z":1,"KEY":2}`, "[2 1]"},
			{`{"z":3,"KEY":4}`, "[4 3]"},
			{`{"z":3,"SHORTx":4}`, "[NaN 3]"},
			{`{ "z": 5 , "KEY" :  6 }`, "[6 5]"},
			{`{"z":7,"KEY": 8}`, "[8 7]"},
			{`{"z":7,"KEY":9}`, "[9 7]"},
		} {
			event := strings.NewReplacer("KEY", key, "SHORT", key[:n-1]).Replace(c.event)
			b.Reset()
			decodeAll(t, b, event)
			if got := fmt.Sprint(Values[float32](b.Tensors(0, 1, 1)[0])); got != c.want {
				t.Errorf("%s: %s, want %s", event, got, c.want)
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for _, m := range append(fuzzMappings(), timedMapping()) {
		plan := compiled(t, m.infos, CompileOptions{EventTime: "ts"}, m.cfg.Output.Pass, m.cfg.Inputs...)
		b := plan.NewBatch(8)
		var flags []byte
		good := 0
		var events [][]byte
		for _, e := range m.events {
			// A rejection does allocate.
			if oracleDecode(&m.cfg, m.infos, []byte(e)).class == "" {
				events = append(events, []byte(e))
			}
		}
		allocs := testing.AllocsPerRun(100, func() {
			b.Reset()
			for _, e := range events {
				if b.DecodeJSON(e) == nil {
					good++
				}
			}
			b.Tensors(0, b.Len(), 8)
			b.Tensors(0, b.Len(), b.Len())
			for row := range b.Len() {
				flags = b.AppendPass(b.AppendFlags(flags[:0], row), row)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", m.name, allocs)
		}
		if good == 0 {
			t.Errorf("%s: no good event", m.name)
		}
	}
	b := fraudMapping(t).NewBatch(256)
	events := fraudEvents(t)
	if allocs := testing.AllocsPerRun(10, func() {
		b.Reset()
		for _, e := range events {
			if r := b.DecodeJSON(e); r != nil {
				t.Fatal(r)
			}
		}
	}); allocs != 0 {
		t.Errorf("200 card payments: %v allocations", allocs)
	}
}

// timedMapping has an event time in every form.
func timedMapping() mapping {
	return mapping{
		name:   "times",
		infos:  []TensorInfo{declared("x", Float32)},
		cfg:    Config{Inputs: []Input{input("x", Column{From: "x"})}},
		events: []string{`{"x":1,"ts":"2026-11-21T09:00:00.123+01:00"}`, `{"x":1,"ts":1780000000.5}`, `{"x":1,"ts":"\u00317800000000"}`, `{"x":1,"ts":"never"}`, `{"x":1}`},
	}
}

// TestSharedModelsEvents decodes the events of the shared models, whose mappings
// are real ones, and compares each row with the oracle's.
func TestSharedModelsEvents(t *testing.T) {
	for _, model := range []string{"card_fraud_gbdt", "card_fraud_pipeline", "housing_xgb", "iris_rf", "iris_rf_strings", "isolation_forest", "logreg_tiny", "mlp_f16", "mlp_static", "multi_out", "tiny_transformer"} {
		dir := "../testdata/models/" + model
		m := readMapping(t, dir+"/mapping.json")
		m.name = model
		m.cfg.Output.Pass = []string{"customer", "tokens", "id"}
		b := compiled(t, m.infos, CompileOptions{}, m.cfg.Output.Pass, m.cfg.Inputs...).NewBatch(64)
		text, err := os.ReadFile(dir + "/events.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for line := range strings.Lines(string(text)) {
			if b.Full() {
				b.Reset()
			}
			want := oracleDecode(&m.cfg, m.infos, []byte(line))
			if want.class != "" {
				t.Fatalf("%s: the oracle rejects %s", model, line)
			}
			compare(t, &m, b, []byte(line), &want)
			rows++
		}
		if rows != 200 {
			t.Errorf("%s: %d events", model, rows)
		}
	}
}
