package drift

import (
	"cmp"
	"slices"
)

const (
	// MaxCategories is how many values of a categorical field are counted by
	// hash, in a Counter and in any sum of Counts: those of the smallest hashes,
	// the rest is Other. So it does not depend on the order of events or of sums
	// which values are counted, and the counts of those are complete.
	MaxCategories = 10_000
	// MaxText is how many bytes a value may have for Counter.Texts to tell it.
	// Longer ones are counted by their hash alone.
	MaxText = 256
)

// valueTable counts texts by hash, in an open-addressing table, while no reference
// says which are of interest.
type valueTable struct {
	entries []valueEntry // free where n is 0
	used    int
	limit   uint64 // the largest hash that may be among the smallest MaxCategories
	other   int64
	texts   []byte // of all entries, one after the other
	sorted  []valueEntry
	spare   []byte // texts while they move
	result  []Category
}

type valueEntry struct {
	hash    uint64
	n       int64
	at, len int32 // of the text; at is negative where that is too long to keep
}

func newValueTable() *valueTable {
	return &valueTable{entries: make([]valueEntry, 64), limit: ^uint64(0)}
}

// add counts a value.
func (v *valueTable) add(hash uint64, text []byte) {
	if hash > v.limit {
		v.other++
		return
	}
	e := v.find(hash)
	if e.n++; e.n > 1 {
		return
	}
	e.hash, e.at = hash, -1
	if len(text) <= MaxText {
		e.at, e.len = int32(len(v.texts)), int32(len(text))
		v.texts = append(v.texts, text...)
	}
	if v.used++; v.used > 2*MaxCategories {
		v.prune()
	} else if v.used > len(v.entries)/2 {
		v.grow()
	}
}

// find gives the entry of a hash, or the free one where it would be.
func (v *valueTable) find(hash uint64) *valueEntry {
	mask := uint64(len(v.entries) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if e := &v.entries[i]; e.hash == hash || e.n == 0 {
			return e
		}
	}
}

func (v *valueTable) grow() {
	old := v.entries
	v.entries = make([]valueEntry, 2*len(old))
	for _, e := range old {
		if e.n > 0 {
			*v.find(e.hash) = e
		}
	}
}

// byHash gives all entries in order, until the next call.
func (v *valueTable) byHash() []valueEntry {
	v.sorted = v.sorted[:0]
	for _, e := range v.entries {
		if e.n > 0 {
			v.sorted = append(v.sorted, e)
		}
	}
	slices.SortFunc(v.sorted, func(a, b valueEntry) int { return cmp.Compare(a.hash, b.hash) })
	return v.sorted
}

// prune leaves the values of the smallest hashes, MaxCategories at most.
func (v *valueTable) prune() {
	if v.used <= MaxCategories {
		return
	}
	all := v.byHash()
	for _, e := range all[MaxCategories:] {
		v.other += e.n
	}
	all = all[:MaxCategories]
	v.limit, v.used = all[MaxCategories-1].hash, MaxCategories
	clear(v.entries)
	texts := v.spare[:0]
	for _, e := range all {
		if e.at >= 0 {
			text := v.texts[e.at : e.at+e.len]
			e.at = int32(len(texts))
			texts = append(texts, text...)
		}
		*v.find(e.hash) = e
	}
	v.texts, v.spare = texts, v.texts
}

// categories gives the counts by hash, until the next call.
func (v *valueTable) categories() []Category {
	v.prune()
	v.result = v.result[:0]
	for _, e := range v.byHash() {
		v.result = append(v.result, Category{e.hash, e.n})
	}
	return v.result
}

// each calls yield for every text that was kept.
func (v *valueTable) each(yield func(uint64, string) bool) bool {
	v.prune()
	for _, e := range v.entries {
		if e.n > 0 && e.at >= 0 && !yield(e.hash, string(v.texts[e.at:e.at+e.len])) {
			return false
		}
	}
	return true
}

func (v *valueTable) reset() {
	clear(v.entries)
	v.used, v.limit, v.other, v.texts = 0, ^uint64(0), 0, v.texts[:0]
}
