package inference

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/penstock/penstock"
)

// decodeAll decodes events that must be good.
func decodeAll(t *testing.T, b *Batch, events ...string) {
	t.Helper()
	for _, e := range events {
		if r := b.DecodeJSON([]byte(e)); r != nil {
			t.Fatalf("%s: %v", e, r)
		}
	}
}

// rowsText writes tensors as their shapes and elements.
func rowsText(tensors []*Tensor) string {
	var parts []string
	for _, t := range tensors {
		parts = append(parts, fmt.Sprint(t.Shape, tensorBits(t)))
	}
	return strings.Join(parts, " ")
}

func TestTensorsAreWindows(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("v", Int32, 2), declared("s", String, 1)}, CompileOptions{}, nil)
	b := plan.NewBatch(4)
	decodeAll(t, b, `{"v":[1,2],"s":"a"}`, `{"v":[3,4],"s":"bb"}`, `{"v":[5,6],"s":""}`)
	whole := rowsText(b.Tensors(0, 3, 3))
	if want := `[3 2] [1 2 3 4 5 6] [3 1] ["a" "bb" ""]`; whole != want {
		t.Errorf("%s, want %s", whole, want)
	}
	first := unsafe.SliceData(b.Tensors(0, 3, 3)[0].Data)
	second := b.Tensors(1, 3, 2)
	if got, want := rowsText(second), `[2 2] [3 4 5 6] [2 1] ["bb" ""]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if unsafe.Pointer(unsafe.SliceData(second[0].Data)) != unsafe.Add(unsafe.Pointer(first), 8) {
		t.Error("a slice of the batch is no window into it")
	}
	b.Reset()
	if b.Len() != 0 || b.Full() {
		t.Error("not empty after Reset")
	}
	decodeAll(t, b, `{"v":[7,8],"s":"x"}`, `{"v":[7,8],"s":"x"}`, `{"v":[7,8],"s":"x"}`, `{"v":[9,9],"s":"y"}`)
	if !b.Full() || b.Len() != 4 {
		t.Errorf("4 of 4 rows: full %v, length %d", b.Full(), b.Len())
	}
	if unsafe.SliceData(b.Tensors(0, 4, 4)[0].Data) != first {
		t.Error("the memory has moved")
	}
}

func TestTensorsRepeatTheLastRow(t *testing.T) {
	plan := compiled(t, []TensorInfo{{Name: "v", Type: Int16, Shape: []int64{4, 2}}, declared("s", String), declared("r", Uint8, Dynamic)}, CompileOptions{}, nil,
		padded(input("r", Column{From: "r"}), number("9")))
	b := plan.NewBatch(8)
	decodeAll(t, b, `{"v":[1,2],"s":"a","r":[1]}`, `{"v":[3,4],"s":"b","r":[]}`, `{"v":[5,6],"s":"c","r":[5,6,7]}`)
	if got, want := rowsText(b.Tensors(0, 2, 4)), `[4 2] [1 2 3 4 3 4 3 4] [4] ["a" "b" "b" "b"] [4 1] [1 9 9 9]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// The repeated rows must not have gone where the third row lies.
	if got, want := rowsText(b.Tensors(2, 3, 2)), `[2 2] [5 6 5 6] [2] ["c" "c"] [2 3] [5 6 7 5 6 7]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRaggedRowsArePaddedToTheirOwnSlice(t *testing.T) {
	infos := []TensorInfo{declared("ids", Int64, Dynamic), declared("mask", Float32, Dynamic), declared("tags", String, Dynamic)}
	plan := compiled(t, infos, CompileOptions{}, nil, padded(input("ids", Column{From: "ids", Missing: fillWith("-1")}), number("7")),
		Input{Name: "mask", MaskOf: "ids"}, padded(input("tags", Column{From: "tags", Missing: fill(text("?"))}), text("_")))
	b := plan.NewBatch(5)
	for range 2 { // the second time after Reset
		decodeAll(t, b, `{"ids":[1,null],"tags":["a"]}`, `{"tags":[],"ids":[]}`, `{"ids":[4,5,6,8]}`, `{"tags":["b","c"]}`)
		for _, c := range []struct {
			lo, hi int
			want   string
		}{
			{0, 2, `[2 2] [1 -1 7 7] [2 2] [F 0 0 0] [2 1] ["a" "_"]`},
			{1, 2, `[1 1] [7] [1 1] [0] [1 1] ["_"]`},
			{2, 4, `[2 4] [4 5 6 8 -1 7 7 7] [2 4] [F F F F 0 0 0 0] [2 2] ["?" "_" "b" "c"]`},
		} {
			want := strings.ReplaceAll(c.want, "F", oracleBits(Float32, 1.0))
			if got := rowsText(b.Tensors(c.lo, c.hi, c.hi-c.lo)); got != want {
				t.Errorf("rows %d to %d: %s, want %s", c.lo, c.hi, got, want)
			}
		}
		b.Reset()
	}
}

func TestMasksTellWhatTheEventBrought(t *testing.T) {
	infos := []TensorInfo{declared("m", Float32, 3), declared("mm", Int8, 3), declared("x", Int32, 1), declared("xm", Bool, 1), declared("v", Float64, 2), declared("vm", Uint16, Dynamic)}
	plan := compiled(t, infos, CompileOptions{}, nil,
		list("m", Column{From: "a", Missing: fillWith("0")}, Column{From: "b", Missing: nan}, Column{From: "c"}), Input{Name: "mm", MaskOf: "m"},
		input("x", Column{From: "x", Missing: fillWith("1")}), Input{Name: "xm", MaskOf: "x"},
		padded(input("v", Column{From: "v", Missing: fillWith("3")}), number("4")), Input{Name: "vm", MaskOf: "v"})
	b := plan.NewBatch(4)
	decodeAll(t, b, `{"a":0,"b":1,"c":2,"x":1,"v":[null,5]}`, `{"b":null,"c":2,"v":[5]}`, `{"c":2}`, `{"a":0,"c":1,"x":null,"v":[]}`)
	tensors := b.Tensors(0, 4, 4)
	for i, want := range map[int]string{1: "[1 1 1 0 0 1 0 0 1 1 0 1]", 3: "[1 0 0 0]", 5: "[0 1 1 0 0 0 0 0]"} {
		if got := fmt.Sprint(tensorBits(tensors[i])); got != want {
			t.Errorf("%s: %s, want %s", infos[i].Name, got, want)
		}
	}
}

func TestFlagsAndPassedFields(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("m", Float32, 3), declared("v", Float32, 2)}, CompileOptions{EventTime: "ts"}, []string{"tx", `['quo"te'].x`, "customer", "none"},
		list("m", Column{From: "customer.age", Missing: nan}, Column{From: `['quo"te'].y`, Missing: nan}, Column{From: "customer['age']", Missing: fillWith("1")}), input("v", Column{From: "v", Missing: nan}))
	b := plan.NewBatch(3)
	decodeAll(t, b,
		`{"v":[null,null],"tx": "a\u00e9  b","customer": { "age" : null , "x\"y" : [ 1 , " \" " ] }}`,
		`{"v":[1,2],"customer":{"age":3},"quo\"te":{"x":null,"y":4},"ts":0}`,
		`{"v":[1,2],"customer":{"age":3},"quo\"te":{"x":-1.50e+3,"y":4},"ts":"x"}`)
	for row, want := range []struct{ flags, pass string }{
		{`["missing:customer.age","missing:['quo\"te'].y","missing:v","event_time"]`, `{"tx":"a\u00e9  b","customer":{"age":null,"x\"y":[1," \" "]}}`},
		{`["non_finite:x"]`, `{"['quo\"te'].x":null,"customer":{"age":3}}`},
		{`["non_finite:x","event_time"]`, `{"['quo\"te'].x":-1.50e+3,"customer":{"age":3}}`},
	} {
		dst := []byte(`[`)
		if row > 0 { // an earlier flag calls for a comma
			dst = append(dst, `"non_finite:x"`...)
		}
		if got := string(b.AppendFlags(dst, row)) + "]"; got != want.flags {
			t.Errorf("row %d: flags %s, want %s", row, got, want.flags)
		}
		if has := b.HasFlags(row); has != (row != 1) {
			t.Errorf("row %d: HasFlags %v", row, has)
		}
		if got := string(b.AppendPass([]byte("x"), row)); got != "x"+want.pass {
			t.Errorf("row %d: pass %s, want %s", row, got, want.pass)
		}
		if !b.HasPass(row) {
			t.Errorf("row %d: HasPass false", row)
		}
	}
	b.Reset()
	decodeAll(t, b, `{"v":[1,2]}`)
	if b.HasPass(0) || string(b.AppendPass(nil, 0)) != "{}" {
		t.Errorf("an event without any passed field has %s", b.AppendPass(nil, 0))
	}
}

// TestManyFields has more fields than a word of a set has bits.
func TestManyFields(t *testing.T) {
	const n = 200
	var cols []Column
	var event strings.Builder
	event.WriteString(`{`)
	for i := range n {
		col := Column{From: fmt.Sprintf("f%d", i), Missing: nan}
		cols = append(cols, col)
		if i%3 != 0 {
			event.WriteString(fmt.Sprintf(`"f%d":%d,`, i, i))
		}
	}
	event.WriteString(`"z":0}`)
	b := compiled(t, []TensorInfo{declared("m", Float32, n)}, CompileOptions{}, nil, list("m", cols...)).NewBatch(2)
	decodeAll(t, b, event.String(), strings.Replace(event.String(), `"z"`, `"f0"`, 1))
	for row := range 2 {
		values := Values[float32](b.Tensors(row, row+1, 1)[0])
		var flags []string
		if err := json.Unmarshal(append(b.AppendFlags([]byte("["), row), ']'), &flags); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			gone := i%3 == 0 && (row == 0 || i != 0)
			if gone != (v != v) || !gone && v != float32(i) || gone != slices.Contains(flags, fmt.Sprintf("missing:f%d", i)) {
				t.Fatalf("row %d, column %d is %v, filled %v", row, i, v, gone)
			}
		}
	}
}

// TestTextIsBounded stands in for events of gigabytes, which no test can make.
func TestTextIsBounded(t *testing.T) {
	b := compiled(t, []TensorInfo{declared("s", String, 2)}, CompileOptions{}, nil, list("s", Column{From: "s"}, Column{From: "s"})).NewBatch(2)
	if r := b.tooLarge(1 << 30); r != nil {
		t.Errorf("what two columns can hold: %v", r)
	}
	if r := b.tooLarge(1<<30 + 1); r == nil || r.Class != penstock.ClassTooLarge || r.Error() != "1073741825 bytes are too many for string input \"s\"" {
		t.Errorf("%v", r)
	}
	if r := b.DecodeJSON(make([]byte, 1<<30+1)); r.Class != penstock.ClassTooLarge {
		t.Errorf("%v", r)
	}
	if columns := b.plan.BindColumns([]string{"s"}); b.DecodeCells(columns, []Cell{{Kind: CellText, Bytes: make([]byte, 1<<30+1)}}).Class != penstock.ClassTooLarge {
		t.Error("a cell that is too large was taken")
	}
	b.stores[0].text = make([]byte, maxText) // never touched, so it takes no memory
	if !b.Full() {
		t.Error("not full although its text is")
	}
	b.Reset()
	if b.Full() {
		t.Error("full after Reset")
	}
}
