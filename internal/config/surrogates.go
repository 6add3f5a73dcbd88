package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf16"
)

var (
	surrogatePair = regexp.MustCompile(`^\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})`)
	loneSurrogate = regexp.MustCompile(`^\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
)

// joinSurrogates rewrites what JSON has and YAML has not: a character beyond 16
// bits as two escapes, \ud83d\ude00, as Python's json.dumps writes it. YAML's
// \U0001F600 is two bytes shorter, so two blanks follow the text's quote: every
// value stays in its column. Half a pair becomes U+FFFD, as in events. What is
// no JSON is left as it is.
func joinSurrogates(text []byte) []byte {
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) || !bytes.Contains(text, []byte(`\u`)) || !json.Valid(text) {
		return text
	}
	joined := make([]byte, 0, len(text))
	blanks := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if pair := surrogatePair.FindSubmatch(text[i:]); pair != nil {
				joined = fmt.Appendf(joined, `\U%08X`, utf16.DecodeRune(codeUnit(pair[1]), codeUnit(pair[2])))
				blanks += 2
				i += len(pair[0]) - 1
				continue
			}
			if lone := loneSurrogate.Find(text[i:]); lone != nil {
				joined = append(joined, `\uFFFD`...)
				i += len(lone) - 1
				continue
			}
			joined = append(joined, text[i], text[i+1]) // a valid text has more after a backslash
			i++
		case '"':
			// The quote that opens a text has no blanks to add.
			joined = append(append(joined, '"'), bytes.Repeat([]byte(" "), blanks)...)
			blanks = 0
		default:
			joined = append(joined, text[i])
		}
	}
	return joined
}

// codeUnit reads four hex digits.
func codeUnit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 16) // the pattern took nothing else
	return rune(n)
}
