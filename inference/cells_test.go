package inference

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
)

func csvCell(s string) Cell    { return Cell{Kind: CellText, Bytes: []byte(s)} }
func stringCell(s string) Cell { return Cell{Kind: CellString, Bytes: []byte(s)} }
func jsonCell(s string) Cell   { return Cell{Kind: CellJSON, Bytes: []byte(s)} }
func intCell(i int64) Cell     { return Cell{Kind: CellInt, Int: i} }
func uintCell(u uint64) Cell   { return Cell{Kind: CellUint, Int: int64(u)} }
func floatCell(f float64) Cell { return Cell{Kind: CellFloat, Float: f} }
func boolCell(i int64) Cell    { return Cell{Kind: CellBool, Int: i} }
func typed(k CellKind) string {
	return [...]string{"null", "text", "string", "int", "uint", "float", "bool", "json"}[k]
}

func (c Cell) testString() string {
	return fmt.Sprintf("%s(%s %d %g)", typed(c.Kind), c.Bytes, c.Int, c.Float)
}

// TestCells decodes one cell for one input of each type.
func TestCells(t *testing.T) {
	const noNumber = " is no number"
	const blank = "missing: x: blank or nan, and the mapping has no missing policy for it"
	f := func(v float64) string { return oracleBits(Float64, v) }
	for _, c := range []struct {
		typ    ElementType
		coerce bool
		cell   Cell
		want   string // bits, or the rejection
	}{
		{Float64, false, csvCell("12.5"), f(12.5)},
		{Float64, false, csvCell(" +12.5\t"), f(12.5)},
		{Float64, false, csvCell(".5"), f(0.5)},
		{Float64, false, csvCell("5."), f(5)},
		{Float64, false, csvCell("-007.50"), f(-7.5)},
		{Float64, false, csvCell("+.5E+1"), f(5)},
		{Float64, false, csvCell("0.1234567890123456789012345"), f(0.12345678901234568)},
		{Float64, false, csvCell("-NaN"), blank},
		{Float64, false, csvCell(" nan"), blank},
		{Float64, false, csvCell("-Inf"), f(math.Inf(-1))},
		{Float64, false, csvCell("+infinity"), f(math.Inf(1))},
		{Float64, false, csvCell("TRUE"), f(1)},
		{Float64, false, csvCell("False"), f(0)},
		{Float64, false, csvCell("1e400"), "type: x: 1e400 is too large where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("1,5"), "type: x: \"1,5\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("."), "type: x: \".\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("+"), "type: x: \"+\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("1e"), "type: x: \"1e\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("0x10"), "type: x: \"0x10\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("1_0"), "type: x: \"1_0\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("+-1"), "type: x: \"+-1\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("++inf"), "type: x: \"++inf\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell(""), "missing: x: absent, and the mapping has no missing policy for it"},
		{Float64, false, csvCell(" \t"), blank},
		{Float64, false, Cell{}, "missing: x: absent, and the mapping has no missing policy for it"},
		{Float64, false, jsonCell("null"), "missing: x: null, and the mapping has no missing policy for it"},
		{Int64, false, csvCell("+0009007199254740993"), "9007199254740993"},
		{Int64, false, csvCell("1e3"), "1000"},
		{Int64, false, csvCell("true"), "1"},
		{Int64, false, csvCell("NAN"), blank},
		{Int64, false, csvCell("inf"), "type: x: \"inf\"" + noNumber + " where input \"x\" (int64[N]) takes an integer"},
		{Float64, false, csvCell("NA"), "type: x: \"NA\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Float64, false, csvCell("null"), "type: x: \"null\"" + noNumber + " where input \"x\" (float64[N]) takes a number"},
		{Bool, false, csvCell(" "), blank},
		{String, false, csvCell("nan"), `"nan"`},
		{String, false, csvCell(" "), `" "`},
		{Int64, false, csvCell("1.5"), "type: x: 1.5 is no integer where input \"x\" (int64[N]) takes an integer"},
		{Uint8, false, csvCell("256"), "type: x: 256 is out of range where input \"x\" (uint8[N]) takes an integer"},
		{Bool, false, csvCell("1"), "1"},
		{Bool, false, csvCell(" 0"), "0"},
		{Bool, false, csvCell("True"), "1"},
		{Bool, false, csvCell("2"), "type: x: \"2\" is neither true nor false where input \"x\" (bool[N]) takes true or false"},
		{String, false, csvCell(" a,b\x00"), `" a,b\x00"`},
		{String, false, csvCell("12"), `"12"`},
		{String, false, csvCell("\xff"), "decode: x: invalid UTF-8"},
		{String, false, stringCell(""), `""`},
		{String, false, stringCell("é"), `"é"`},
		{String, false, stringCell("\xc3"), "decode: x: invalid UTF-8"},
		{String, false, intCell(1), "type: x: a number where input \"x\" (string[N]) takes a string"},
		{String, false, floatCell(1), "type: x: a number where input \"x\" (string[N]) takes a string"},
		{String, false, boolCell(1), "type: x: a bool where input \"x\" (string[N]) takes a string"},
		{String, false, jsonCell(` "\u0061" `), `"a"`},
		{Float64, false, stringCell("1"), "type: x: a string where input \"x\" (float64[N]) takes a number"},
		{Float64, true, stringCell("1.5"), f(1.5)},
		{Float64, true, stringCell("+1.5"), "type: x: a string that is no number where input \"x\" (float64[N]) takes a number"},
		{Bool, true, stringCell("1"), "type: x: a string where input \"x\" (bool[N]) takes true or false"},
		{Float64, false, intCell(-9007199254740993), f(-9007199254740992)},
		{Float64, false, uintCell(math.MaxUint64), f(18446744073709551616)},
		{Float64, false, floatCell(math.Inf(1)), f(math.Inf(1))},
		{Float64, false, floatCell(math.NaN()), f(math.NaN())},
		{Float16, false, floatCell(65519.9), oracleBits(Float16, 65519.9)},
		{Float64, false, boolCell(1), f(1)},
		{Float64, false, jsonCell("2.5"), f(2.5)},
		{Float64, false, jsonCell("2.5 3"), "decode: x: something follows the JSON value"},
		{Float64, false, jsonCell("2."), "decode: x: the event ends where a digit is wanted"},
		{Float64, false, jsonCell(""), "decode: x: the event ends where a value is wanted"},
		{Int64, false, intCell(math.MinInt64), "-9223372036854775808"},
		{Int64, false, uintCell(1 << 63), "type: x: 9223372036854775808 is out of range where input \"x\" (int64[N]) takes an integer"},
		{Uint64, false, uintCell(math.MaxUint64), "18446744073709551615"},
		{Uint64, false, floatCell(1 << 64), "type: x: 1.8446744073709552e+19 is out of range where input \"x\" (uint64[N]) takes an integer"},
		{Uint64, false, floatCell(1<<64 - 2048), "18446744073709549568"},
		{Uint64, false, intCell(-1), "type: x: -1 is out of range where input \"x\" (uint64[N]) takes an integer"},
		{Int64, false, floatCell(-3), "-3"},
		{Int64, false, floatCell(1.5), "type: x: 1.5 is no integer where input \"x\" (int64[N]) takes an integer"},
		{Int64, false, floatCell(math.NaN()), "type: x: NaN is no integer where input \"x\" (int64[N]) takes an integer"},
		{Int64, false, floatCell(math.Inf(1)), "type: x: +Inf is out of range where input \"x\" (int64[N]) takes an integer"},
		{Int64, false, floatCell(1 << 63), "type: x: 9.223372036854776e+18 is out of range where input \"x\" (int64[N]) takes an integer"},
		{Int8, false, boolCell(1), "1"},
		{Bool, false, boolCell(0), "0"},
		{Bool, false, intCell(1), "type: x: a number where input \"x\" (bool[N]) takes true or false"},
		{Bool, false, floatCell(1), "type: x: a number where input \"x\" (bool[N]) takes true or false"},
	} {
		plan := compiled(t, []TensorInfo{declared("x", c.typ)}, CompileOptions{}, nil, input("x", Column{From: "x", Coerce: c.coerce}))
		b := plan.NewBatch(1)
		got := ""
		if r := b.DecodeCells(plan.BindColumns([]string{"other", "x"}), []Cell{csvCell("\xff"), c.cell}); r != nil {
			got = string(r.Class) + ": " + r.Error()
			if b.Len() != 0 {
				t.Errorf("%s: rejected, but a row was added", c.cell.testString())
			}
		} else {
			got = tensorBits(b.Tensors(0, 1, 1)[0])[0]
		}
		if c.want == f(math.NaN()) && math.IsNaN(Values[float64](b.Tensors(0, 1, 1)[0])[0]) {
			continue // any of the NaNs
		}
		if got != c.want {
			t.Errorf("%s for %s: %s, want %s", c.cell.testString(), c.typ, got, c.want)
		}
	}
}

func TestCellsOfArraysAndParents(t *testing.T) {
	infos := []TensorInfo{declared("v", Float32, 2), declared("ids", Int64, Dynamic), declared("price", Float64), declared("age", Int32), declared("dots", Int8)}
	plan := compiled(t, infos, CompileOptions{EventTime: "ts"}, []string{"customer", "customer.name", "v"},
		input("v", Column{From: "v"}), padded(input("ids", Column{From: "t.ids", Missing: fillWith("0")}), number("0")), input("price", Column{From: "items[0].price"}),
		input("age", Column{From: "customer.age"}), input("dots", Column{From: "['a.b']", Missing: fillWith("5")}))
	names := []string{"v", "t.ids", "items", "customer", "a.b", "ts"}
	columns := plan.BindColumns(names)
	if len(columns.Missing()) != 0 {
		t.Errorf("missing %v", columns.Missing())
	}
	b := plan.NewBatch(4)
	for _, c := range []struct {
		cells []Cell
		want  string
	}{
		{[]Cell{csvCell("[1, 2]"), csvCell("[3]"), csvCell(`[{"price":1}]`), csvCell(`{"age":7,"name":"n"}`), csvCell("1"), csvCell(" 1 ")}, ""},
		{[]Cell{jsonCell("[1,2]"), {}, jsonCell(`[{"price":1}]`), jsonCell(`{"age":7 , "name":null}`), intCell(2), intCell(1)}, ""},
		{[]Cell{jsonCell("[1,2]"), jsonCell("[]"), jsonCell(`[{"price":1}]`), jsonCell(`{"age":7}`)}, ""},
		{[]Cell{csvCell("1"), {}, jsonCell(`[{"price":1}]`), jsonCell(`{"age":7}`)}, "type: v: a number where input \"v\" (float32[N,2]) takes an array of 2 values"},
		{[]Cell{intCell(1), {}, jsonCell(`[{"price":1}]`), jsonCell(`{"age":7}`)}, "type: v: a number where input \"v\" (float32[N,2]) takes an array of 2 values"},
		{[]Cell{csvCell("[1"), {}, jsonCell(`[{"price":1}]`), jsonCell(`{"age":7}`)}, `decode: v: the event ends where "," or "]" is wanted`},
		{[]Cell{jsonCell("[1,2]"), {}, csvCell("[{"), jsonCell(`{"age":7}`)}, "decode: items: the event ends where a key in double quotes is wanted"},
		{[]Cell{jsonCell("[1,2]"), {}, csvCell(`[{"price":1}] ]`), jsonCell(`{"age":7}`)}, "decode: items: something follows the JSON value"},
		{[]Cell{jsonCell("[1,2]"), {}, stringCell("x"), jsonCell(`{"age":7}`)}, "type: items: JSON is wanted, not a string"},
		{[]Cell{jsonCell("[1,2]"), {}, boolCell(1), jsonCell(`{"age":7}`)}, "type: items: JSON is wanted, not a bool"},
		{[]Cell{jsonCell("[1,2]"), {}, jsonCell(`[]`), jsonCell(`{"age":7}`)}, "missing: items[0].price: absent, and the mapping has no missing policy for it"},
	} {
		got := ""
		if r := b.DecodeCells(columns, c.cells); r != nil {
			got = string(r.Class) + ": " + r.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.cells[0].testString(), got, c.want)
		}
	}
	if b.Len() != 3 {
		t.Fatalf("%d rows", b.Len())
	}
	want := fmt.Sprintf("[3 2] [F G F G F G] [3 1] [3 0 0] [3] [%[1]s %[1]s %[1]s] [3] [7 7 7] [3] [1 2 5]", oracleBits(Float64, 1.0))
	want = strings.NewReplacer("F", oracleBits(Float32, 1.0), "G", oracleBits(Float32, 2.0)).Replace(want)
	if got := rowsText(b.Tensors(0, 3, 3)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for row, want := range []string{
		`{"customer":"{\"age\":7,\"name\":\"n\"}","customer.name":"n","v":"[1, 2]"} `,
		`{"customer":{"age":7,"name":null},"customer.name":null,"v":[1,2]} "missing:t.ids"`,
		`{"customer":{"age":7},"v":[1,2]} "missing:['a.b']","event_time"`,
	} {
		if got := string(b.AppendPass(nil, row)) + " " + string(b.AppendFlags(nil, row)); got != want {
			t.Errorf("row %d: %s, want %s", row, got, want)
		}
	}
}

func TestCellsThatArePassedOn(t *testing.T) {
	pass := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	plan := compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{EventTime: "ts"}, pass)
	columns := plan.BindColumns(append([]string{"x", "ts"}, pass...))
	b := plan.NewBatch(2)
	buffer := []byte("te\"x\n\t\r\x01\\t é")
	list := []byte("[1 ,2]")
	cells := []Cell{
		floatCell(1), floatCell(1780000000.25), {Kind: CellText, Bytes: buffer}, stringCell("s"), intCell(-5), uintCell(math.MaxUint64), floatCell(0.1), floatCell(1e-9), floatCell(math.NaN()), boolCell(1), {}, {Kind: CellJSON, Bytes: list},
	}
	for range 2 {
		if r := b.DecodeCells(columns, cells); r != nil {
			t.Fatal(r)
		}
	}
	copy(buffer, "overwritten by the next row")
	copy(list, "overwritten")
	want := `{"a":"te\"x\n\t\r\u0001\\t é","b":"s","c":-5,"d":18446744073709551615,"e":0.1,"f":1e-9,"g":null,"h":true,"j":[1,2]}`
	for row := range 2 {
		if got := string(b.AppendPass(nil, row)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if nanos, ok := b.EventTime(row); !ok || nanos != time.Unix(1780000000, 250000000).UnixNano() {
			t.Errorf("time %d, %v", nanos, ok)
		}
	}
	if b.Reset(); len(b.copies) != 0 {
		t.Errorf("%d bytes of copies after Reset", len(b.copies))
	}
	copy(list, "[1 ,2]")
	if allocs := testing.AllocsPerRun(100, func() {
		b.Reset()
		b.DecodeCells(columns, cells)
	}); allocs != 0 {
		t.Errorf("%v allocations a row", allocs)
	}
}

// TestRejectedCellsAreGivenBack has rows that copy a cell before another cell
// turns out to be bad, between good ones.
func TestRejectedCellsAreGivenBack(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{}, []string{"note", "list"}, input("x", Column{From: "x"}))
	b, columns := plan.NewBatch(2), plan.BindColumns([]string{"note", "list", "x"})
	row := func(note, x string) *penstock.Rejection {
		return b.DecodeCells(columns, []Cell{csvCell(note), jsonCell("[1]"), csvCell(x)})
	}
	if r := row("first", "1"); r != nil {
		t.Fatal(r)
	}
	held := len(b.copies)
	for _, bad := range []string{"bad", "\xff", ""} {
		if r := row(strings.Repeat("n", 1000), bad); r == nil || len(b.copies) != held {
			t.Errorf("%q: %v, %d bytes of copies, want %d", bad, r, len(b.copies), held)
		}
	}
	if r := row("second", "2"); r != nil {
		t.Fatal(r)
	}
	for i, want := range []string{`{"note":"first","list":[1]}`, `{"note":"second","list":[1]}`} {
		if got := string(b.AppendPass(nil, i)); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
	b.Reset()
	if r := row("third", "bad"); r == nil || len(b.copies) != 0 {
		t.Errorf("%v, %d bytes of copies in an empty batch", r, len(b.copies))
	}
}

func TestBindColumns(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("m", Float32, 4)}, CompileOptions{EventTime: "ts"}, []string{"id"},
		list("m", Column{From: "a"}, Column{From: "o.b"}, Column{From: "['c.d']"}, Column{From: "items[1]"}))
	for header, want := range map[string]string{
		"a|o.b|c.d|items[1]|ts|id": "",
		"o|['c.d']|items":          "a",
		"A|o.bb|c|items[0]":        "a o.b ['c.d'] items[1]",
		"":                         "a o.b ['c.d'] items[1]",
		"x [y]|a|['o'].b|c.d|":     "items[1]",
	} {
		if got := strings.Join(plan.BindColumns(strings.Split(header, "|")).Missing(), " "); got != want {
			t.Errorf("%s: missing %q, want %q", header, got, want)
		}
	}
	b := plan.NewBatch(1)
	r := b.DecodeCells(plan.BindColumns([]string{"a", "o.b", "a"}), []Cell{csvCell("1"), csvCell("1"), csvCell("2")})
	if r == nil || r.Error() != "a: second column for this field" || r.Class != "decode" {
		t.Errorf("%v", r)
	}
	// A row shorter than its header lacks the last columns; one longer has
	// cells that nobody asked for.
	r = b.DecodeCells(plan.BindColumns([]string{"a", "o.b", "c.d", "items[1]"}), []Cell{csvCell("1"), csvCell("1"), csvCell("1")})
	if r == nil || r.Field != "items[1]" || r.Class != "missing" {
		t.Errorf("%v", r)
	}
	if r = b.DecodeCells(plan.BindColumns([]string{"a", "o.b", "c.d", "items[1]"}), []Cell{intCell(1), intCell(1), intCell(1), intCell(1), intCell(1)}); r != nil {
		t.Error(r)
	}
}
