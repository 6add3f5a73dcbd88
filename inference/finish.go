package inference

import (
	"math/bits"

	"github.com/penstock/penstock"
)

// finish completes the row at hand, or drops it and says why. What the event
// brought is known only now, so only now is what it lacks looked at: for most
// events that is one comparison.
func (b *Batch) finish() *penstock.Rejection {
	for w, features := range b.features {
		for lacking := features &^ (b.visited[w] &^ b.nulls[w]); lacking != 0; lacking &= lacking - 1 {
			b.missing(&b.nodes[w*64+bits.TrailingZeros64(lacking)])
		}
	}
	if b.rejection != nil {
		b.drop()
		return b.rejection
	}
	for _, i := range b.masks {
		b.writeMask(&b.stores[i])
	}
	for _, s := range b.texts {
		s.textMark = len(s.text)
	}
	b.copied = len(b.copies)
	b.row++
	return nil
}

// missing fills what a missing field leaves open, or rejects the event.
func (b *Batch) missing(n *node) {
	for i := range n.targets {
		t := &n.targets[i]
		switch {
		case !t.feature():
		case t.policy != MissingReject:
			b.fillTarget(t)
			b.markFilled(n)
		case b.nulls[n.word]&n.mask != 0:
			b.reject(penstock.ClassMissing, n, b.nullAt[n.index], "null, and the mapping has no missing policy for it")
		default:
			b.reject(penstock.ClassMissing, n, -1, "absent, and the mapping has no missing policy for it")
		}
	}
}

// fillTarget writes a target's substitute: to its element, to its whole row, or as
// the only element of its ragged row.
func (b *Batch) fillTarget(t *target) {
	s := &b.stores[t.input]
	switch {
	case t.kind == cellTarget:
		at := b.row*s.width + t.column
		s.fill(at, &t.fill)
		s.hole(at)
	case s.in.layout == raggedLayout:
		at := s.starts[b.row]
		s.room(at)
		s.starts[b.row+1] = at + 1
		s.fill(at, &t.fill)
		s.hole(at)
	default:
		for at := b.row * s.width; at < (b.row+1)*s.width; at++ {
			s.fill(at, &t.fill)
			s.hole(at)
		}
	}
}

// markFilled flags a field of the row at hand as filled.
func (b *Batch) markFilled(n *node) {
	set := b.filled[b.row*b.words : (b.row+1)*b.words]
	if !b.anyFilled[b.row] {
		b.anyFilled[b.row] = true
		clear(set)
	}
	set[n.word] |= n.mask
}

// writeMask writes a mask's row: 1 where its source has a value from the event,
// 0 where it was filled or padded. A mask's rows lie as those of its source do.
func (b *Batch) writeMask(mask *store) {
	source := &b.stores[mask.in.maskOf]
	var zero substitute
	one := mask.in.one()
	if source.in.layout == raggedLayout {
		mask.starts[b.row+1] = source.starts[b.row+1]
		mask.room(mask.starts[b.row+1])
	}
	first, count := source.row(b.row)
	for at := first; at < first+count; at++ {
		mask.fill(at, &one)
	}
	for _, at := range source.holes {
		mask.fill(at, &zero)
	}
}
