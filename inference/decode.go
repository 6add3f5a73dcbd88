package inference

import (
	"fmt"
	"unsafe"

	"github.com/penstock/penstock"
)

// DecodeJSON adds a row, decoded from an event that must be one JSON object, or
// rejects the event and leaves the batch as it was. It must not be called when
// the batch is Full. It does not allocate unless it rejects.
//
// A malformed event is rejected as such whatever else is wrong with it, then a
// value of the wrong type, then a missing one.
func (b *Batch) DecodeJSON(event []byte) *penstock.Rejection {
	b.begin(true)
	if r := b.tooLarge(len(event)); r != nil {
		return r
	}
	p := skipSpace(event, 0)
	if p >= len(event) || event[p] != '{' {
		return b.malformed(b.fault.unexpected(event, p, "a JSON object"))
	}
	if p = b.object(event, p+1, b.root.members, 1); p < 0 {
		return b.malformed(p)
	}
	if p = skipSpace(event, p); p < len(event) {
		return b.malformed(b.fault.at(p, "something follows the event's object"))
	}
	return b.finish()
}

// maxText bounds the text of one string input in a batch, half of what a TextRef
// can address: a batch with more of it is Full, so an event up to as large as
// the other half never meets the limit because of its neighbours.
const maxText = 1 << 31

// tooLarge rejects an event of so many bytes that its texts might not be
// addressable. One field may fill several columns with the same text.
func (b *Batch) tooLarge(size int) *penstock.Rejection {
	for _, s := range b.texts {
		if size > maxText/len(s.in.fields) {
			return &penstock.Rejection{
				Class: penstock.ClassTooLarge, Offset: -1,
				Reason: fmt.Sprintf("%d bytes are too many for string input %q", size, s.in.info.Name),
			}
		}
	}
	return nil
}

// begin prepares the row at hand.
func (b *Batch) begin(offsets bool) {
	b.offsets, b.rejection = offsets, nil
	clear(b.visited)
	clear(b.nulls)
	b.anyFilled[b.row], b.timed[b.row] = false, false
	if b.masks != nil {
		for i := range b.stores {
			b.stores[i].holes = b.stores[i].holes[:0]
		}
	}
}

// drop takes back what the row at hand has added, so that the next one finds it
// as Reset left it.
func (b *Batch) drop() {
	for _, s := range b.texts {
		s.text = s.text[:s.textMark]
	}
	b.copies = b.copies[:b.copied]
	clear(b.passed(b.row))
}

// malformed drops the row and rejects the event with the fault, whose position
// (-1) it takes for the caller's convenience.
func (b *Batch) malformed(int) *penstock.Rejection {
	b.drop()
	return &penstock.Rejection{Class: penstock.ClassDecode, Reason: b.fault.reason, Offset: b.fault.offset}
}

// reject remembers the first rejection that is no malformed event; those of
// class missing give way to others. Decoding goes on, since the rest of the
// event may be malformed.
func (b *Batch) reject(class penstock.ErrorClass, n *node, offset int, format string, args ...any) {
	if b.rejection != nil && (b.rejection.Class != penstock.ClassMissing || class == penstock.ClassMissing) {
		return
	}
	if !b.offsets {
		offset = -1
	}
	b.rejection = &penstock.Rejection{Class: class, Field: n.name, Reason: fmt.Sprintf(format, args...), Offset: offset}
}

// object decodes an object from behind its opening brace to behind its closing
// one. It stands depth containers deep, itself included.
func (b *Batch) object(data []byte, p int, m *members, depth int) int {
	prev := &m.slots[0]
	for {
		s := prev.next
		if s.matches(data, p) {
			// The learned gap may be the beginning of one with more white space.
			if p += s.size; p < len(data) && data[p] <= ' ' {
				p = skipSpace(data, p)
			}
		} else if p, s = b.resolve(data, p, m, prev); s == nil {
			return p
		}
		prev = s
		n := s.child
		if n == nil {
			if p = skipValue(data, p, depth, &b.fault); p < 0 {
				return -1
			}
			continue
		}
		if b.visited[n.word]&n.mask != 0 {
			return b.fault.at(p, "second value for the key of "+n.name)
		}
		b.visited[n.word] |= n.mask
		if n.op == opFloat32 {
			if f, end := shortNumber(data, p); end >= 0 {
				*(*float32)(unsafe.Add(n.address, b.row*n.stride)) = float32(f)
				p = end
				continue
			}
		}
		if p = b.value(data, p, n, depth); p < 0 {
			return -1
		}
	}
}

