package inference

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/penstock/penstock"
)

// mapping is a config with the model's inputs that it is for.
type mapping struct {
	name   string
	infos  []TensorInfo
	cfg    Config
	events []string // that it takes, as seeds and to be learned from
}

func number(text string) Literal { return Literal{Kind: NumberLiteral, Text: text} }

func fillWith(text string) Missing { return Missing{Policy: MissingFill, Fill: number(text)} }

// input is an input with one path; list is one with a list of them.
func input(name string, col Column) Input {
	col.At = -1
	return Input{Name: name, Columns: []Column{col}}
}

func list(name string, cols ...Column) Input {
	for i := range cols {
		cols[i].At = i
	}
	return Input{Name: name, Columns: cols, List: true}
}

func declared(name string, typ ElementType, shape ...int64) TensorInfo {
	return TensorInfo{Name: name, Type: typ, Shape: append([]int64{Dynamic}, shape...)}
}

func padded(in Input, pad Literal) Input {
	in.Pad = &pad
	return in
}

var nan = Missing{Policy: MissingNaN}

// fuzzMappings cover every type, layout and policy between them.
func fuzzMappings() []mapping {
	integers := mapping{name: "integers", events: []string{
		`{"int8":-128,"int16":32767,"int32":-2147483648,"int64":-9223372036854775808,"uint8":255,"uint16":1.0,"uint32":4294967295,"uint64":18446744073709551615}`,
		`{"int8":true,"int16":"1e3","int32":15e-1,"int64":9223372036854775808,"uint8":-0,"uint16":null,"uint32":1.50e1,"uint64":"7"}`,
	}}
	for typ := Int8; typ <= Uint64; typ++ {
		integers.infos = append(integers.infos, declared(typ.String(), typ))
		col := Column{From: typ.String(), Coerce: typ%2 == 1}
		if typ == Uint16 {
			col.Missing = fillWith("65535")
		}
		integers.cfg.Inputs = append(integers.cfg.Inputs, input(typ.String(), col))
	}
	return []mapping{
		{
			name:  "floats",
			infos: []TensorInfo{declared("m", Float32, 4), declared("d", Float64, 1), declared("h", Float16), declared("c", Float32)},
			cfg: Config{Inputs: []Input{
				list("m", Column{From: "a"}, Column{From: "o.b", Missing: nan}, Column{From: "o.p.c", Missing: fillWith("-1.5")}, Column{From: "é"}),
				input("d", Column{From: "d"}), input("h", Column{From: "o.h", Missing: nan}), input("c", Column{From: "c", Coerce: true, Missing: nan}),
			}},
			events: []string{
				`{"a":1,"o":{"b":2.5,"p":{"c":-0},"h":65520},"d":0.1,"x":[1,{"y":"z"}],"é":1e-7,"c":"12.5"}`,
				`{"\u0061":12345.678,"é":1E400,"o":{"p":null},"d":-123456789.123456789}`,
				` { "d" : 5e-324 , "a" : true , "o" : null , "\u00e9" : 4503599627370497.5 , "c" : "\u0031e2" } `,
			},
		},
		integers,
		{
			name:  "texts",
			infos: []TensorInfo{declared("s", String, 1), declared("t", String, 2), declared("b", Bool), declared("bs", Bool, 2)},
			cfg: Config{
				Inputs: []Input{
					input("s", Column{From: "s", Missing: Missing{Policy: MissingFill, Fill: Literal{Kind: TextLiteral, Text: "none"}}}),
					list("t", Column{From: "t1"}, Column{From: "['a.b'].t"}),
					input("b", Column{From: "b", Missing: Missing{Policy: MissingFill, Fill: Literal{Kind: BoolLiteral, Text: "true"}}}),
					list("bs", Column{From: "b"}, Column{From: "x"}),
				},
				Output: Output{Pass: []string{"s", "p", "a"}},
			},
			events: []string{
				`{"s":"x","t1":"\ud83d\ude00\ud800 \u0000\b\f\n\r\t\/\\\"","a.b":{"t":"Grüße"},"b":true,"x":false,"p":{"q": [1, "a b" ] }}`,
				`{"t1":"","a.b":{"t":"ab"},"b":false,"x":true,"p":null}`,
			},
		},
		{
			name: "arrays",
			infos: []TensorInfo{
				declared("v", Float32, 3), declared("m", Int64, 2, 2), declared("w", Float16, 4), declared("s", String, 2), declared("vm", Float32, 3), declared("wm", Bool, 4),
			},
			cfg: Config{Inputs: []Input{
				input("v", Column{From: "v", Missing: nan}), input("m", Column{From: "m", Coerce: true}),
				padded(input("w", Column{From: "o.w", Missing: fillWith("9")}), number("-1")),
				input("s", Column{From: "s"}),
				{Name: "vm", MaskOf: "v"},
				{Name: "wm", MaskOf: "w"},
			}},
			events: []string{
				`{"v":[1,null,0.25],"m":[[1,2],["3",4.0]],"o":{"w":[1,2]},"s":["a","\u0062"]}`,
				`{"v":null,"m":[ [ 1 , 2 ] , [ 3 , 4 ] ],"s":["",""],"o":{"w":[]}}`,
			},
		},
		{
			name:  "ragged",
			infos: []TensorInfo{declared("ids", Int64, Dynamic), declared("mask", Int32, Dynamic), declared("tags", String, Dynamic), declared("f", Float64, Dynamic), declared("fm", Float32, Dynamic)},
			cfg: Config{Inputs: []Input{
				padded(input("ids", Column{From: "t.ids"}), number("7")),
				{Name: "mask", MaskOf: "ids"},
				padded(input("tags", Column{From: "tags", Missing: Missing{Policy: MissingFill, Fill: Literal{Kind: TextLiteral, Text: "?"}}}), Literal{Kind: TextLiteral, Text: "-"}),
				padded(input("f", Column{From: "f", Missing: nan}), number("0")),
				{Name: "fm", MaskOf: "f"},
			}},
			events: []string{
				`{"t":{"ids":[1,2,3]},"tags":["a","bb"],"f":[1.5,null]}`,
				`{"t":{"ids":[]},"tags":null}`,
			},
		},
		{
			name:  "indexes",
			infos: []TensorInfo{declared("x", Float32, 3), declared("y", Int32), declared("z", Float64, 2)},
			cfg: Config{
				Inputs: []Input{
					list("x", Column{From: "items[0].price"}, Column{From: "items[2].price", Missing: fillWith("0")}, Column{From: "n"}),
					input("y", Column{From: "m[1][0]", Missing: fillWith("5")}), list("z", Column{From: "n"}, Column{From: "items[0].price"}),
				},
				Output: Output{Pass: []string{"items", "items[1]", "n", "m[0]", "q.r"}},
			},
			events: []string{
				`{"items":[{"price":1.5},7,{"price":2,"price2":3}],"n":4,"m":[0,[3]],"q":{"r":{}}}`,
				`{"n":1,"items":[{"price":1}],"q":[],"m":[]}`,
			},
		},
	}
}

