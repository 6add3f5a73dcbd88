package inference

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// looseText decodes a CSV cell to element i of s as what the input wants: a
// string as it is, for anything else a number (see looseDecimal), true or false
// in any case, for floats also inf and infinity, with white space around it. A
// blank cell and nan are missing then, since that is how pandas and numpy write
// a missing number: the policy decides, and the flag tells. Other words for it,
// such as NA and null, are not guessed at.
func looseText(text []byte, s *store, i int) (missing bool, why string) {
	if s.typ == String {
		plainText(text, s, i)
		return false, ""
	}
	text = bytes.TrimSpace(text)
	switch word := unsafe.String(unsafe.SliceData(text), len(text)); {
	case word == "", strings.EqualFold(unsigned(word), "nan"):
		return true, ""
	case strings.EqualFold(word, "true"):
		return false, storeBool(s, i, true)
	case strings.EqualFold(word, "false"):
		return false, storeBool(s, i, false)
	case s.typ == Bool:
		if word != "0" && word != "1" {
			return false, quoted(text) + " is neither true nor false"
		}
		return false, storeBool(s, i, word == "1")
	case s.typ.Float():
		if bare := unsigned(word); strings.EqualFold(bare, "inf") || strings.EqualFold(bare, "infinity") {
			sign := 1
			if word[0] == '-' {
				sign = -1
			}
			writeNumber(s.typ, s.at(i), math.Inf(sign))
			return false, ""
		}
	}
	d, ok := looseDecimal(text)
	if !ok {
		return false, quoted(text) + " is no number"
	}
	return false, storeDecimal(s, i, &d, text)
}

// unsigned is a word without its sign.
func unsigned(word string) string {
	if word != "" && (word[0] == '+' || word[0] == '-') {
		return word[1:]
	}
	return word
}

// quoted is the beginning of a cell for a message, on one line whatever it
// holds.
func quoted(text []byte) string {
	if len(text) <= excerptBytes {
		return strconv.Quote(string(text))
	}
	end := excerptBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strconv.Quote(string(text[:end])) + "…"
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
