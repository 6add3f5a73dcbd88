package inference

import (
	"strings"
	"testing"
)

// TestABlankCellIsMissingToNumbersOnly maps one column to a number, its mask
// and a string.
func TestABlankCellIsMissingToNumbersOnly(t *testing.T) {
	infos := []TensorInfo{declared("n", Float64), declared("m", Bool), declared("s", String)}
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}} { // either may come first
		var ordered []TensorInfo
		for _, i := range order {
			ordered = append(ordered, infos[i])
		}
		plan := compiled(t, ordered, CompileOptions{}, nil, input("n", Column{From: "x", Missing: fillWith("5")}), Input{Name: "m", MaskOf: "n"}, input("s", Column{From: "x", Missing: fill(text("none"))}))
		b, columns := plan.NewBatch(4), plan.BindColumns([]string{"x"})
		for _, cell := range []string{" ", "NaN", "7", ""} {
			if r := b.DecodeCells(columns, []Cell{csvCell(cell)}); r != nil {
				t.Fatalf("%q: %v", cell, r)
			}
		}
		got := map[string]string{}
		for i, tensor := range b.Tensors(0, 4, 4) {
			got[ordered[i].Name] = strings.Join(tensorBits(tensor), " ")
		}
		five, seven := oracleBits(Float64, 5.0), oracleBits(Float64, 7.0)
		if want := strings.Join([]string{five, five, seven, five}, " "); got["n"] != want {
			t.Errorf("numbers %s, want %s", got["n"], want)
		}
		if got["m"] != "0 0 1 0" || got["s"] != `" " "NaN" "7" "none"` {
			t.Errorf("mask %s, strings %s", got["m"], got["s"])
		}
		for row, want := range []string{`"missing:x"`, `"missing:x"`, "", `"missing:x"`} {
			if flags := string(b.AppendFlags(nil, row)); flags != want {
				t.Errorf("row %d: flags %s, want %s", row, flags, want)
			}
		}
	}
}

// TestReasonsShowCellsOnOneLine has cells that would break the header of a dead
// letter, and some that are cut within a character.
func TestReasonsShowCellsOnOneLine(t *testing.T) {
	for _, typ := range []ElementType{Float32, Int64, Bool} {
		plan := compiled(t, []TensorInfo{declared("x", typ)}, CompileOptions{}, nil, input("x", Column{From: "x"}))
		b, columns := plan.NewBatch(1), plan.BindColumns([]string{"x"})
		for cell, want := range map[string]string{
			"1\n2":                         `"1\n2" is n`,
			"a\r\nb\x1b[31m":               `"a\r\nb\x1b[31m" is n`,
			"a\u2028b\x00":                 `"a\u2028b\x00" is n`,
			strings.Repeat("x", 32):        `"` + strings.Repeat("x", 32) + `" is n`,
			strings.Repeat("x", 33):        `"` + strings.Repeat("x", 32) + `"… is n`,
			strings.Repeat("é", 40) + "x":  `"` + strings.Repeat("é", 16) + `"… is n`,
			"x" + strings.Repeat("é", 40):  `"x` + strings.Repeat("é", 15) + `"… is n`,
			"xx" + strings.Repeat("漢", 40): `"xx` + strings.Repeat("漢", 10) + `"… is n`,
		} {
			r := b.DecodeCells(columns, []Cell{csvCell(cell)})
			if r == nil || !strings.HasPrefix(r.Reason, want) {
				t.Errorf("%s: %q: %v, want %s…", typ, cell, r, want)
			}
		}
	}
}
