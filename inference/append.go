package inference

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// How a byte stands in a JSON string.
const (
	asIs      = iota
	escaped   // a control character, quote or backslash
	multibyte // part of a sequence that must be checked
)

var textBytes = func() (kinds [256]uint8) {
	for c := range kinds {
		switch {
		case c < ' ', c == '"', c == '\\':
			kinds[c] = escaped
		case c >= utf8.RuneSelf:
			kinds[c] = multibyte
		}
	}
	return kinds
}()

const hexDigits = "0123456789abcdef"

// appendText appends text as a JSON string. Only what JSON demands is escaped;
// a byte that is not UTF-8 becomes U+FFFD, so that the record always is.
func appendText(dst, text []byte) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, text)
	return append(dst, '"')
}

// appendEscaped appends what stands between the quotes.
func appendEscaped(dst, text []byte) []byte {
	done := 0
	for i := 0; i < len(text); {
		c := text[i]
		switch textBytes[c] {
		case asIs:
			i++
			continue
		case multibyte:
			r, size := utf8.DecodeRune(text[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, text[done:i]...), "\uFFFD"...)
		default:
			dst = appendEscape(append(dst, text[done:i]...), c)
		}
		i++
		done = i
	}
	return append(dst, text[done:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// escapeFrom escapes what was appended to dst from start on. Nearly always
// there is nothing to escape, and nothing is copied; else the escaped text is
// made behind the plain one and moved over it.
func escapeFrom(dst []byte, start int) []byte {
	for _, c := range dst[start:] {
		if textBytes[c] != asIs {
			end := len(dst)
			dst = appendEscaped(dst, dst[start:end])
			return dst[:start+copy(dst[start:], dst[end:])]
		}
	}
	return dst
}

// appendFloat32 appends the shortest text that reads back as the same float32,
// in the number format of encoding/json; null and false for what JSON cannot
// say.
func appendFloat32(dst []byte, v float32) ([]byte, bool) {
	if v-v != 0 { // NaN for infinities and NaN
		return append(dst, "null"...), false
	}
	if abs := math.Abs(float64(v)); abs != 0 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
		return appendExponent(dst, float64(v), 32), true
	}
	return strconv.AppendFloat(dst, float64(v), 'f', -1, 32), true
}

// appendFloat64 is appendFloat32 for float64.
func appendFloat64(dst []byte, v float64) ([]byte, bool) {
	if v-v != 0 {
		return append(dst, "null"...), false
	}
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return appendExponent(dst, v, 64), true
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64), true
}

// appendExponent writes e-7 where strconv writes e-07.
func appendExponent(dst []byte, v float64, bits int) []byte {
	dst = strconv.AppendFloat(dst, v, 'e', -1, bits)
	if n := len(dst); dst[n-2] == '0' && dst[n-3] == '-' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
