package inference

import (
	"bytes"
	"math"
	"math/bits"
	"time"
)

// readTime reads the event's time from a checked JSON value. One that cannot be
// read leaves the row without a time, which AppendFlags says; it never rejects.
func (b *Batch) readTime(value []byte) {
	if value[0] == '"' {
		value = value[1 : len(value)-1]
		if bytes.IndexByte(value, '\\') >= 0 {
			b.scratch = appendUnescaped(b.scratch[:0], value)
			value = b.scratch
		}
	}
	b.readTimeText(value)
}

// readTimeText reads a time as RFC 3339 or as an epoch.
func (b *Batch) readTimeText(text []byte) {
	if nanos, ok := ReadTime(text); ok {
		b.times[b.row], b.timed[b.row] = nanos, true
	}
}

// ReadTime reads a time as an event's is read: RFC 3339, or seconds,
// milliseconds, microseconds or nanoseconds since 1970, told apart by their
// digits.
func ReadTime(text []byte) (unixNano int64, ok bool) {
	if len(text) > 4 && text[4] == '-' {
		return parseRFC3339(text)
	}
	return parseEpoch(text)
}

// parseEpoch reads a number of seconds, milliseconds, microseconds or
// nanoseconds since 1970, told apart by the digits before the decimal point: up
// to 11, 14, 17 and 19, so that each later unit reaches back to 1973. What lies
// beyond the year 2262, where nanoseconds exceed 64 bits, cannot be read. Digits
// below a nanosecond are cut.
func parseEpoch(text []byte) (nanos int64, ok bool) {
	d, end, ok := scanDecimal(text, 0)
	if !ok || end != len(text) {
		return 0, false
	}
	if d.mantissa == 0 {
		return 0, true
	}
	whole := d.exponent
	for m := d.mantissa; m > 0; m /= 10 {
		whole++
	}
	scale := d.exponent
	switch {
	case whole <= 11:
		scale += 9
	case whole <= 14:
		scale += 6
	case whole <= 17:
		scale += 3
	case whole > 19:
		return 0, false
	}
	n := d.mantissa
	for ; scale < 0 && n > 0; scale++ {
		n /= 10
	}
	for ; scale > 0; scale-- {
		high, low := bits.Mul64(n, 10)
		if high != 0 {
			return 0, false
		}
		n = low
	}
	if n > math.MaxInt64 {
		return 0, false
	}
	if d.negative {
		return -int64(n), true
	}
	return int64(n), true
}

// parseRFC3339 reads 2026-11-21T09:00:00.123456789+01:00. Like RFC 3339 it takes
// a lower case t and z, and a space for the T; digits below a nanosecond are
// cut. Leap seconds, which no Unix time has, cannot be read.
func parseRFC3339(text []byte) (nanos int64, ok bool) {
	const shape = "0000-00-00T00:00:00"
	if len(text) <= len(shape) {
		return 0, false
	}
	for i, c := range []byte(shape) {
		switch {
		case c == '0' && text[i]-'0' > 9, c != '0' && c != 'T' && text[i] != c,
			c == 'T' && text[i]|0x20 != 't' && text[i] != ' ':
			return 0, false
		}
	}
	two := func(i int) int { return int(text[i]-'0')*10 + int(text[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	fraction, rest := parseFraction(text[len(shape):])
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, false
	}
	date := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if date.Day() != day || int(date.Month()) != month {
		return 0, false
	}
	seconds := date.Unix() - offset
	const most = math.MaxInt64/1_000_000_000 - 1
	if seconds < -most || seconds > most {
		return 0, false
	}
	return seconds*1e9 + fraction, true
}

// parseFraction reads .123 as nanoseconds. Without a digit nothing is taken, so
// that the dot is refused as an offset.
func parseFraction(text []byte) (nanos int64, rest []byte) {
	if len(text) < 2 || text[0] != '.' || text[1]-'0' > 9 {
		return 0, text
	}
	unit := int64(1e8)
	for text = text[1:]; len(text) > 0 && text[0]-'0' <= 9; text = text[1:] {
		nanos += int64(text[0]-'0') * unit
		unit /= 10
	}
	return nanos, text
}

// parseOffset reads Z or +01:00 as seconds east of UTC.
func parseOffset(text []byte) (seconds int64, ok bool) {
	if len(text) == 1 && text[0]|0x20 == 'z' {
		return 0, true
	}
	if len(text) != 6 || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return 0, false
	}
	for _, i := range []int{1, 2, 4, 5} {
		if text[i]-'0' > 9 {
			return 0, false
		}
	}
	hours, minutes := int64(text[1]-'0')*10+int64(text[2]-'0'), int64(text[4]-'0')*10+int64(text[5]-'0')
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	if seconds = hours*3600 + minutes*60; text[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}
