package inference

import (
	"fmt"
	"testing"
)

// A made-up row has what the mapping fills in, wherever it says so: a model that
// knows its categories takes no other.
func TestMadeUpRowHasWhatTheMappingFillsIn(t *testing.T) {
	text := func(s string) Literal { return Literal{Kind: TextLiteral, Text: s} }
	fillText := func(s string) Missing { return Missing{Policy: MissingFill, Fill: text(s)} }
	plan := compiled(t, []TensorInfo{
		declared("country", String, 2), declared("n", Int64), declared("v", Float32, 3), declared("ids", Int64, Dynamic),
		declared("tags", String, Dynamic), declared("x", Float32),
	}, CompileOptions{}, nil,
		Input{Name: "country", List: true, Columns: []Column{{From: "to", Missing: fillText("DE"), At: 0}, {From: "from", At: 1, Missing: fillText("FR")}}},
		input("n", Column{From: "n", Missing: fillWith("7")}),
		input("v", Column{From: "v", Missing: fillWith("0.5")}),
		padded(input("ids", Column{From: "ids", Missing: fillWith("3")}), number("9")),
		padded(input("tags", Column{From: "tags"}), text("-")),
		input("x", Column{From: "x", Missing: nan}))
	w := plan.WarmUp()
	if !w.MadeUp {
		t.Error("without an example the row is said to be one")
	}
	want := []string{`[1 2] ["DE" "FR"]`, "[1] [7]", "[1 3] [0x3f000000 0x3f000000 0x3f000000]", "[1 1] [3]", `[1 1] ["-"]`, "[1] [0x0]"}
	for i, tensor := range w.Inputs {
		if got := rowText(tensor); got != want[i] {
			t.Errorf("input %d: %s, want %s", i, got, want[i])
		}
	}
}

// rowText shows a tensor: float32 by its bits, all else by its value.
func rowText(t *Tensor) string {
	switch t.Type {
	case Float32:
		bits := Values[uint32](t)
		s := make([]string, len(bits))
		for i, b := range bits {
			s[i] = fmt.Sprintf("%#x", b)
		}
		return fmt.Sprint(t.Shape, s)
	case String:
		s := make([]string, len(t.Refs))
		for i := range s {
			s[i] = fmt.Sprintf("%q", t.TextAt(i))
		}
		return fmt.Sprint(t.Shape, s)
	default:
		return fmt.Sprint(t.Shape, Values[int64](t))
	}
}

// The first example that the mapping takes is the row, as often as the model's
// fixed batch size asks for, with masks and lengths of its own.
func TestWarmUpTakesTheFirstExampleThatFits(t *testing.T) {
	infos := []TensorInfo{{Name: "word", Type: String, Shape: []int64{2}}, {Name: "ids", Type: Int64, Shape: []int64{2, Dynamic}}, {Name: "mask", Type: Int64, Shape: []int64{2, Dynamic}}}
	plan := compiled(t, infos, CompileOptions{}, nil,
		padded(input("ids", Column{From: "ids"}), number("0")), Input{Name: "mask", MaskOf: "ids"})
	w := plan.WarmUp([]byte(`{"ids":[1]}`), []byte(`nonsense`), []byte(`{"ids":[4,5],"word":"b"}`), []byte(`{"ids":[6],"word":"c"}`))
	want := []string{`[2] ["b" "b"]`, "[2 2] [4 5 4 5]", "[2 2] [1 1 1 1]"}
	for i, tensor := range w.Inputs {
		if got := rowText(tensor); got != want[i] {
			t.Errorf("input %d: %s, want %s", i, got, want[i])
		}
	}
	if w.MadeUp {
		t.Error("an example is said to be made up")
	}
	if w = plan.WarmUp([]byte(`{"ids":[1]}`), nil); !w.MadeUp {
		t.Error("no example fits, and yet the row is said to be one")
	}
}
