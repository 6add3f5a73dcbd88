package drift

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// urn draws values by their weights, each at the cost of a look into a table (Walker
// 1977, as Vose 1991 fills it): of the rows that fall into a value's slot, all slots
// being alike, those below its limit have the value, and the others its alias.
type urn struct {
	slots        []slot
	parts        []float64 // of a slot that a value fills
	small, large []int
}

type slot struct {
	alias uint64
	limit uint32
}

func newUrn(values int) urn {
	return urn{slots: make([]slot, values), parts: make([]float64, values)}
}

func (u *urn) fill(weights []float64) {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	u.small, u.large = u.small[:0], u.large[:0]
	for i, w := range weights {
		u.parts[i] = w / sum * float64(len(weights))
		u.slots[i] = slot{alias: uint64(i)}
		if u.parts[i] < 1 {
			u.small = append(u.small, i)
		} else {
			u.large = append(u.large, i)
		}
	}
	for len(u.small) > 0 && len(u.large) > 0 {
		i, k := u.small[len(u.small)-1], u.large[len(u.large)-1]
		u.small = u.small[:len(u.small)-1]
		u.slots[i] = slot{alias: uint64(k), limit: uint32(u.parts[i] * (1 << 32))}
		if u.parts[k] -= 1 - u.parts[i]; u.parts[k] < 1 {
			u.large = u.large[:len(u.large)-1]
			u.small = append(u.small, k)
		}
	}
}

// draw adds n rows to the counts.
func (u *urn) draw(source *rand.PCG, counts []int64, n int64) {
	slots := uint64(len(u.slots))
	var bits uint64
	for i := range n {
		if bits >>= 32; i%2 == 0 {
			bits = source.Uint64()
		}
		at := bits & math.MaxUint32 * slots
		slot := &u.slots[at>>32]
		value := slot.alias
		if uint32(at) < slot.limit { // without a jump: which it is cannot be foretold
			value = at >> 32
		}
		counts[value]++
	}
}

// Both ways to draw give each value its share, also where the mean has moved.
func TestDrawsAreMultinomial(t *testing.T) {
	for _, f := range families {
		for _, shift := range []float64{0, .3, -.7} {
			if f.shares != nil && shift != 0 {
				continue // their values are too far apart to be moved
			}
			for _, rows := range []int64{250, 100_000} {
				s := newStream(f, 1, time.Minute, 0, 1)
				sum := make([]int64, len(f.values))
				for n := int64(0); n < 200_000; n += rows {
					sum = addCells(sum, s.draw(rows, shift))
				}
				s.weigh(shift)
				var total, statistic float64
				for _, w := range s.weights {
					total += w
				}
				for i, w := range s.weights {
					expected := w / total * float64(rowsOf(sum))
					statistic += (float64(sum[i]) - expected) * (float64(sum[i]) - expected) / expected
				}
				if p := chiSquaredTail(statistic, len(sum)-1); p < 1e-4 {
					t.Errorf("%s, moved by %g, %d rows a draw: p %g for %d", f.name, shift, rows, p, sum)
				}
			}
		}
	}
}
