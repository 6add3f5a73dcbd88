package cardevents

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strconv"
)

// value draws one value and appends it as JSON.
type value func(dst []byte, s *source) []byte

// number draws one number.
type number func(r *rand.Rand) float64

func lognormal(mu, sigma float64) number {
	return func(r *rand.Rand) float64 { return math.Exp(mu + sigma*r.NormFloat64()) }
}

func normal(mean, deviation float64) number {
	return func(r *rand.Rand) float64 { return mean + deviation*r.NormFloat64() }
}

func exponential(mean float64) number {
	return func(r *rand.Rand) float64 { return mean * r.ExpFloat64() }
}

// power crowds towards low: the larger the exponent, the more.
func power(low, high, exponent float64) number {
	return func(r *rand.Rand) float64 { return low + (high-low)*math.Pow(r.Float64(), exponent) }
}

// poisson multiplies uniform numbers until they fall below e^-mean, which is
// quick for the small means here.
func poisson(mean float64) number {
	limit := math.Exp(-mean)
	return func(r *rand.Rand) float64 {
		n := 0
		for product := r.Float64(); product > limit; product *= r.Float64() {
			n++
		}
		return float64(n)
	}
}

// whole writes the nearest whole number within low and high.
func whole(low, high float64, n number) value {
	return func(dst []byte, s *source) []byte {
		return strconv.AppendInt(dst, int64(math.Round(min(max(n(s.Rand), low), high))), 10)
	}
}

// decimal writes numbers within low and high with at most that many decimals,
// and at least one. It is several times as quick as strconv, which would be
// most of what an event costs.
func decimal(decimals int, low, high float64, n number) value {
	scale := math.Pow10(decimals)
	unit := int64(scale)
	return func(dst []byte, s *source) []byte {
		scaled := int64(math.Round(min(max(n(s.Rand), low), high) * scale))
		dst = strconv.AppendInt(dst, scaled/unit, 10)
		dst = append(dst, '.')
		rest := scaled % unit
		for digit := unit / 10; digit > 0; digit /= 10 {
			dst = append(dst, byte('0'+rest/digit))
			if rest %= digit; rest == 0 {
				break
			}
		}
		return dst
	}
}

func bernoulli(p float64) value {
	return func(dst []byte, s *source) []byte { return strconv.AppendBool(dst, s.Float64() < p) }
}

// weighted is a value's JSON and how often it comes, relative to the others'.
type weighted struct {
	json   string
	weight float64
}

func categories(all ...weighted) value {
	total := 0.0
	for _, w := range all {
		total += w.weight
	}
	return func(dst []byte, s *source) []byte {
		left := s.Float64() * total
		i := 0
		for ; i < len(all)-1 && left >= all[i].weight; i++ {
			left -= all[i].weight
		}
		return append(dst, all[i].json...)
	}
}

// indices draws 0, 1, 2, … with these weights.
func indices(weights ...float64) value {
	all := make([]weighted, len(weights))
	for i, w := range weights {
		all[i] = weighted{strconv.Itoa(i), w}
	}
	return categories(all...)
}

// oneOf draws one of size names: the prefix and a number of so many digits. The
// larger the skew, the more often it is one of the first.
func oneOf(prefix string, digits, size int, skew float64) value {
	return func(dst []byte, s *source) []byte {
		n := int(float64(size) * math.Pow(s.Float64(), skew))
		dst = append(dst, '"')
		dst = append(dst, prefix...)
		start := len(dst)
		for range digits {
			dst = append(dst, '0')
		}
		for i := start + digits - 1; n > 0; i-- {
			dst[i] = byte('0' + n%10)
			n /= 10
		}
		return append(dst, '"')
	}
}

// uuid is a random one, of version 4.
func uuid(dst []byte, s *source) []byte {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], s.Uint64())
	binary.LittleEndian.PutUint64(b[8:], s.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	dst = append(dst, '"')
	start := 0
	for _, end := range [...]int{4, 6, 8, 10, len(b)} {
		if start > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[start:end])
		start = end
	}
	return append(dst, '"')
}

func timestamp(dst []byte, s *source) []byte {
	dst = append(dst, '"')
	dst = s.at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	return append(dst, '"')
}
