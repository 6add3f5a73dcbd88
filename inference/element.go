package inference

import (
	"math"
	"unsafe"
)

// writeNumber writes f as an element of a floating point type, rounded once,
// or, when f is 0 or 1, of any numeric or bool type.
func writeNumber(t ElementType, dst unsafe.Pointer, f float64) {
	switch t {
	case Float16:
		*(*uint16)(dst) = half(f)
	case Float32:
		*(*float32)(dst) = float32(f)
	case Float64:
		*(*float64)(dst) = f
	case Int8, Uint8, Bool:
		*(*uint8)(dst) = uint8(f)
	case Int16, Uint16:
		*(*uint16)(dst) = uint16(f)
	case Int32, Uint32:
		*(*uint32)(dst) = uint32(f)
	case Int64, Uint64:
		*(*uint64)(dst) = uint64(f)
	}
}

// writeInteger writes an integer, given by its sign and magnitude, as an
// element of an integer type. It gives false when it is out of range.
func writeInteger(t ElementType, dst unsafe.Pointer, negative bool, magnitude uint64) bool {
	limit, width := uint64(math.MaxUint64), uint(t.Size())*8
	if t <= Int64 {
		if limit = 1<<(width-1) - 1; negative {
			limit++
		}
	} else if limit >>= 64 - width; negative {
		limit = 0
	}
	if magnitude > limit {
		return false
	}
	if negative {
		magnitude = -magnitude
	}
	switch width {
	case 8:
		*(*uint8)(dst) = uint8(magnitude)
	case 16:
		*(*uint16)(dst) = uint16(magnitude)
	case 32:
		*(*uint32)(dst) = uint32(magnitude)
	case 64:
		*(*uint64)(dst) = magnitude
	}
	return true
}
