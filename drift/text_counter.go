package drift

// textCounter counts the values of a categorical field: by the slots of a
// dictionary, or all by hash where there is none.
type textCounter struct {
	dictionary *dictionary
	slots      []int64
	open       bool
	values     *valueTable

	seen     [registers]uint8 // how many values differ
	distinct Distinct         // seen, as it was last told
	result   []Category
}

func newTextCounter(f *FieldSchema) *textCounter {
	if f.dictionary == nil {
		return &textCounter{values: newValueTable()}
	}
	return &textCounter{
		dictionary: f.dictionary, open: f.Open,
		slots: make([]int64, firstName+len(f.dictionary.hashes)),
	}
}

func (t *textCounter) add(text []byte) {
	hash := Hash(text)
	i, r := registerOf(hash)
	t.seen[i] = max(t.seen[i], r)
	if t.dictionary != nil {
		t.slots[t.dictionary.find(hash).slot]++
	} else {
		t.values.add(hash, text)
	}
}

func (t *textCounter) counts(c *Counts) {
	t.distinct.set(&t.seen)
	c.Distinct = &t.distinct
	if t.dictionary == nil {
		c.Categories, c.Other = t.values.categories(), t.values.other
		return
	}
	c.New, c.Other = t.slots[newSlot], t.slots[otherSlot]
	if t.open {
		c.New, c.Other = 0, c.New+c.Other
	}
	t.result = t.result[:0]
	for i, n := range t.slots[firstName:] {
		if n > 0 {
			t.result = append(t.result, Category{t.dictionary.hashes[i], n})
		}
	}
	c.Categories = t.result
}

func (t *textCounter) reset() {
	clear(t.slots)
	clear(t.seen[:])
	if t.values != nil {
		t.values.reset()
	}
}
