package inference

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// oracleRational is a number's exact value. It gives false when its magnitude
// is so large (1) or so small (-1) that no float64 comes near: exactly, those
// would take for ever.
func oracleRational(number string) (exact *big.Rat, size int, ok bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	whole, fraction, _ := strings.Cut(strings.Trim(mantissa, "-"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return new(big.Rat), 0, true
	}
	point := new(big.Int) // the value is 0.DIGITS × 10^point
	if exponent != "" {
		point.SetString(strings.TrimPrefix(exponent, "+"), 10)
	}
	point.Add(point, big.NewInt(int64(len(digits)-len(fraction))))
	if point.CmpAbs(big.NewInt(400)) > 0 {
		return nil, point.Sign(), false
	}
	exact, ok = new(big.Rat).SetString(fmt.Sprintf("0.%se%d", strings.TrimRight(digits, "0"), point))
	if strings.HasPrefix(mantissa, "-") {
		exact.Neg(exact)
	}
	return exact, 0, ok
}

// oracleFloat is the float64 nearest to a number, if there is one. Short texts
// are left to strconv, which is faster; it cuts long exponents.
func oracleFloat(number string) (float64, bool) {
	if len(number) < 1000 {
		f, err := strconv.ParseFloat(number, 64)
		return f, err == nil
	}
	zero := 0.0
	if number[0] == '-' {
		zero = math.Copysign(0, -1)
	}
	exact, size, ok := oracleRational(number)
	if !ok {
		return zero, size < 0
	}
	if exact.Sign() == 0 {
		return zero, true
	}
	f, _ := exact.Float64()
	if f == 0 {
		f = zero
	}
	return f, !math.IsInf(f, 0)
}

func oracleInteger(number string, typ ElementType) (any, bool) {
	r, _, ok := oracleRational(number)
	if !ok || !r.IsInt() {
		return nil, false
	}
	width := uint(typ.Size() * 8)
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), width)
	if typ <= Int64 {
		half := new(big.Int).Rsh(high, 1)
		low, high = new(big.Int).Neg(half), half
	}
	return r.Num(), r.Num().Cmp(low) >= 0 && r.Num().Cmp(high) < 0
}

// slowHalf rounds to the nearest binary16 by trying them all.
func slowHalf(f float64) uint16 {
	sign := uint16(0)
	if math.Signbit(f) {
		sign = 0x8000
	}
	f = math.Abs(f)
	if math.IsNaN(f) {
		return sign | 0x7e00
	}
	above, _ := slices.BinarySearchFunc(halves, f, func(h, f float64) int {
		if h < f {
			return -1
		}
		return 1
	})
	if above == len(halves) {
		above-- // beyond 65536, which stands for infinity
	}
	below := max(above-1, 0)
	nearer := below
	switch up, down := halves[above]-f, f-halves[below]; {
	case up < down, up == down && above&1 == 0:
		nearer = above
	}
	return sign | uint16(nearer)
}

// halves are the values of the binary16 numbers 0 to 0x7bff by their bits, and
// the 65536 that would come next and rounds to infinity.
var halves = func() (values []float64) {
	for bits := range 0x7c01 {
		exponent, fraction := bits>>10, float64(bits&0x3ff)
		if exponent == 0 {
			values = append(values, math.Ldexp(fraction, -24))
		} else {
			values = append(values, math.Ldexp(1024+fraction, exponent-25))
		}
	}
	return values
}()
