package inference

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"
)

// literal makes a substitute for an input's type of a literal from the config. When
// it does not fit, it says why.
func literal(in *plannedInput, lit *Literal) (f substitute, why string) {
	typ := in.info.Type
	switch {
	case typ == String:
		if lit.Kind != TextLiteral {
			return f, fmt.Sprintf("%s is no text; write %q", lit.Text, lit.Text)
		}
		f.text = TextRef{Start: uint32(len(in.texts)), Length: uint32(len(lit.Text))}
		in.texts = append(in.texts, lit.Text...)
		return f, ""
	case lit.Kind == BoolLiteral:
		if lit.Text == "true" {
			return in.one(), ""
		}
		return f, ""
	case typ == Bool:
		return f, fmt.Sprintf("%s is neither true nor false", lit.Text)
	case typ.Float():
		return floatLiteral(typ, lit.Text)
	}
	return integerLiteral(typ, lit.Text)
}

// floatLiteral reads a number, or NaN or an infinity as YAML writes them.
func floatLiteral(typ ElementType, text string) (f substitute, why string) {
	word := strings.Replace(strings.ToLower(text), ".", "", 1)
	v, err := strconv.ParseFloat(text, 64)
	switch strings.TrimLeft(word, "+-") {
	case "nan":
		v = math.NaN()
	case "inf":
		v = math.Inf(1)
		if word[0] == '-' {
			v = math.Inf(-1)
		}
	default:
		if magnitude, negative, ok := writtenInteger(text); ok {
			if v, err = float64(magnitude), nil; negative {
				v = -v
			}
		}
		if err != nil && !math.IsInf(v, 0) {
			return f, text + " is no number"
		}
		if beyond(typ, v) {
			return f, fmt.Sprintf("%s is out of range", text)
		}
	}
	writeNumber(typ, unsafe.Pointer(&f.bits), v)
	return f, ""
}

// beyond tells whether v becomes infinite as a typ: right for a value that an
// event brings, surely a mistake in a config.
func beyond(typ ElementType, v float64) bool {
	switch typ {
	case Float16:
		return half(v)&0x7fff == 0x7c00
	case Float32:
		return math.IsInf(float64(float32(v)), 0)
	}
	return math.IsInf(v, 0)
}

func integerLiteral(typ ElementType, text string) (f substitute, why string) {
	magnitude, negative, ok := writtenInteger(text)
	if !ok {
		d, end, valid := scanDecimal([]byte(text), 0)
		if !valid || end != len(text) {
			return f, text + " is no integer"
		}
		var whole, fits bool
		if magnitude, whole, fits = d.integer(); !whole {
			return f, text + " is no integer"
		} else if !fits {
			return f, text + " is out of range"
		}
		negative = d.negative
	}
	if !writeInteger(typ, unsafe.Pointer(&f.bits), negative, magnitude) {
		return f, text + " is out of range"
	}
	return f, ""
}

// writtenInteger reads an integer as YAML 1.2 writes it: 12, +12, 0x1f, 0o17.
func writtenInteger(text string) (magnitude uint64, negative, ok bool) {
	digits := text
	if digits != "" && (digits[0] == '+' || digits[0] == '-') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "0o"):
		base, digits = 8, digits[2:]
	}
	magnitude, err := strconv.ParseUint(digits, base, 64)
	return magnitude, negative, err == nil
}