func FuzzDecode(f *testing.F) {
	mappings := fuzzMappings()
	plans := make([]*Plan, len(mappings))
	for i := range mappings {
		m := &mappings[i]
		var problems []Problem
		if plans[i], problems = Compile(&m.cfg, m.infos, CompileOptions{}); plans[i] == nil {
			f.Fatal(m.name, problems)
		}
		for _, e := range m.events {
			f.Add(byte(i), []byte(e))
		}
	}
	for _, e := range []string{
		"", " ", "{}", "[]", "{", `{"a":1}}`, `{"a":1,}`, `{,"a":1}`, `{"a" 1}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e+}`, `{"x":nul}`,
		`{"a":1,"a":2}`, `{"x":1,"x":2}`, `{"a":1,"\u0061":2}`, "{\"x\":\"\xff\"}", "{\"x\":\"\x01\"}", `{"x":"\x"}`, `{"x":"\u12g4"}`, "\ufeff{}",
		`{"x":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`, `{"x":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`,
		`{"o":` + strings.Repeat(`{"o":`, 127) + `1` + strings.Repeat("}", 128),
	} {
		for i := range mappings {
			f.Add(byte(i), []byte(e))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, event []byte) {
		i := int(which) % len(mappings)
		m := &mappings[i]
		want := oracleDecode(&m.cfg, m.infos, event)
		batch := plans[i].NewBatch(4)
		compare(t, m, batch, event, &want) // nothing is learned yet
		for _, known := range m.events {
			batch.DecodeJSON([]byte(known))
		}
		compare(t, m, batch, event, &want) // other events were learned
		batch.Reset()
		compare(t, m, batch, event, &want) // the event itself was learned
	})
}

