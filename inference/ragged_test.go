package inference

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock/penstock"
)

// tokens is an event with n tokens and what scoring models of this test take.
func tokens(n int) string {
	return fmt.Sprintf(`{"input":[%d,0],"ids":[%s1]}`, n, strings.Repeat("1,", n-1))
}

// tokensPlan has tokens and their mask, 16 bytes an element, beside a matrix.
func tokensPlan(t *testing.T) *Plan {
	return compiled(t, []TensorInfo{declared("input", Float32, 2), declared("ids", Int64, Dynamic), declared("mask", Int64, Dynamic)}, CompileOptions{}, nil,
		padded(input("ids", Column{From: "ids"}), number("0")), Input{Name: "mask", MaskOf: "ids"})
}

// laidOut is what the inputs of open length take in a run.
func laidOut(b *Batch, lo, hi, rows int) (bytes int) {
	for _, tensor := range b.Tensors(lo, hi, rows)[1:] {
		bytes += len(tensor.Data)
	}
	return bytes
}

// TestALongEventEndsItsRun has events of 1 MiB among short ones, which would
// make 4 GiB of one run of them all.
func TestALongEventEndsItsRun(t *testing.T) {
	const long = 1 << 19 // tokens, of 16 bytes: a run takes 8 such rows
	var runs []int
	m := linear()
	fill := m.fill
	m.fill = func(x, y []float32, out []*Tensor) {
		if x[0] != 0 { // not the warm-up row
			runs = append(runs, len(x))
		}
		fill(x, y, out)
	}
	plan := tokensPlan(t)
	b := plan.NewBatch(256)
	for i := range 256 {
		if i == 20 || i == 22 {
			decodeAll(t, b, tokens(long))
		} else {
			decodeAll(t, b, tokens(1+i%3))
		}
	}
	scores, err := newTestScorer(t, m, plan, Output{}).Score(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(runs); got != "[20 8 228]" {
		t.Errorf("runs of %s rows, want [20 8 228]", got)
	}
	lo := 0
	for _, rows := range runs {
		if bytes := laidOut(b, lo, lo+rows, rows); bytes > maxLaidOut {
			t.Errorf("the run of rows %d to %d takes %d MiB", lo, lo+rows-1, bytes>>20)
		}
		lo += rows
	}
	for row := range 256 {
		want := fmt.Sprintf(`,"score":%d`, 2*(1+row%3))
		if row == 20 || row == 22 {
			want = fmt.Sprintf(`,"score":%d`, 2*long)
		}
		if got := string(scores.appendPrediction(nil, row)); got != want {
			t.Errorf("row %d: %s, want %s", row, got, want)
		}
	}
}

// TestLongEventsFillABatch decodes long events until the batch is full.
func TestLongEventsFillABatch(t *testing.T) {
	b := tokensPlan(t).NewBatch(256)
	event := []byte(tokens(3 << 18)) // 12 MiB
	for !b.Full() {
		if r := b.DecodeJSON(event); r != nil {
			t.Fatal(r)
		}
	}
	if b.Len() != 6 { // 60 MiB are not full
		t.Errorf("full after %d rows", b.Len())
	}
	b.Tensors(0, 5, 5)
	kept := func() (bytes int) {
		for _, s := range b.lists {
			bytes += len(s.elements.words)*8 + cap(s.laid.Data)
		}
		return bytes
	}
	if kept() <= maxLaidOut {
		t.Fatal("the test tests nothing")
	}
	b.Reset()
	if b.Full() || kept() != 0 {
		t.Errorf("after Reset: full %v, %d MiB kept", b.Full(), kept()>>20)
	}
	decodeAll(t, b, tokens(3), tokens(1))
	if got, want := rowsText(b.Tensors(0, 2, 2)[1:]), "[2 3] [1 1 1 1 0 0] [2 3] [1 1 1 1 0 0]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	small := kept()
	if b.Reset(); small == 0 || kept() != small {
		t.Errorf("Reset keeps %d of %d bytes of a small batch", kept(), small)
	}
}

// TestAnEventIsTooLong has a fixed batch size, whose rows all take as much as
// the longest, and a mask, which takes eight times as much as its source.
func TestAnEventIsTooLong(t *testing.T) {
	const rows = 1 << 16
	infos := []TensorInfo{{Name: "x", Type: Int8, Shape: []int64{rows}}, {Name: "r", Type: Int8, Shape: []int64{rows, Dynamic}}, {Name: "m", Type: Int64, Shape: []int64{rows, Dynamic}}}
	plan := compiled(t, infos, CompileOptions{}, nil, input("x", Column{From: "x", Missing: fillWith("0")}), padded(input("r", Column{From: "r"}), number("0")), Input{Name: "m", MaskOf: "r"})
	b := plan.NewBatch(2)
	event := func(n int) []byte { return []byte(`{"r":[` + strings.Repeat("1,", n-1) + `1]}`) }
	if r := b.DecodeJSON(event(113)); r != nil { // 1024 bytes over 9
		t.Errorf("113 elements: %v", r)
	}
	r := b.DecodeJSON(event(114))
	if r == nil || r.Class != penstock.ClassTooLarge || r.Error() != "r: an array of more than 113 values (byte 5)" {
		t.Errorf("114 elements: %v", r)
	}
	if r = b.DecodeJSON(append(event(114), '}')); r == nil || r.Class != penstock.ClassDecode {
		t.Errorf("and malformed: %v", r)
	}
	if b.Len() != 1 {
		t.Errorf("%d rows", b.Len())
	}
	if bytes := laidOut(b, 0, 1, rows); bytes != 113*9*rows || bytes > maxLaidOut {
		t.Errorf("%d bytes", bytes)
	}
	if got := tokensPlan(t).NewBatch(256).longest; got != maxLaidOut/16 {
		t.Errorf("a row of two int64 may have %d elements", got)
	}
}

// TestTextIsNotCopiedForARun lays one row out of many.
func TestTextIsNotCopiedForARun(t *testing.T) {
	infos := []TensorInfo{{Name: "tags", Type: String, Shape: []int64{1, Dynamic}}}
	b := compiled(t, infos, CompileOptions{}, nil, padded(input("tags", Column{From: "tags"}), text("-"))).NewBatch(2)
	decodeAll(t, b, `{"tags":["a","b"]}`, `{"tags":["c"]}`)
	for row, want := range []string{`[1 2] ["a" "b"]`, `[1 1] ["c"]`} {
		tensors := b.Tensors(row, row+1, 1)
		if got := rowsText(tensors); got != want || &tensors[0].Text[0] != &b.stores[0].text[0] {
			t.Errorf("row %d: %s, want %s without a copy of the text", row, got, want)
		}
	}
}
