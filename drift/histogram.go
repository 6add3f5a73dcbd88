package drift

import (
	"math"
	"math/bits"
	"slices"
)

const (
	octaveShift = 52 // of a key: what is left are the sign and the exponent
	octaveCells = 1 << (octaveShift - basicShift)
)

// histogram counts numbers by octave, all those of one sign and exponent. An
// octave has a cell for each of its 64 basic buckets; one that the layout splits is
// counted by its parts. So a number costs two loads, or four, and hardly ever a
// comparison of keys, the buckets come out in order without sorting, and emptying
// touches only what was counted. A hash table, the alternative, has to be sorted
// for every delta.
//
// Octaves stay when it is emptied: what it takes is that of all octaves ever seen,
// some 10 kB as a rule and 2 MB if there were numbers of every size.
type histogram struct {
	lowest  uint64   // the octave that octaves begins with
	octaves []uint16 // the number of each one's cells; 0 is that of octaves without any
	seen    []uint16 // those that have cells, ascending
	cells   []int64  // 64 a number, those of 0 being empty: a count, or ^ of where a split bucket's strides begin
	used    []uint64 // a number's cells in which something was counted, a bit each

	parts  *parts // of the layout
	counts []int64
	last   []int32 // the part of each split bucket that was searched for last

	nan, posInf, negInf int64

	waiting []float64 // to be counted
	recent  *[1 << (64 - recentShift)]recent
	varied  int      // how many times more they are counted without recent
	buckets []Bucket // the last result, to be used again
}

func newHistogram(p *parts) *histogram {
	return &histogram{
		cells: make([]int64, octaveCells), used: make([]uint64, 1),
		parts: p, counts: make([]int64, len(p.keys)), last: make([]int32, len(p.first)),
	}
}

// enough numbers are counted at once. Between two batches of a stream a table
// leaves the processor's cache, and to fetch it takes longer than to count a batch.
const enough = 1024

// add counts numbers, once there are enough of them or all are to be told.
func (h *histogram) add(values []float64) {
	if h.waiting = append(h.waiting, values...); len(h.waiting) >= enough {
		h.settle()
	}
}

// addOne is add of one.
func (h *histogram) addOne(v float64) {
	if h.waiting = append(h.waiting, v); len(h.waiting) >= enough {
		h.settle()
	}
}

// settle counts those that wait.
func (h *histogram) settle() {
	if h.varied > 0 {
		h.varied--
		h.count(h.waiting)
	} else if hits := h.countRecent(h.waiting); 2*hits < len(h.waiting) {
		h.varied = variedFor
	}
	h.waiting = h.waiting[:0]
}

// count counts numbers of which most differ.
func (h *histogram) count(values []float64) {
	lowest, octaves, cells, strides := h.lowest, h.octaves, h.cells, h.parts.strides
	for _, v := range values {
		key := Key(v)
		if o := key>>octaveShift - lowest; o < uint64(len(octaves)) {
			number, i := int(octaves[o]), key>>basicShift%octaveCells
			cell := &cells[number*octaveCells+int(i)]
			if *cell > 0 {
				*cell++
				continue
			}
			if *cell < 0 {
				h.used[number] |= 1 << i
				stride := strideOf(*cell, key)
				part := strides[stride]
				if part < 0 {
					part = h.searched(stride, key)
				}
				h.counts[part]++
				continue
			}
		}
		*h.counter(key)++
		lowest, octaves, cells = h.lowest, h.octaves, h.cells
	}
}

// recent is a number that was counted, and where.
type recent struct {
	bits    uint64
	counter *int64
}

const (
	recentShift = 58                 // leaves the place among 64
	multiplier  = 0x9E3779B97F4A7C15 // Knuth's multiplicative hashing, by 2^64 over the golden ratio
	// variedFor is for how many times numbers that do not repeat are then taken not to.
	variedFor = 15
)

// countRecent counts numbers that repeat each other, as flags, hours and counts do:
// those that were counted lately are known by their bits. It tells how many were.
func (h *histogram) countRecent(values []float64) (hits int) {
	if h.recent == nil {
		h.recent = new([1 << (64 - recentShift)]recent)
	}
	for _, v := range values {
		bits := math.Float64bits(v)
		r := &h.recent[bits*multiplier>>recentShift]
		if r.bits == bits && r.counter != nil {
			*r.counter++
			hits++
			continue
		}
		counter := h.counter(Key(v))
		*counter++
		r.bits, r.counter = bits, counter
	}
	return hits
}

