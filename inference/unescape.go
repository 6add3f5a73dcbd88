package inference

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped appends the text that a checked string's content stands for.
// Half of a surrogate pair alone becomes U+FFFD, as in encoding/json.
func appendUnescaped(dst, content []byte) []byte {
	for {
		plain := bytes.IndexByte(content, '\\')
		if plain < 0 {
			return append(dst, content...)
		}
		dst = append(dst, content[:plain]...)
		content = content[plain+1:]
		c := content[0]
		content = content[1:]
		switch c {
		case 'u':
			r := hexRune(content)
			content = content[4:]
			if utf16.IsSurrogate(r) {
				pair := utf8.RuneError
				if len(content) >= 6 && content[0] == '\\' && content[1] == 'u' {
					pair = utf16.DecodeRune(r, hexRune(content[2:]))
				}
				if r = pair; pair != utf8.RuneError {
					content = content[6:]
				}
			}
			dst = utf8.AppendRune(dst, r)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default: // a quote, a backslash or a slash
			dst = append(dst, c)
		}
	}
}

// hexRune reads four checked hexadecimal digits.
func hexRune(digits []byte) rune {
	return hexValue(digits[0])<<12 | hexValue(digits[1])<<8 | hexValue(digits[2])<<4 | hexValue(digits[3])
}