// compare decodes an event to the batch's next row and compares it with what
// the oracle makes of it.
func compare(t *testing.T, m *mapping, b *Batch, event []byte, want *oracleRow) {
	t.Helper()
	row := b.Len()
	before := snapshot(b)
	r := b.DecodeJSON(event)
	if r != nil {
		if r.Class != want.class {
			t.Fatalf("%s: %q: rejected as %s (%v), want class %q", m.name, event, r.Class, r, want.class)
		}
		if after := snapshot(b); after != before {
			t.Fatalf("%s: %q: a rejected event changed the batch from %s to %s", m.name, event, before, after)
		}
		checkOffset(t, r, event)
		return
	}
	if want.class != "" {
		t.Fatalf("%s: %q: accepted, want class %q", m.name, event, want.class)
	}
	for i, tensor := range b.Tensors(row, row+1, 1) {
		var bits []string
		for _, v := range want.inputs[i] {
			bits = append(bits, oracleBits(tensor.Type, v))
		}
		got := tensorBits(tensor)
		if len(bits) == 0 { // an empty ragged row is one pad
			got = nil
		}
		if !slices.Equal(got, bits) {
			t.Fatalf("%s: %q: input %s is %v, want %v", m.name, event, m.infos[i].Name, got, bits)
		}
	}
	compareSides(t, m, b, row, event, want)
}

// compareSides compares flags and fields that are passed on.
func compareSides(t *testing.T, m *mapping, b *Batch, row int, event []byte, want *oracleRow) {
	t.Helper()
	var flags []string
	if err := json.Unmarshal(append(b.AppendFlags([]byte("["), row), ']'), &flags); err != nil {
		t.Fatal(err)
	}
	slices.Sort(flags)
	slices.Sort(want.flags)
	if !slices.Equal(flags, want.flags) || b.HasFlags(row) != (len(flags) > 0) {
		t.Fatalf("%s: %q: flags %q, want %q", m.name, event, flags, want.flags)
	}
	text := b.AppendPass(nil, row)
	tree, ok := oracleTree(text)
	got := map[string]oracleValue{}
	if object, isObject := tree.(oracleObject); isObject {
		for _, member := range object {
			got[member.key] = member.value
		}
	}
	// The event's own nesting is limited, but a passed value stands one level
	// higher than it stood.
	if !ok || !reflect.DeepEqual(got, want.pass) || b.HasPass(row) != (len(got) > 0) {
		t.Fatalf("%s: %q: passed on %s, want %v", m.name, event, text, want.pass)
	}
}

// snapshot writes all that can be seen of a batch.
func snapshot(b *Batch) string {
	var s strings.Builder
	for row := range b.Len() {
		for _, tensor := range b.Tensors(row, row+1, 1) {
			fmt.Fprint(&s, tensorBits(tensor))
		}
		fmt.Fprintf(&s, "%s%s", b.AppendFlags(nil, row), b.AppendPass(nil, row))
	}
	for _, store := range b.texts {
		fmt.Fprint(&s, len(store.text))
	}
	return s.String()
}

// checkOffset compares the offset of a rejection with encoding/json's, which
// counts the offending byte too.
func checkOffset(t *testing.T, r *penstock.Rejection, event []byte) {
	t.Helper()
	if r.Offset < -1 || r.Offset > len(event) || r.Offset == -1 && r.Class != penstock.ClassMissing {
		t.Fatalf("%q: %v: offset %d", event, r, r.Offset)
	}
	if strings.ContainsAny(r.Reason, "\n\r") || r.Reason == "" {
		t.Fatalf("%q: the reason is not one line: %q", event, r.Reason)
	}
	var syntax *json.SyntaxError
	var raw json.RawMessage
	err := json.Unmarshal(event, &raw)
	ours := strings.Contains(r.Reason, "UTF-8") || strings.HasPrefix(r.Reason, "second value") || strings.HasPrefix(r.Reason, "nested") ||
		strings.Contains(r.Reason, "a JSON object")
	if s, ok := err.(*json.SyntaxError); ok && r.Class == penstock.ClassDecode && !ours {
		syntax = s
		want := int(syntax.Offset) - 1
		// At the end encoding/json looks at a space that it adds.
		if strings.HasPrefix(syntax.Error(), "unexpected end") || want == len(event)-1 && strings.HasPrefix(r.Reason, "the event ends") {
			want = len(event)
		}
		if r.Offset != want {
			t.Fatalf("%q: %v, but encoding/json says %v at byte %d", event, r, syntax, want)
		}
	}
}
