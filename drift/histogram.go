package drift

import (
	"math/bits"
	"slices"
)

const (
	cellBits  = 6 // of a key that a node looks at
	nodeCells = 1 << cellBits
	rootShift = 64 - cellBits
	rootNode  = nodeCells // the first node's cells stand for those of nodes that are not there
)

// histogram counts numbers in a trie over the bits of their keys, six a level.
// Three levels tell the basic buckets apart, and only where these were split it
// goes deeper. So a number costs three loads and no comparison of keys, the
// buckets come out in order without sorting, and emptying touches only what was
// counted. A hash table, the alternative, has to be sorted for every delta.
//
// Nodes stay when it is emptied: what it takes is that of all buckets ever seen,
// some 10 kB as a rule and 6 MB if there were numbers of every size.
type histogram struct {
	splits []uint64
	// cells are nodes of 64. A cell is a count, or, negative, where the cells of
	// the node begin that looks at further bits.
	cells []int64
	used  []uint64 // a node's cells in which something was counted, a bit each

	nan, posInf, negInf int64

	buckets []Bucket // the last result, to be used again
}

func newHistogram(l *Layout) *histogram {
	return &histogram{splits: l.Splits, cells: make([]int64, 2*nodeCells), used: make([]uint64, 2)}
}

// add counts a number.
func (h *histogram) add(v float64) {
	key := Key(v)
	exponents := -h.cells[rootNode+key>>rootShift]
	node := -h.cells[exponents+int64(key>>(rootShift-cellBits)%nodeCells)]
	for shift := uint(basicShift); ; shift = deeper(shift) {
		cell := &h.cells[node+int64(key>>shift%nodeCells)]
		if *cell > 0 {
			*cell++
			return
		}
		if *cell == 0 {
			h.addFirst(key)
			return
		}
		node = -*cell
	}
}

// deeper is the shift of the next level. The last one looks at two bits again.
func deeper(shift uint) uint {
	if shift < cellBits {
		return 0
	}
	return shift - cellBits
}

// addFirst counts a key whose cell is empty, and marks the way to it. Infinities
// and NaN never get a cell and so always come here.
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
	node := int64(rootNode)
	for shift := uint(rootShift); ; shift = deeper(shift) {
		i := key >> shift % nodeCells
		h.used[node/nodeCells] |= 1 << i
		cell := node + int64(i)
		if h.cells[cell] == 0 {
			if shift <= basicShift && !h.splitWithin(key>>shift<<shift, shift) {
				h.cells[cell] = 1
				return
			}
			h.cells[cell] = -int64(len(h.cells))
			h.cells = append(h.cells, make([]int64, nodeCells)...)
			h.used = append(h.used, 0)
		}
		node = -h.cells[cell]
	}
}

// splitWithin tells whether the keys of a cell, all that differ from its first in
// the last shift bits only, belong to more than one bucket.
func (h *histogram) splitWithin(first uint64, shift uint) bool {
	i, _ := slices.BinarySearch(h.splits, first+1)
	return i < len(h.splits) && h.splits[i]-first < 1<<shift
}

// counts puts what was counted into c. The buckets are good until the next call.
func (h *histogram) counts(c *Counts) {
	c.NaN, c.PosInf, c.NegInf = h.nan, h.posInf, h.negInf
	h.buckets = h.buckets[:0]
	h.collect(rootNode, 0, rootShift, h.splits)
	c.Buckets = h.buckets
}

// collect appends the buckets that a node and those below it counted, of keys that
// begin with prefix. It returns the splits from the last that it came to on.
func (h *histogram) collect(node int64, prefix uint64, shift uint, splits []uint64) []uint64 {
	for used := h.used[node/nodeCells]; used != 0; used &= used - 1 {
		i := bits.TrailingZeros64(used)
		key := prefix | uint64(i)<<shift
		count := h.cells[node+int64(i)]
		if count < 0 {
			splits = h.collect(-count, key, deeper(shift), splits)
			continue
		}
		for len(splits) > 1 && splits[1] <= key {
			splits = splits[1:]
		}
		if len(splits) > 0 && splits[0] <= key {
			key = max(splits[0], basicBucket(key)) // several cells may be one bucket
		}
		if last := len(h.buckets) - 1; last >= 0 && h.buckets[last].Key == key {
			h.buckets[last].N += count
		} else {
			h.buckets = append(h.buckets, Bucket{key, count})
		}
	}
	return splits
}

func (h *histogram) reset() {
	h.nan, h.posInf, h.negInf = 0, 0, 0
	h.empty(rootNode)
}

// empty empties the cells of a node and of those below it.
func (h *histogram) empty(node int64) {
	for used := h.used[node/nodeCells]; used != 0; used &= used - 1 {
		cell := &h.cells[node+int64(bits.TrailingZeros64(used))]
		if *cell < 0 {
			h.empty(-*cell)
		} else {
			*cell = 0
		}
	}
	h.used[node/nodeCells] = 0
}
