package drift

import (
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

	buckets []Bucket // the last result, to be used again
}

func newHistogram(p *parts) *histogram {
	return &histogram{
		cells: make([]int64, octaveCells), used: make([]uint64, 1),
		parts: p, counts: make([]int64, len(p.keys)), last: make([]int32, len(p.first)),
	}
}

// add counts numbers.
func (h *histogram) add(values []float64) {
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
			if *cell < 0 && h.used[number]>>i&1 != 0 {
				stride := int(^*cell) + int(key>>strideShift%bucketStrides)
				if part := strides[stride]; part >= 0 {
					h.counts[part]++
				} else {
					h.search(key, stride/bucketStrides, int(^part))
				}
				continue
			}
		}
		h.addFirst(key)
		lowest, octaves, cells = h.lowest, h.octaves, h.cells
	}
}

// search counts a key of a split bucket, in a part that is not before from. Mostly
// a bucket is split as far as that for the sake of a single value.
func (h *histogram) search(key uint64, bucket, from int) {
	last := &h.last[bucket]
	if h.parts.keys[*last] != key {
		*last = int32(h.parts.search(key, from))
	}
	h.counts[*last]++
}

// addFirst counts a key whose cell is empty. Infinities and NaN never get one.
func (h *histogram) addFirst(key uint64) {
	switch {
	case key == infinity:
		h.posInf++
		return
	case key == ^uint64(infinity):
		h.negInf++
		return
	case key > infinity || key < ^uint64(infinity):
		h.nan++
		return
	}
	number, i := h.number(key>>octaveShift), key>>basicShift%octaveCells
	h.used[number] |= 1 << i
	cell := &h.cells[number*octaveCells+int(i)]
	bucket, split := h.parts.bucket(key)
	if !split {
		*cell = 1
		return
	}
	*cell = ^int64(bucket * bucketStrides)
	h.search(key, bucket, int(h.parts.first[bucket]))
}

// number is that of an octave's cells, which it makes where there are none.
func (h *histogram) number(octave uint64) int {
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
	if h.octaves[at] == 0 {
		h.octaves[at] = uint16(len(h.used))
		h.cells = append(h.cells, make([]int64, octaveCells)...)
		h.used = append(h.used, 0)
		i, _ := slices.BinarySearch(h.seen, uint16(octave))
		h.seen = slices.Insert(h.seen, i, uint16(octave))
	}
	return int(h.octaves[at])
}

// tell puts what was counted into c. The buckets are good until the next call.
func (h *histogram) tell(c *Counts) {
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
