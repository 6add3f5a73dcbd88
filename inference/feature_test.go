package inference

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// featureText shows what a row has of each feature, as it would be counted.
func featureText(b *Batch, features []Feature, row int) string {
	var all []string
	for i := range features {
		f := &features[i]
		value := "missing"
		if !b.IsMissing(f, row) {
			value = string(b.AppendFeature(nil, f, row))
			if numbers := b.AppendNumbers(nil, f, []int{row}); !f.IsText() {
				value += fmt.Sprint(numbers)
			}
			if f.Width > 1 {
				value = fmt.Sprint(b.AppendVector(nil, f, row))
			}
		} else if got := b.AppendNumbers(nil, f, []int{row}); len(got) > 0 {
			value = fmt.Sprint("missing, but has the number ", got)
		}
		all = append(all, f.Name+"="+value)
	}
	return strings.Join(all, " ")
}

// TestFeaturesAreWhatTheModelSaw: values after coercion and the cast to the
// input's type, and missing where the event had none, whatever filled it.
func TestFeaturesAreWhatTheModelSaw(t *testing.T) {
	plan := compiled(t,
		[]TensorInfo{declared("m", Float32, 2), declared("n", Int64), declared("s", String), declared("b", Bool), declared("v", Float32, 3), declared("r", Int64, Dynamic), declared("again", Float64)},
		CompileOptions{}, nil,
		list("m", Column{From: "a"}, Column{From: "o.x", Missing: nan}), input("n", Column{From: "n", Coerce: true, Missing: fillWith("7")}),
		input("s", Column{From: "s", Missing: fill(text("none"))}), input("b", Column{From: "b"}), input("v", Column{From: "v", Missing: fillWith("0")}),
		padded(input("r", Column{From: "r", Missing: fillWith("1")}), number("0")), input("again", Column{From: "a"}))
	b := plan.NewBatch(4)
	for _, event := range []string{
		`{"a":0.1,"o":{"x":1e39},"n":"12","s":"a\"b","b":true,"v":[1,2,3],"r":[5,6]}`,
		`{"a":-1,"b":false}`,
		`{"a":2,"o":{"x":3},"n":9007199254740993,"s":"none","b":true,"v":[1,null,3],"r":[]}`,
	} {
		if r := b.DecodeJSON([]byte(event)); r != nil {
			t.Fatal(r)
		}
	}
	features := plan.Features()
	for row, want := range []string{
		`a=0.1[0.10000000149011612] o.x=+Inf[+Inf] n=12[12] s=a"b b=true[1] v=[1 2 3] r.length=2[2]`,
		`a=-1[-1] o.x=missing n=missing s=missing b=false[0] v=missing r.length=missing`,
		`a=2[2] o.x=3[3] n=9007199254740993[9.007199254740992e+15] s=none b=true[1] v=missing r.length=0[0]`,
	} {
		if got := featureText(b, features, row); got != want {
			t.Errorf("row %d: %s\nwant   %s", row, got, want)
		}
	}
	v := features[slices.IndexFunc(features, func(f Feature) bool { return f.Name == "v" })]
	if got, want := featureText(b, v.Elements(), 0), "v[0]=1[1] v[1]=2[2] v[2]=3[3]"; got != want {
		t.Errorf("elements %s, want %s", got, want)
	}
	if got := b.AppendNumbers(nil, &features[1], []int{0, 1, 2}); len(got) != 2 || got[1] != 3 {
		t.Errorf("a column with a missing value is %v", got)
	}
}

// TestWatchedFields: they reject nothing and are no part of the prediction.
func TestWatchedFields(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("x", Float32)},
		CompileOptions{Watch: []Watched{{From: "o.w"}, {From: "x"}}, EventTime: "t"}, []string{"p"}, input("x", Column{From: "x"}))
	b := plan.NewBatch(16)
	for _, c := range []struct{ event, number, text string }{
		{`{"x":1}`, "0 1", " 1"},
		{`{"x":1,"o":{"w":null}}`, "0 1", " 1"},
		{`{"x":1,"o":{"w":2.50}}`, "2.5 0", "2.50 0"},
		{`{"x":1,"o":{"w":-1e400}}`, "0 2", "-1e400 0"},
		{`{"x":1,"o":{"w":true}}`, "1 0", "true 0"},
		{`{"x":1,"o":{"w":"a\u0041"}}`, "0 2", "aA 0"},
		{`{"x":1,"o":{"w":[1]}}`, "0 2", " 2"},
		{`{"x":1,"o":7}`, "0 1", " 1"},
	} {
		if r := b.DecodeJSON([]byte(c.event)); r != nil {
			t.Fatal(r)
		}
		row := b.Len() - 1
		v, has := b.WatchedNumber(0, row)
		if got := fmt.Sprint(v, has); got != c.number {
			t.Errorf("%s: number %s, want %s", c.event, got, c.number)
		}
		text, has := b.WatchedText(0, row)
		if got := fmt.Sprintf("%s %d", text, has); got != c.text {
			t.Errorf("%s: text %q, want %q", c.event, got, c.text)
		}
		if v, has := b.WatchedNumber(1, row); v != 1 || has != Present {
			t.Errorf("%s: x is %v, %d", c.event, v, has)
		}
		if b.HasPass(row) || string(b.AppendPass(nil, row)) != "{}" {
			t.Errorf("%s: what is watched is passed on", c.event)
		}
	}
	// In a CSV file text that reads as a number is one.
	columns := plan.BindColumns([]string{"x", "o.w"})
	cell := func(text string) Cell { return Cell{Kind: CellText, Bytes: []byte(text)} }
	if r := b.DecodeCells(columns, []Cell{cell("1"), cell("2.5")}); r != nil {
		t.Fatal(r)
	}
	if v, has := b.WatchedNumber(0, b.Len()-1); v != 2.5 || has != Present {
		t.Errorf("the cell is %v, %d", v, has)
	}
}

// TestRejectedTime: an event that is turned away for a type still has its time.
func TestRejectedTime(t *testing.T) {
	plan := compiled(t, []TensorInfo{declared("x", Float32)}, CompileOptions{EventTime: "t"}, nil, input("x", Column{From: "x"}))
	b := plan.NewBatch(2)
	if r := b.DecodeJSON([]byte(`{"x":"no","t":12}`)); r == nil {
		t.Fatal("it was taken")
	}
	if at, ok := b.RejectedTime(); !ok || at != 12e9 {
		t.Errorf("its time is %d, %t", at, ok)
	}
	if r := b.DecodeJSON([]byte(`{"x":"no"}`)); r == nil {
		t.Fatal("it was taken")
	}
	if _, ok := b.RejectedTime(); ok {
		t.Error("an event without a time has the one before's")
	}
}
