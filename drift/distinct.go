package drift

import (
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	distinctBits = 11 // of a hash that choose a register
	rankBits     = 5
	registers    = 1 << distinctBits
	maxRank      = 1<<rankBits - 1
	// maxSparse is how many registers are kept, and written, one by one: until
	// all of them together take less.
	maxSparse = registers * rankBits / 16
)

// Distinct estimates how many different values there were: a HyperLogLog of 2048
// registers (Flajolet and others 2007), whose standard error is 2.3 %. A register
// is the maximum of the ranks of its hashes, so that merging is exact in any
// order, and what it holds depends on nothing but the set of values. The zero
// value has seen none.
type Distinct struct {
	// sparse are the registers that are not 0, index<<rankBits | rank, ascending,
	// as long as they are at most maxSparse; then all are in dense.
	sparse []uint16
	dense  []uint8
}

// registerOf is the register of a hash and what it puts there: one more than the
// number of zeros behind the bits that choose the register, at most maxRank.
func registerOf(hash uint64) (register int, rank uint8) {
	const guard = 1 << (64 - maxRank)
	return int(hash >> (64 - distinctBits)), uint8(bits.LeadingZeros64(hash<<distinctBits|guard)) + 1
}

// set makes d that of all registers.
func (d *Distinct) set(all *[registers]uint8) {
	d.sparse, d.dense = d.sparse[:0], d.dense[:0]
	for from := 0; from < registers; from += 8 {
		if binary.NativeEndian.Uint64(all[from:]) == 0 {
			continue
		}
		for i, r := range all[from : from+8] {
			if r == 0 {
				continue
			}
			if len(d.sparse) == maxSparse {
				d.sparse, d.dense = d.sparse[:0], append(d.dense, all[:]...)
				return
			}
			d.sparse = append(d.sparse, uint16((from+i)<<rankBits|int(r)))
		}
	}
}

// Add makes d that of the values of both.
func (d *Distinct) Add(o *Distinct) {
	switch {
	case len(d.dense) > 0:
		o.raise(d.dense)
	case len(o.dense) > 0 || !d.raiseSparse(o.sparse):
		var all [registers]uint8
		d.raise(all[:])
		o.raise(all[:])
		d.set(&all)
	}
}

// raise lifts all registers to those of d.
func (d *Distinct) raise(all []uint8) {
	for _, s := range d.sparse {
		i := s >> rankBits
		all[i] = max(all[i], uint8(s&maxRank))
	}
	for i, r := range d.dense {
		all[i] = max(all[i], r)
	}
}

// raiseSparse lifts the registers that d has to those of others, and tells whether
// these are all of them, as is usual between panes of a stream.
func (d *Distinct) raiseSparse(others []uint16) bool {
	i, all := 0, true
	for _, s := range others {
		for i < len(d.sparse) && d.sparse[i]>>rankBits < s>>rankBits {
			i++
		}
		if i < len(d.sparse) && d.sparse[i]>>rankBits == s>>rankBits {
			d.sparse[i] = max(d.sparse[i], s)
		} else {
			all = false
		}
	}
	return all
}

// Clone is a copy that shares nothing.
func (d *Distinct) Clone() *Distinct {
	return &Distinct{append([]uint16(nil), d.sparse...), append([]uint8(nil), d.dense...)}
}

// Estimate is the number of different values: the improved raw estimator of Ertl,
// "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
// algorithm 6, which needs no correction at either end.
func (d *Distinct) Estimate() int64 {
	var with [maxRank + 1]float64 // how many registers have each rank
	for _, r := range d.dense {
		with[r]++
	}
	for _, s := range d.sparse {
		with[s&maxRank]++
	}
	if len(d.dense) == 0 {
		with[0] = float64(registers - len(d.sparse))
	}
	z := registers * tau(1-with[maxRank]/registers)
	for r := maxRank - 1; r > 0; r-- {
		z = (z + with[r]) / 2
	}
	z += registers * sigma(with[0]/registers)
	return int64(math.Round(registers * registers / (2 * math.Ln2 * z)))
}

// sigma is x + Σ x^(2^k) 2^(k-1) over k ≥ 1, which stands for the empty registers.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	for sum, weight := x, 1.0; ; weight *= 2 {
		x *= x
		before := sum
		if sum += x * weight; sum == before {
			return sum
		}
	}
}

// tau is (1 - x - Σ (1 - x^(2^-k))² 2^-k over k ≥ 1) / 3, which stands for the
// registers that are full.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	for sum, weight := 1-x, 0.5; ; weight /= 2 {
		x = math.Sqrt(x)
		before := sum
		if sum -= (1 - x) * (1 - x) * weight; sum == before {
			return sum / 3
		}
	}
}