// counter finds where a key is counted, which is good until a number comes whose
// octave has no cells yet, or reset. Those of infinities and NaN never get any.
func (h *histogram) counter(key uint64) *int64 {
	switch {
	case key == infinity:
		return &h.posInf
	case key == ^uint64(infinity):
		return &h.negInf
	case key > infinity || key < ^uint64(infinity):
		return &h.nan
	}
	if o := key>>octaveShift - h.lowest; o >= uint64(len(h.octaves)) || h.octaves[o] == 0 {
		h.grow(key >> octaveShift)
	}
	number, i := int(h.octaves[key>>octaveShift-h.lowest]), key>>basicShift%octaveCells
	h.used[number] |= 1 << i
	cell := &h.cells[number*octaveCells+int(i)]
	if *cell >= 0 {
		return cell
	}
	stride := strideOf(*cell, key)
	part := h.parts.strides[stride]
	if part < 0 {
		part = h.searched(stride, key)
	}
	return &h.counts[part]
}

// strideOf is that of a split bucket's cell that a key is in.
func strideOf(cell int64, key uint64) int {
	return int(^cell) + int(key>>strideShift%bucketStrides)
}

// searched is the part that a key is in where its stride lies in several. Mostly a
// bucket is split as far as that for the sake of a single value.
func (h *histogram) searched(stride int, key uint64) int32 {
	p, last := h.parts, &h.last[stride/bucketStrides]
	if p.keys[*last] != key {
		*last = p.search(key, ^p.strides[stride])
	}
	return *last
}

// grow makes the cells of an octave.
func (h *histogram) grow(octave uint64) {
	if len(h.octaves) == 0 {
		h.lowest = octave
	}
	if octave < h.lowest {
		h.octaves = append(make([]uint16, h.lowest-octave), h.octaves...)
		h.lowest = octave
	}
	at := int(octave - h.lowest)
	if more := at + 1 - len(h.octaves); more > 0 {
		h.octaves = append(h.octaves, make([]uint16, more)...)
	}
	h.octaves[at] = uint16(len(h.used))
	h.used = append(h.used, 0)
	cells := make([]int64, octaveCells)
	for bucket := h.parts.bucket(octave << octaveShift); bucket < len(h.parts.first); bucket++ {
		key := h.parts.keys[h.parts.first[bucket]]
		if key>>octaveShift != octave {
			break
		}
		cells[key>>basicShift%octaveCells] = ^int64(bucket * bucketStrides)
	}
	h.cells = append(h.cells, cells...)
	h.forget()
	i, _ := slices.BinarySearch(h.seen, uint16(octave))
	h.seen = slices.Insert(h.seen, i, uint16(octave))
}

// forget forgets where recent numbers are counted.
func (h *histogram) forget() {
	if h.recent != nil {
		clear(h.recent[:])
	}
}

// tell puts what was counted into c. The buckets are good until the next call.
func (h *histogram) tell(c *Counts) {
	h.settle()
	c.NaN, c.PosInf, c.NegInf = h.nan, h.posInf, h.negInf
	h.buckets = h.buckets[:0]
	h.each(func(key uint64, cell *int64) {
		if *cell > 0 {
			h.buckets = append(h.buckets, Bucket{key, *cell})
			return
		}
		for part, to := h.partsOf(*cell); part < to; part++ {
			if n := h.counts[part]; n > 0 {
				h.buckets = append(h.buckets, Bucket{h.parts.keys[part], n})
			}
		}
	})
	c.Buckets = h.buckets
}

func (h *histogram) reset() {
	h.waiting = h.waiting[:0]
	h.nan, h.posInf, h.negInf = 0, 0, 0
	h.each(func(_ uint64, cell *int64) {
		if *cell > 0 {
			*cell = 0
		} else {
			from, to := h.partsOf(*cell)
			clear(h.counts[from:to])
		}
	})
	clear(h.used)
	h.forget()
}

// partsOf are those of a split bucket's cell.
func (h *histogram) partsOf(cell int64) (from, to int) { return h.parts.of(int(^cell) / bucketStrides) }

// each gives the cells in which something was counted, ascending, with the keys of
// their basic buckets.
func (h *histogram) each(give func(key uint64, cell *int64)) {
	for _, octave := range h.seen {
		number := int(h.octaves[uint64(octave)-h.lowest])
		for used := h.used[number]; used != 0; used &= used - 1 {
			i := bits.TrailingZeros64(used)
			give(uint64(octave)<<octaveShift|uint64(i)<<basicShift, &h.cells[number*octaveCells+i])
		}
	}
}
