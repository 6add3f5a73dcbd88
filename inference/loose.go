package inference

import (
	"bytes"
	"math"
	"strings"
	"unsafe"
)

// LooseNumber reads a number as a CSV cell for a float input is read: white
// space around it does not count, a plus sign, inf and infinity are taken, and
// a blank cell or nan is missing. It gives ok false for what is no number and
// for one that float64 cannot hold. Unlike there, true and false are no numbers.
func LooseNumber(text []byte) (v float64, missing, ok bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, true, true
	}
	if d, ok := looseDecimal(text); ok {
		v = d.float(text)
		return v, false, !math.IsInf(v, 0)
	}
	switch bare := unsigned(unsafe.String(unsafe.SliceData(text), len(text))); {
	case strings.EqualFold(bare, "nan"):
		return 0, true, true
	case strings.EqualFold(bare, "inf"), strings.EqualFold(bare, "infinity"):
		if text[0] == '-' {
			return math.Inf(-1), false, true
		}
		return math.Inf(1), false, true
	}
	return 0, false, false
}
