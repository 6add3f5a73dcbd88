package drift

import (
	"cmp"
	"slices"
)

const (
	strideShift   = basicShift - 6 // a stride is a 64th of a basic bucket
	bucketStrides = 1 << (basicShift - strideShift)
)

// parts finds those that a layout splits basic buckets into, by their place in its
// Splits. It is immutable.
type parts struct {
	keys  []uint64 // where they begin: the layout's splits
	first []int32  // of each basic bucket that is split, ascending
	// strides has for each of these, 64 a bucket, the part that it is in; or, where
	// it is in several, ^ of the first one.
	strides []int32
}

func newParts(l *Layout) *parts {
	p := &parts{keys: l.Splits}
	for part, key := range p.keys {
		if key != basicBucket(key) {
			continue
		}
		p.first = append(p.first, int32(part))
		for stride := range uint64(bucketStrides) {
			begin := key + stride<<strideShift
			for part+1 < len(p.keys) && p.keys[part+1] <= begin {
				part++
			}
			at := int32(part)
			if part+1 < len(p.keys) && p.keys[part+1] < begin+1<<strideShift {
				at = ^at
			}
			p.strides = append(p.strides, at)
		}
	}
	return p
}

// bucket is the number of the first split basic bucket from a key on.
func (p *parts) bucket(key uint64) int {
	n, _ := slices.BinarySearchFunc(p.first, key, func(part int32, key uint64) int { return cmp.Compare(p.keys[part], key) })
	return n
}

// of are the first part of a bucket and the one behind its last.
func (p *parts) of(bucket int) (from, to int) {
	if bucket+1 == len(p.first) {
		return int(p.first[bucket]), len(p.keys)
	}
	return int(p.first[bucket]), int(p.first[bucket+1])
}

// search finds the part that a key is in, which is not before from.
func (p *parts) search(key uint64, from int32) int32 {
	next, found := slices.BinarySearch(p.keys[from:], key)
	if !found {
		next--
	}
	return from + int32(next)
}
