package inference

import (
	"bytes"
	"fmt"
	"math"
)

// scalar decodes the value at p, which is not null, to element i of s. It gives
// -1 for a malformed value; why is not empty when the value does not fit.
func (b *Batch) scalar(data []byte, p int, s *store, t *target, i int) (end int, why string) {
	if p >= len(data) {
		return b.fault.unexpected(data, p, "a value"), ""
	}
	switch c := data[p]; {
	case c == '-' || c-'0' <= 9:
		if s.typ == Bool || s.typ == String {
			return p, "a number"
		}
		return b.number(data, p, s, i)
	case c == 't' || c == 'f':
		if end = skipLiteral(data, p, &b.fault); end < 0 {
			return -1, ""
		}
		return end, storeBool(s, i, c == 't')
	case c == '"':
		if end = skipString(data, p+1, &b.fault); end < 0 {
			return -1, ""
		}
		return end, b.text(data[p+1:end-1], s, t, i)
	case c == '{' || c == '[':
		return p, valueWords(c)
	}
	return b.fault.at(p, "a value is wanted"), ""
}

// number decodes the JSON number at p to element i of s.
func (b *Batch) number(data []byte, p int, s *store, i int) (end int, why string) {
	if f, end := shortNumber(data, p); end >= 0 {
		if s.typ.Float() {
			writeNumber(s.typ, s.at(i), f)
			return end, ""
		}
		// Seven digits at most, so f is an integer if and only if it says so.
		if n := int64(f); float64(n) == f && writeInteger(s.typ, s.at(i), n < 0, uint64(max(n, -n))) {
			return end, ""
		}
	}
	d, end, ok := scanDecimal(data, p)
	if !ok {
		return b.fault.number(data, end), ""
	}
	return end, storeDecimal(s, i, &d, data[p:end])
}

// storeDecimal writes a scanned number to element i of s, or says why not.
func storeDecimal(s *store, i int, d *decimal, text []byte) (why string) {
	if s.typ.Float() {
		f := d.float(text)
		if math.IsInf(f, 0) {
			return excerpt(text) + " is too large"
		}
		writeNumber(s.typ, s.at(i), f)
		return ""
	}
	magnitude, whole, fits := d.integer()
	switch {
	case !whole:
		return excerpt(text) + " is no integer"
	case !fits || !writeInteger(s.typ, s.at(i), d.negative, magnitude):
		return excerpt(text) + " is out of range"
	}
	return ""
}

// excerptBytes is how much of a value a message shows at most.
const excerptBytes = 32

// excerpt is the beginning of a number for a message.
func excerpt(text []byte) string {
	if len(text) > excerptBytes {
		return fmt.Sprintf("%s…", text[:excerptBytes])
	}
	return string(text)
}

// text decodes a checked string's content to element i of s, or says why not.
func (b *Batch) text(content []byte, s *store, t *target, i int) (why string) {
	if s.typ == String {
		from := len(s.text)
		s.text = appendUnescaped(s.text, content)
		s.addText(i, from)
		return ""
	}
	if !t.coerce || s.typ == Bool {
		return "a string"
	}
	if bytes.IndexByte(content, '\\') >= 0 {
		b.scratch = appendUnescaped(b.scratch[:0], content)
		content = b.scratch
	}
	return coerced(content, s, i)
}

// storeBool writes true or false to element i of s, or says why not.
func storeBool(s *store, i int, value bool) (why string) {
	if s.typ == String {
		return "a bool"
	}
	truth := 0.0
	if value {
		truth = 1
	}
	writeNumber(s.typ, s.at(i), truth)
	return ""
}
