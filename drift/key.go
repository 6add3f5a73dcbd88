package drift

import "math"

const (
	signBit = 1 << 63
	// infinity is the key of +Inf and its inverse that of -Inf; finite values lie
	// between the two, NaN beyond.
	infinity = signBit | 0x7FF<<52
)

// Key is the bits of v in an order that equals that of the values: of those of
// negative numbers all are inverted, of others the sign is set. -0 and 0 are one.
func Key(v float64) uint64 {
	b := math.Float64bits(v + 0) // -0 + 0 is 0
	return b ^ (uint64(int64(b)>>63) | signBit)
}

// Value is the inverse of Key.
func Value(key uint64) float64 {
	if key&signBit != 0 {
		return math.Float64frombits(key &^ signBit)
	}
	return math.Float64frombits(^key)
}
