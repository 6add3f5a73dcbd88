package inference

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deeply an event may nest, and so how long a path that
// can ever match may be.
const maxDepth = 128

// step is one step of a path: into an object by key, or into an array by
// index, where key is empty.
type step struct {
	key   string
	index int // -1 for a key
}

// path leads from the event to one of its fields: customer.age,
// items[0].price, ['a.b'].c.
type path []step

// pathError says what is wrong with a path and where.
type pathError struct {
	text   string
	at     int // byte offset within text
	reason string
}

func (e *pathError) Error() string {
	return fmt.Sprintf("path %q: %s at character %d", e.text, e.reason, utf8.RuneCountInString(e.text[:e.at])+1)
}

// parsePath reads a path. The error is a *pathError.
func parsePath(text string) (path, error) {
	fail := func(at int, reason string) (path, error) { return nil, &pathError{text, at, reason} }
	if !utf8.ValidString(text) {
		return fail(0, "not valid UTF-8")
	}
	var steps path
	for at := 0; at < len(text) || at == 0; {
		var s step
		var next int
		var reason string
		switch {
		case at < len(text) && text[at] == '[':
			s, next, reason = parseBracket(text, at)
			if reason == "" && at == 0 && s.index >= 0 {
				return fail(0, "a key is wanted (an event is an object, not an array)")
			}
		case at == 0:
			s, next, reason = parseKey(text, 0)
		case text[at] == '.':
			s, next, reason = parseKey(text, at+1)
		default:
			return fail(at, `"." or "[" is wanted`)
		}
		if reason != "" {
			return fail(next, reason)
		}
		if steps = append(steps, s); len(steps) > maxDepth {
			return fail(at, "more than 128 steps")
		}
		at = next
	}
	return steps, nil
}

// parseKey reads a bare key. On error next is where it is.
func parseKey(text string, at int) (s step, next int, reason string) {
	next = at
	for next < len(text) && text[next] != '.' && text[next] != '[' {
		if text[next] == ']' {
			return s, next, `"]" without "["`
		}
		next++
	}
	if next == at {
		return s, next, "a key is wanted"
	}
	return step{key: text[at:next], index: -1}, next, ""
}

// parseBracket reads [0], ['a.b'] or ["a.b"], where a backslash takes the next
// character as it is.
func parseBracket(text string, at int) (s step, next int, reason string) {
	i := at + 1
	if i < len(text) && (text[i] == '\'' || text[i] == '"') {
		quote := text[i]
		var key strings.Builder
		for i++; i < len(text) && text[i] != quote; i++ {
			if text[i] == '\\' && i+1 < len(text) {
				i++
			}
			key.WriteByte(text[i])
		}
		if i == len(text) {
			return s, at + 1, "a quote that is not closed"
		}
		s, i = step{key: key.String(), index: -1}, i+1
	} else {
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		index, err := strconv.ParseInt(text[at+1:i], 10, 32)
		if err != nil {
			return s, at + 1, "an index counted from 0 or a quoted key is wanted"
		}
		s = step{index: int(index)}
	}
	if i == len(text) || text[i] != ']' {
		return s, i, `"]" is wanted`
	}
	return s, i + 1, ""
}

// String writes the path in its one canonical form, which parsePath reads back.
func (p path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.index >= 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.key == "" || strings.ContainsAny(s.key, ".[]"):
			b.WriteString("['")
			b.WriteString(strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s.key))
			b.WriteString("']")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

// within tells whether an example that has the field s has p too: s lies at or
// below p, or is an array that p leads into, whose elements are not told apart.
func (p path) within(s path) bool {
	return s.under(p) || p.under(s) && p[len(s)].index >= 0
}

// under tells whether p is q or lies below it.
func (p path) under(q path) bool {
	if len(p) < len(q) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}
