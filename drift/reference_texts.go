package drift

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

const (
	// DefaultTop is how many categories are counted by name where a field does
	// not say.
	DefaultTop = 100
	// maxSeen is how many different values of a field a reference remembers.
	maxSeen = 1 << 16
	// maxCandidates is how many of those, the first ones, may get a name: they
	// are counted a block.
	maxCandidates = 1 << 13
	// maxName is how many bytes a name has at most.
	maxName = 256
)

// textColumn gathers a categorical field.
type textColumn struct {
	field  Field
	counts Counts // Missing, TypeErrors
	seen   map[uint64]int32
	texts  []seenText // in order of their first row
	more   int64      // of values that are not in texts
	blocks []textBlock
}

// seenText is one value.
type seenText struct {
	hash uint64
	n    int64
	name string // "" where nameless is set
	// nameless: it is too long, or no UTF-8, which JSON could not hold.
	nameless bool
}

// textBlock is what a block of the reference holds of the field.
type textBlock struct {
	missing    int64
	typeErrors int64
	candidates []uint32 // by number of the text
	others     int64
}

func newTextColumn(f Field) *textColumn {
	if f.Top == 0 {
		f.Top = DefaultTop
	}
	return &textColumn{field: f, seen: map[uint64]int32{}}
}

// add counts n times a value in a block. Where named is not set, only its hash is
// known.
func (c *textColumn) add(hash uint64, v []byte, named bool, n int64, block int32) {
	i, ok := c.seen[hash]
	if !ok && len(c.texts) < maxSeen {
		i, ok = int32(len(c.texts)), true
		c.seen[hash] = i
		t := seenText{hash: hash, nameless: !named || len(v) > maxName || !utf8.Valid(v)}
		if !t.nameless && i < maxCandidates {
			t.name = string(v)
		}
		c.texts = append(c.texts, t)
	}
	b := c.block(block)
	if !ok {
		c.more += n
		b.others += n
		return
	}
	c.texts[i].n += n
	if i >= maxCandidates {
		b.others += n
		return
	}
	for len(b.candidates) <= int(i) {
		b.candidates = append(b.candidates, 0)
	}
	b.candidates[i] += uint32(n)
}

func (c *textColumn) missing(block int32) {
	c.counts.Missing++
	c.block(block).missing++
}

func (c *textColumn) typeError(block int32) {
	c.counts.TypeErrors++
	c.block(block).typeErrors++
}

// addCounts adds what was counted without a reference.
func (c *textColumn) addCounts(o *Counts, texts map[uint64]string, block int32) {
	for _, k := range o.Categories {
		name, named := texts[k.Key]
		c.add(k.Key, []byte(name), named, k.N, block)
	}
	b := c.block(block)
	b.missing += o.Missing
	b.typeErrors += o.TypeErrors
	b.others += o.Other + o.New
	c.more += o.Other + o.New
	c.counts.Missing += o.Missing
	c.counts.TypeErrors += o.TypeErrors
}

func (c *textColumn) block(i int32) *textBlock {
	for len(c.blocks) <= int(i) {
		c.blocks = append(c.blocks, textBlock{})
	}
	return &c.blocks[i]
}

func (c *textColumn) join(to []int32, blocks int) {
	joined := make([]textBlock, blocks)
	for i := range c.blocks {
		b, o := &joined[to[i]], &c.blocks[i]
		b.missing += o.missing
		b.typeErrors += o.typeErrors
		b.others += o.others
		if len(b.candidates) < len(o.candidates) {
			b.candidates, o.candidates = o.candidates, b.candidates
		}
		for j, n := range o.candidates {
			b.candidates[j] += n
		}
	}
	c.blocks = joined
}

func (c *textColumn) build(order []int32) ReferenceField {
	f := ReferenceField{Field: c.field, Counts: c.counts, Open: c.more > 0}
	named := c.named()
	for _, i := range named {
		f.Names = append(f.Names, c.texts[i].name)
		f.Counts.Categories = append(f.Counts.Categories, Category{c.texts[i].hash, c.texts[i].n})
	}
	slices.SortFunc(f.Counts.Categories, func(a, b Category) int { return compareCategory(a, b.Key) })
	f.Counts.Rows = c.counts.Missing + c.counts.TypeErrors + c.more
	f.Counts.Other = c.more
	for i := range c.texts {
		f.Counts.Rows += c.texts[i].n
		if _, ok := slices.BinarySearchFunc(f.Counts.Categories, c.texts[i].hash, compareCategory); !ok {
			f.Counts.Other += c.texts[i].n
			f.Known = append(f.Known, c.texts[i].hash)
		}
	}
	slices.Sort(f.Known)
	if f.Open {
		f.Known = nil // nothing is new anyway
	}
	for _, i := range order {
		f.Blocks = append(f.Blocks, c.block(i).cells(named))
	}
	return f
}

// named are the numbers of the texts that are counted by name, by descending
// count, and of one count by name.
func (c *textColumn) named() []int32 {
	var all []int32
	for i := range c.texts[:min(len(c.texts), maxCandidates)] {
		if !c.texts[i].nameless {
			all = append(all, int32(i))
		}
	}
	slices.SortFunc(all, func(a, b int32) int {
		return cmp.Or(cmp.Compare(c.texts[b].n, c.texts[a].n), cmp.Compare(c.texts[a].name, c.texts[b].name))
	})
	return all[:min(len(all), c.field.Top)]
}

// cells are those of the field that names the texts of the numbers in named.
func (b *textBlock) cells(named []int32) []int64 {
	other := b.others
	for _, n := range b.candidates {
		other += int64(n)
	}
	cells := make([]int64, 0, len(named)+4)
	for _, i := range named {
		var n int64
		if int(i) < len(b.candidates) {
			n = int64(b.candidates[i])
		}
		cells = append(cells, n)
		other -= n
	}
	return append(cells, other, 0, b.missing, b.typeErrors)
}
