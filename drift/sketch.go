package drift

import (
	"math/bits"
	"slices"
	"sort"
)

// A sketch counts values at a resolution that follows the data, after the
// q-digest of Shrivastava, Buragohain, Agrawal and Suri (2004): every value by
// itself while there is room; then stretches of keys that hold next to nothing are
// counted as one. It is ordered by key, and of equal keys the longer stretch
// first: a stretch may lie within one that was counted before it became worth
// more. No stretch reaches beyond a basic bucket, so that their counts are exact.
type sketch []stretch

// A stretch is n values in the keys from key up to key+1<<shift.
type stretch struct {
	key   uint64
	n     int64
	shift uint8
}

func (a stretch) before(b stretch) bool {
	if a.key != b.key {
		return a.key < b.key
	}
	return a.shift > b.shift
}

// newSketch counts sorted samples, all by themselves.
func newSketch(samples []sample) sketch {
	d := make(sketch, 0, len(samples))
	for _, s := range samples {
		if last := len(d) - 1; last >= 0 && d[last].key == s.key {
			d[last].n++
			continue
		}
		d = append(d, stretch{key: s.key, n: 1})
	}
	return d
}

func (d sketch) total() int64 {
	var n int64
	for i := range d {
		n += d[i].n
	}
	return n
}

// merge gives the sum of both in a slice of its own.
func (d sketch) merge(o sketch) sketch {
	sum := make(sketch, 0, len(d)+len(o))
	i, j := 0, 0
	for i < len(d) && j < len(o) {
		switch {
		case d[i].before(o[j]):
			sum = append(sum, d[i])
			i++
		case o[j].before(d[i]):
			sum = append(sum, o[j])
			j++
		default:
			both := d[i]
			both.n += o[j].n
			sum = append(sum, both)
			i, j = i+1, j+1
		}
	}
	return append(append(sum, d[i:]...), o[j:]...)
}

// shrink brings a sketch that has more stretches than room down to about half of
// that: every longest one that holds at most 4/room of all values is then counted as
// one. What it holds is then known to be there, and no longer where.
func (d sketch) shrink(room int) sketch {
	if len(d) <= room {
		return d
	}
	c := collapse{all: d, sums: make([]int64, len(d)+1), out: d[:0]}
	for i := range d {
		c.sums[i+1] = c.sums[i] + d[i].n
	}
	c.limit = c.sums[len(d)] * 4 / int64(room)
	for from := 0; from < len(d); {
		to := c.search(from, len(d), (d[from].key>>basicShift+1)<<basicShift)
		c.reduce(from, to)
		from = to
	}
	return slices.Clone(c.out)
}

// collapse is the state of one shrink. It writes to where it has read.
type collapse struct {
	all   sketch
	sums  []int64 // of all before
	limit int64
	out   sketch
}

// reduce emits what becomes of those from to to-1, which one basic bucket holds.
func (c *collapse) reduce(from, to int) {
	if from == to {
		return
	}
	first, n := c.all[from], c.sums[to]-c.sums[from]
	// The shortest stretch that holds them all; only the first can be as long by
	// itself.
	shift := max(uint8(bits.Len64(first.key^c.all[to-1].key)), first.shift)
	key := first.key &^ (1<<shift - 1)
	switch {
	case to-from == 1 || n <= c.limit:
		c.emit(stretch{key, n, shift})
	case first.shift == shift:
		c.emit(first)
		c.reduce(from+1, to)
	default:
		middle := c.search(from, to, key|1<<(shift-1))
		c.reduce(from, middle)
		c.reduce(middle, to)
	}
}

func (c *collapse) emit(v stretch) {
	if last := len(c.out) - 1; last >= 0 && c.out[last].key == v.key && c.out[last].shift == v.shift {
		c.out[last].n += v.n
		return
	}
	c.out = append(c.out, v)
}

// search is the first of those from to to-1 that begins at key or behind; a
// key of 0 is the end of all keys.
func (c *collapse) search(from, to int, key uint64) int {
	if key == 0 {
		return to
	}
	return from + sort.Search(to-from, func(i int) bool { return c.all[from+i].key >= key })
}
