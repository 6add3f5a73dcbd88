package drift

import "slices"

// Where a dictionary counts values that have no name.
const (
	newSlot = iota
	otherSlot
	firstName // that of the smallest hash; the others follow
)

// dictionary says where a value of a categorical field is counted, once a
// reference has told which are of interest. It is immutable.
type dictionary struct {
	hashes  []uint64 // of the names, ascending
	entries []dictionaryEntry
}

// dictionaryEntry is one place of an open-addressing table; newSlot marks those
// that are free, so that whatever is not found is new.
type dictionaryEntry struct {
	hash uint64
	slot int
}

func newDictionary(names []string, known []uint64) *dictionary {
	d := &dictionary{hashes: make([]uint64, len(names))}
	for i, name := range names {
		d.hashes[i] = Hash([]byte(name))
	}
	slices.Sort(d.hashes)
	size := 2
	for size < 2*(len(names)+len(known)) {
		size *= 2
	}
	d.entries = make([]dictionaryEntry, size)
	for i, hash := range d.hashes {
		d.insert(hash, firstName+i)
	}
	for _, hash := range known {
		d.insert(hash, otherSlot)
	}
	return d
}

// insert leaves what is there: a name that is also known stays a name.
func (d *dictionary) insert(hash uint64, slot int) {
	if e := d.find(hash); e.slot == newSlot {
		*e = dictionaryEntry{hash, slot}
	}
}

// find gives the entry of a hash, or the free one where it would be.
func (d *dictionary) find(hash uint64) *dictionaryEntry {
	mask := uint64(len(d.entries) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if e := &d.entries[i]; e.hash == hash || e.slot == newSlot {
			return e
		}
	}
}
