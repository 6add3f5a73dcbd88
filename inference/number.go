package inference

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// Eight bytes of text are looked at as one word; these repeat a byte in each.
const (
	lanes01 = 0x0101010101010101
	lanes80 = 0x8080808080808080
	lanes30 = 0x3030303030303030 // '0'
)

// exactPowers are the powers of ten that a float64 holds exactly.
var exactPowers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// integerPowers are the powers of ten that a word of digits needs.
var integerPowers = [...]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// nonDigits marks the bytes that are no digits by their top bits, given a word
// of text xor lanes30. Marks above the first byte beyond ASCII may be wrong.
func nonDigits(x uint64) uint64 { return ((x + 0x7676767676767676) | x) & lanes80 }

// eightDigits is the value of a word of eight digit values (not characters),
// the first digit in the lowest byte.
func eightDigits(x uint64) uint64 {
	x = x * (1 + 10<<8) >> 8 & 0x00ff00ff00ff00ff
	x = x * (1 + 100<<16) >> 16 & 0x0000ffff0000ffff
	return x * (1 + 10000<<32) >> 32
}

// shortNumber reads the JSON number at p if it and the byte that ends it fit
// eight bytes, sign aside, and it has no exponent, as nearly all numbers in
// events do. Up to seven digits over a power of ten are one exact division, so
// the value is rounded correctly. It leaves all else, malformed numbers too, to
// scanDecimal: end is -1 then. No branch depends on the number of digits, which
// the processor could not foresee.
func shortNumber(data []byte, p int) (value float64, end int) {
	if len(data)-p < 8 {
		return 0, -1
	}
	w := binary.LittleEndian.Uint64(data[p:])
	negative := byte(w) == '-'
	if negative {
		if p++; len(data)-p < 8 {
			return 0, -1
		}
		w = binary.LittleEndian.Uint64(data[p:])
	}
	x := w ^ lanes30
	stops := nonDigits(x)
	size := bits.TrailingZeros64(stops) >> 3
	if stops == 0 || size == 0 || (byte(x) == 0 && size > 1) {
		return 0, -1
	}
	digits, scale := size, 0
	if byte(w>>(size*8)) == '.' {
		// The fraction's digits move down over the dot.
		whole := uint64(1)<<(size*8) - 1
		x = x&whole | x>>8&^whole
		stops &= stops - 1
		scale = bits.TrailingZeros64(stops)>>3 - size - 1
		if stops == 0 || scale == 0 {
			return 0, -1
		}
		digits += scale
		size = digits + 1
	}
	if byte(w>>(size*8))|0x20 == 'e' {
		return 0, -1
	}
	value = float64(int64(eightDigits(x<<(64-8*digits)))) / exactPowers[scale]
	if negative {
		value = -value
	}
	return value, p + size
}

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
	// The text was checked, so the only error left is the range, with ±Inf.
	f, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
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

// half rounds f to the nearest binary16, ties to even, straight from float64:
// by way of float32 it would be rounded twice.
func half(f float64) uint16 {
	b := math.Float64bits(f)
	sign := uint16(b >> 48 & 0x8000)
	exponent := int(b>>52&0x7ff) - 1023
	mantissa := b & (1<<52 - 1)
	switch {
	case exponent == 1024 && mantissa != 0:
		return sign | 0x7e00
	case exponent > 15:
		return sign | 0x7c00
	case exponent < -25: // less than half of the smallest subnormal
		return sign
	}
	shift := 42 // what a normal number's mantissa loses
	base := uint64(exponent+15) << 10
	if exponent < -14 {
		mantissa |= 1 << 52
		shift += -14 - exponent
		base = 0
	}
	rest := mantissa & (1<<shift - 1)
	kept := mantissa >> shift
	if tie := uint64(1) << (shift - 1); rest > tie || rest == tie && kept&1 == 1 {
		kept++ // it may carry into the exponent, up to infinity, as it should
	}
	return sign | uint16(base+kept)
}
