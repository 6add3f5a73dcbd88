package inference

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// decimal is a number as written: mantissa × 10^exponent, exactly unless lost.
type decimal struct {
	mantissa uint64
	exponent int
	negative bool
	lost     bool // a digit other than 0 did not fit the mantissa
	full     bool // the mantissa takes no further digit
}

// digits adds the run of digits at p and says where it ends. Each digit moves
// the exponent by shift: 0 before the decimal point, -1 after it.
func (d *decimal) digits(data []byte, p, shift int) int {
	for !d.full && d.mantissa < 1e11 && len(data)-p >= 8 {
		x := binary.LittleEndian.Uint64(data[p:]) ^ lanes30
		n := bits.TrailingZeros64(nonDigits(x)) >> 3
		d.mantissa = d.mantissa*integerPowers[n] + eightDigits(x<<(64-8*n))
		d.exponent += n * shift
		if p += n; n < 8 {
			return p
		}
	}
	for ; p < len(data) && data[p]-'0' <= 9; p++ {
		c := uint64(data[p] - '0')
		if d.full = d.full || d.mantissa > (math.MaxUint64-c)/10; d.full {
			d.lost = d.lost || c != 0
			d.exponent += shift + 1
			continue
		}
		d.mantissa = d.mantissa*10 + c
		d.exponent += shift
	}
	return p
}

// maxExponent bounds a written exponent. It is far more than the length of an
// event, so that no run of digits makes up for what is cut.
const maxExponent = 1 << 40

// power adds the exponent at p, which stands behind its e, and says where it
// ends; -1 when it has no digit.
func (d *decimal) power(data []byte, p int) int {
	negative := false
	if p < len(data) && (data[p] == '+' || data[p] == '-') {
		negative = data[p] == '-'
		p++
	}
	from, e := p, 0
	for ; p < len(data) && data[p]-'0' <= 9; p++ {
		e = min(e*10+int(data[p]-'0'), maxExponent)
	}
	if p == from {
		return -1
	}
	if negative {
		e = -e
	}
	d.exponent += e
	return p
}

// scanDecimal reads the JSON number at p by RFC 8259's grammar. When it is not
// one, ok is false and end is the offending byte.
func scanDecimal(data []byte, p int) (d decimal, end int, ok bool) {
	if p < len(data) && data[p] == '-' {
		d.negative = true
		p++
	}
	from := p
	p = d.digits(data, p, 0)
	switch {
	case p == from:
		return d, p, false
	case data[from] == '0' && p > from+1:
		return d, from + 1, false
	}
	if p < len(data) && data[p] == '.' {
		from = p + 1
		if p = d.digits(data, from, -1); p == from {
			return d, p, false
		}
	}
	if p < len(data) && data[p]|0x20 == 'e' {
		from = p
		if p = d.power(data, p+1); p < 0 {
			if p = from + 1; p < len(data) && (data[p] == '+' || data[p] == '-') {
				p++
			}
			return d, p, false
		}
	}
	return d, p, true
}

// float is the float64 nearest to d, whose text is given; it is infinite when d
// is too large for any.
func (d *decimal) float(text []byte) float64 {
	if !d.full && d.mantissa <= 1<<53 && d.exponent >= -22 && d.exponent <= 22 {
		f := float64(int64(d.mantissa))
		if d.exponent < 0 {
			f /= exactPowers[-d.exponent]
		} else {
			f *= exactPowers[d.exponent]
		}
		if d.negative {
			return -f
		}
		return f
	}
	if len(text) > maxStrconv {
		return d.longFloat(text)
	}
	// The text was checked, so the only error left is the range, with ±Inf.
	f, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	return f
}

// maxStrconv is the longest text that strconv reads right: it cuts exponents at
// five digits, for which only thousands of zeros can make up.
const maxStrconv = 8192

// halfwayDigits is more significant digits than any number halfway between two
// float64 has (768), so that beyond them only whether there are any counts.
const halfwayDigits = 800

// longFloat is float for a text that is too long for strconv: it writes the same
// number anew, as 0.DIGITS and the exponent that this takes.
func (d *decimal) longFloat(text []byte) float64 {
	short := make([]byte, 0, halfwayDigits+32)
	if d.negative {
		short = append(short, '-')
	}
	short = append(short, "0."...)
	begin, more := len(short), false
	for _, c := range text {
		if c|0x20 == 'e' {
			break
		}
		switch {
		case c-'0' > 9, c == '0' && len(short) == begin: // a sign, the dot, a leading zero
		case len(short) < begin+halfwayDigits:
			short = append(short, c)
		default:
			more = more || c != '0'
		}
	}
	if more {
		short = append(short, '1')
	}
	// The mantissa has the first of these digits, so d's exponent puts the dot.
	exponent := d.exponent
	for m := d.mantissa; m > 0; m /= 10 {
		exponent++
	}
	short = strconv.AppendInt(append(short, 'e'), int64(exponent), 10)
	f, _ := strconv.ParseFloat(string(short), 64)
	return f
}

// integer is d's magnitude, if d is an integer (whole) that 64 bits hold (fits).
func (d *decimal) integer() (magnitude uint64, whole, fits bool) {
	m, e := d.mantissa, d.exponent
	if m == 0 {
		return 0, true, true
	}
	for ; e < 0; e++ {
		if d.lost || m%10 != 0 {
			return 0, false, false
		}
		m /= 10
	}
	if d.lost {
		// Digits are lost only beyond the mantissa's 64 bits.
		return 0, d.exponent > 0, false
	}
	for ; e > 0; e-- {
		high, low := bits.Mul64(m, 10)
		if high != 0 {
			return 0, true, false
		}
		m = low
	}
	return m, true, true
}
