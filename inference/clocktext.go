package inference

import "time"

const (
	secondNanos = int64(time.Second)
	daySeconds  = 24 * 60 * 60
	dayLayout   = "2006-01-02T"
)

// digitPairs holds 00 to 99.
const digitPairs = "00010203040506070809101112131415161718192021222324" +
	"25262728293031323334353637383940414243444546474849" +
	"50515253545556575859606162636465666768697071727374" +
	"75767778798081828384858687888990919293949596979899"

// clockText writes times as RFC 3339 in UTC. Times that follow one another
// mostly share their day, whose text it keeps. The zero value is ready.
type clockText struct {
	day   int64
	text  [len(dayLayout)]byte
	known bool
}

// appendTime appends the time with three fractional digits, or with six or
// nine where fewer would lose something.
func (c *clockText) appendTime(dst []byte, unixNano int64) []byte {
	seconds, nanos := floorDivide(unixNano, secondNanos)
	day, second := floorDivide(seconds, daySeconds)
	if day != c.day || !c.known {
		c.day, c.known = day, true
		time.Unix(day*daySeconds, 0).UTC().AppendFormat(c.text[:0], dayLayout)
	}
	dst = append(dst, c.text[:]...)
	dst = appendPair(dst, second/3600)
	dst = appendPair(append(dst, ':'), second/60%60)
	dst = appendPair(append(dst, ':'), second%60)
	dst = appendThree(append(dst, '.'), nanos/1e6)
	if below := nanos % 1e6; below != 0 {
		dst = appendThree(dst, below/1e3)
		if below%1e3 != 0 {
			dst = appendThree(dst, below%1e3)
		}
	}
	return append(dst, 'Z')
}

// floorDivide rounds towards the past, so that times before 1970 come out right.
func floorDivide(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}

func appendPair(dst []byte, v int64) []byte {
	return append(dst, digitPairs[2*v], digitPairs[2*v+1])
}

func appendThree(dst []byte, v int64) []byte {
	return appendPair(append(dst, byte('0'+v/100)), v%100)
}