// value decodes the value at p, which belongs to a node and stands within depth
// containers.
func (b *Batch) value(data []byte, p int, n *node, depth int) int {
	switch n.op {
	case opMembers, opElements:
		return b.inner(data, p, n, depth)
	case opSeveral:
		end := b.inner(data, p, n, depth)
		if end < 0 {
			return -1
		}
		for i := range n.targets {
			b.reach(data, p, n, &n.targets[i], depth)
		}
		return end
	}
	return b.reach(data, p, n, n.target, depth)
}

// inner decodes what is mapped within the value at p.
func (b *Batch) inner(data []byte, p int, n *node, depth int) int {
	if p < len(data) {
		switch c := data[p]; {
		// No path is so long that these could be nested too deeply.
		case c == '{' && n.members != nil:
			return b.object(data, p+1, n.members, depth+1)
		case c == '[' && n.elements != nil:
			return b.array(data, p, n, depth+1)
		case c != 'n' && n.needed && (n.members != nil || n.elements != nil):
			wanted := "an object"
			if n.elements != nil {
				wanted = "an array"
			}
			b.reject(penstock.ClassType, n, p, "%s is wanted, not %s", wanted, valueWords(c))
		}
	}
	return skipValue(data, p, depth, &b.fault)
}

// array decodes an array with mapped elements. It stands depth containers deep,
// itself included.
func (b *Batch) array(data []byte, p int, n *node, depth int) int {
	if p = skipSpace(data, p+1); p < len(data) && data[p] == ']' {
		return p + 1
	}
	wanted := n.elements
	for i := 0; ; i++ {
		if len(wanted) > 0 && wanted[0].index == i {
			child := wanted[0].node
			wanted = wanted[1:]
			b.visited[child.word] |= child.mask
			p = b.value(data, p, child, depth)
		} else {
			p = skipValue(data, p, depth, &b.fault)
		}
		if p < 0 {
			return -1
		}
		if p = skipSpace(data, p); p < len(data) && data[p] == ']' {
			return p + 1
		}
		if p >= len(data) || data[p] != ',' {
			return b.fault.unexpected(data, p, `"," or "]"`)
		}
		p = skipSpace(data, p+1)
	}
}

// reach decodes the value at p to one target.
func (b *Batch) reach(data []byte, p int, n *node, t *target, depth int) int {
	if t.kind == passTarget {
		end := skipValue(data, p, depth, &b.fault)
		if end >= 0 {
			b.pass[b.row*len(b.plan.pass)+t.input] = data[p:end]
		}
		return end
	}
	if p < len(data) && data[p] == 'n' {
		b.nulls[n.word] |= n.mask
		b.nullAt[n.index] = p
		return skipLiteral(data, p, &b.fault)
	}
	switch t.kind {
	case timeTarget:
		end := skipValue(data, p, depth, &b.fault)
		if end >= 0 {
			b.readTime(data[p:end])
		}
		return end
	case arrayTarget:
		return b.wholeRow(data, p, n, t, depth)
	}
	s := &b.stores[t.input]
	end, why := b.scalar(data, p, s, t, b.row*s.width+t.column)
	if why != "" {
		b.wrongType(n, t, p, why)
		return skipValue(data, p, depth, &b.fault)
	}
	return end
}

// wrongType rejects the event for a value that does not fit its input.
func (b *Batch) wrongType(n *node, t *target, p int, why string) {
	in := &b.plan.inputs[t.input]
	wanted := takes(in.info.Type)
	if t.kind == arrayTarget {
		wanted = arrayWords(in)
	}
	b.reject(penstock.ClassType, n, p, "%s where %s takes %s", why, inputWords(&in.info), wanted)
}
