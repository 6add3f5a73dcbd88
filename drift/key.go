package drift

import "math"

const (
	signBit = 1 << 63
	// Keys of finite values lie from minKey to maxKey; those of infinities and
	// NaN lie outside.
	minKey = 1 << 52                         // of -math.MaxFloat64
	maxKey = signBit | 0x7FE<<52 | 1<<52 - 1 // of math.MaxFloat64
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
