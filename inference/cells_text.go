package inference

import (
	"bytes"
	"math"
	"strings"
	"unsafe"
)

// looseText decodes a CSV cell to element i of s as what the input wants. White
// space around a number or a bool is ignored; nothing else is a missing value.
func looseText(text []byte, s *store, i int) (missing bool, why string) {
	if s.typ == String {
		plainText(text, s, i)
		return false, ""
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return true, ""
	}
	switch word := unsafe.String(unsafe.SliceData(text), len(text)); {
	case strings.EqualFold(word, "true"):
		return false, storeBool(s, i, true)
	case strings.EqualFold(word, "false"):
		return false, storeBool(s, i, false)
	case s.typ == Bool:
		if word != "0" && word != "1" {
			return false, excerpt(text) + " is neither true nor false"
		}
		return false, storeBool(s, i, word == "1")
	case s.typ.Float():
		if f, ok := floatWord(word); ok {
			writeNumber(s.typ, s.at(i), f)
			return false, ""
		}
	}
	d, ok := looseDecimal(text)
	if !ok {
		return false, excerpt(text) + " is no number"
	}
	return false, storeDecimal(s, i, &d, text)
}

// floatWord reads nan, inf and infinity, the latter with a sign if need be.
func floatWord(word string) (f float64, ok bool) {
	bare := strings.TrimPrefix(word, "+")
	sign := 1
	if bare == word && strings.HasPrefix(word, "-") {
		bare, sign = word[1:], -1
	}
	switch {
	case strings.EqualFold(bare, "nan"):
		return math.NaN(), true
	case strings.EqualFold(bare, "inf"), strings.EqualFold(bare, "infinity"):
		return math.Inf(sign), true
	}
	return 0, false
}

// looseDecimal reads a number as files write it: unlike JSON's, with a plus
// sign, leading zeros, and a decimal point at either end.
func looseDecimal(text []byte) (d decimal, ok bool) {
	p := 0
	if text[0] == '+' || text[0] == '-' {
		d.negative = text[0] == '-'
		p++
	}
	from := p
	p = d.digits(text, p, 0)
	digits := p - from
	if p < len(text) && text[p] == '.' {
		from = p + 1
		p = d.digits(text, from, -1)
		digits += p - from
	}
	if p < len(text) && text[p]|0x20 == 'e' {
		p = d.power(text, p+1)
	}
	return d, digits > 0 && p == len(text)
}

// coerced reads a string as a strict JSON number to element i of s.
func coerced(content []byte, s *store, i int) (why string) {
	d, end, ok := scanDecimal(content, 0)
	if !ok || end != len(content) {
		return "a string that is no number"
	}
	return storeDecimal(s, i, &d, content)
}

// plainText copies text to element i of s.
func plainText(text []byte, s *store, i int) {
	from := len(s.text)
	s.text = append(s.text, text...)
	s.addText(i, from)
}
