package inference

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The scanner accepts what encoding/json accepts, less invalid UTF-8 and
// nesting beyond maxDepth. Its functions take the position of a first byte and
// give the position after the last one, or -1 with the fault set.

// fault is where and why a document is not one well-formed event.
type fault struct {
	offset int
	reason string
}

func (f *fault) at(offset int, reason string) int {
	f.offset, f.reason = offset, reason
	return -1
}

// unexpected is the fault of the byte at p, where something else was wanted.
func (f *fault) unexpected(data []byte, p int, wanted string) int {
	if p >= len(data) {
		return f.at(len(data), "the event ends where "+wanted+" is wanted")
	}
	return f.at(p, wanted+" is wanted")
}

func skipSpace(data []byte, p int) int {
	for p < len(data) && (data[p] == ' ' || data[p] == '\n' || data[p] == '\t' || data[p] == '\r') {
		p++
	}
	return p
}

// stringStops marks, in a word of text, the bytes that a string's plain run
// ends at: a quote, a backslash, a control character, anything beyond ASCII.
// Only the lowest mark is sure: a subtraction may borrow from the bytes above.
func stringStops(w uint64) uint64 {
	const quotes, backslashes, spaces = lanes01 * '"', lanes01 * '\\', lanes01 * ' '
	return ((w ^ quotes - lanes01) | (w ^ backslashes - lanes01) | (w - spaces) | w) & lanes80
}

// skipString passes a string whose opening quote is before p, checking it.
func skipString(data []byte, p int, f *fault) int {
	for {
		for len(data)-p >= 8 {
			stops := stringStops(binary.LittleEndian.Uint64(data[p:]))
			if stops == 0 {
				p += 8
				continue
			}
			p += bits.TrailingZeros64(stops) >> 3
			break
		}
		// At a stop, or within the last bytes of the event.
		for p < len(data) && data[p] >= ' ' && data[p] < utf8.RuneSelf && data[p] != '"' && data[p] != '\\' {
			p++
		}
		switch {
		case p < len(data) && data[p] == '"':
			return p + 1
		case p < len(data) && data[p] == '\\':
			p = skipEscape(data, p, f)
		default:
			p = skipRunes(data, p, f)
		}
		if p < 0 {
			return -1
		}
	}
}

// skipEscape passes the escape sequence at p.
func skipEscape(data []byte, p int, f *fault) int {
	if p+1 == len(data) {
		return f.unexpected(data, p+1, "the rest of an escape sequence")
	}
	switch data[p+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 2
	case 'u':
		for i := p + 2; i < p+6; i++ {
			if i >= len(data) || hexValue(data[i]) < 0 {
				return f.unexpected(data, i, "a hexadecimal digit")
			}
		}
		return p + 6
	}
	return f.at(p+1, "unknown escape sequence in a string")
}

// skipRunes passes the characters beyond ASCII at p, of which there is at least
// one in a valid string.
func skipRunes(data []byte, p int, f *fault) int {
	if p >= len(data) {
		return f.unexpected(data, p, "the closing quote of a string")
	}
	if data[p] < ' ' {
		return f.at(p, "control character in a string")
	}
	for p < len(data) && data[p] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(data[p:])
		if r == utf8.RuneError && size == 1 {
			return f.at(p, "invalid UTF-8")
		}
		p += size
	}
	return p
}

func hexValue(c byte) rune {
	switch {
	case c-'0' <= 9:
		return rune(c - '0')
	case c|0x20-'a' <= 5:
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// skipLiteral passes true, false or null.
func skipLiteral(data []byte, p int, f *fault) int {
	word := "null"
	switch data[p] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if len(data)-p >= len(word) && string(data[p:p+len(word)]) == word {
		return p + len(word)
	}
	for i := 0; i < len(word) && p < len(data) && data[p] == word[i]; i++ {
		p++
	}
	return f.unexpected(data, p, `the rest of "`+word+`"`)
}

// skipScalar passes a value that is no object and no array.
func skipScalar(data []byte, p int, f *fault) int {
	if p >= len(data) {
		return f.unexpected(data, p, "a value")
	}
	switch c := data[p]; {
	case c == '"':
		return skipString(data, p+1, f)
	case c == '-' || c-'0' <= 9:
		if _, end := shortNumber(data, p); end >= 0 {
			return end
		}
		_, end, ok := scanDecimal(data, p)
		if !ok {
			return f.number(data, end)
		}
		return end
	case c == 't' || c == 'f' || c == 'n':
		return skipLiteral(data, p, f)
	}
	return f.at(p, "a value is wanted")
}

// number is the fault of a number that breaks off at p.
func (f *fault) number(data []byte, p int) int {
	if p < len(data) && data[p]-'0' <= 9 {
		return f.at(p, "a number with a leading 0")
	}
	return f.unexpected(data, p, "a digit")
}

// skipValue passes any value, which stands within depth containers.
func skipValue(data []byte, p, depth int, f *fault) int {
	if p < len(data) && (data[p] == '{' || data[p] == '[') {
		return skipContainer(data, p, depth, f)
	}
	return skipScalar(data, p, f)
}

// skipContainer passes the object or array at p. It keeps one bit a level
// instead of recursing.
//
//revive:disable-next-line:cognitive-complexity the states of a scanner belong together
func skipContainer(data []byte, p, depth int, f *fault) int {
	var objects [maxDepth/64 + 1]uint64 // bit set: the level is an object
	level := depth
	for {
		// p is at a value.
		if p < len(data) && (data[p] == '{' || data[p] == '[') {
			if level++; level > maxDepth {
				return f.at(p, "nested deeper than 128 levels")
			}
			isObject := data[p] == '{'
			objects[level>>6] &^= 1 << (level & 63)
			if p = skipSpace(data, p+1); isObject {
				objects[level>>6] |= 1 << (level & 63)
			}
			if p >= len(data) || data[p] != '}' && data[p] != ']' {
				if isObject {
					p = skipKey(data, p, f)
				}
				if p < 0 {
					return -1
				}
				continue
			}
		} else if p = skipScalar(data, p, f); p < 0 {
			return -1
		}
		if p, level = skipClosers(data, p, level, depth, &objects, f); p < 0 || level == depth {
			return p
		}
	}
}

// skipClosers passes what follows a value: the ends of its containers, and then
// the comma and the key before the next value. Level is depth after the end of
// the outermost.
func skipClosers(data []byte, p, level, depth int, objects *[maxDepth/64 + 1]uint64, f *fault) (int, int) {
	for level > depth {
		p = skipSpace(data, p)
		isObject := objects[level>>6]>>(level&63)&1 == 1
		switch {
		case p >= len(data):
			return f.unexpected(data, p, `"," or the end of an array or object`), level
		case data[p] == ',':
			if p = skipSpace(data, p+1); isObject {
				p = skipKey(data, p, f)
			}
			return p, level
		case isObject && data[p] == '}', !isObject && data[p] == ']':
			p++
			level--
		case isObject:
			return f.at(p, `"," or "}" is wanted`), level
		default:
			return f.at(p, `"," or "]" is wanted`), level
		}
	}
	return p, level
}

// skipKey passes a key, its colon and the white space up to the value.
func skipKey(data []byte, p int, f *fault) int {
	if p >= len(data) || data[p] != '"' {
		return f.unexpected(data, p, "a key in double quotes")
	}
	if p = skipString(data, p+1, f); p < 0 {
		return -1
	}
	if p = skipSpace(data, p); p >= len(data) || data[p] != ':' {
		return f.unexpected(data, p, `":"`)
	}
	return skipSpace(data, p+1)
}
