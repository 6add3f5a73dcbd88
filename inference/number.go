package inference

import (
	"encoding/binary"
	"math"
	"math/bits"
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
