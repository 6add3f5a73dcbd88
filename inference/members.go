package inference

import (
	"bytes"
	"hash/maphash"
	"math"
	"math/bits"
	"unsafe"
)

// members knows the mapped members of one object, and has learned how events
// write it.
//
// Producers write their objects' keys in the same order again and again, with
// the same white space. So what stands between one value and the next (comma,
// key, colon: a gap) is remembered with what followed it, and the next gap is
// foreseen: one comparison of bytes replaces parsing, unescaping and looking up
// the key. Bytes that equal a remembered gap need no checking, for they were
// checked when it was learned. Two guesses are kept for what follows a gap, so
// that one optional field does not spoil them. Nothing is ever allocated, and
// the memory is bounded: when objects have more kinds of gaps than slots, all
// are forgotten and learning begins again.
type members struct {
	byKey map[string]*node
	slots []slot  // 0: before the first member; 1: after a gap that was not learned
	index []int32 // open addressing by the hash of the gap; 0: free
	used  int
	seed  maphash.Seed
}

const gapWords = 6

// slot is a learned gap.
type slot struct {
	gap   [gapWords]uint64 // its bytes
	size  int              // of the gap; more than any event's for what must never match
	child *node            // nil: the member is not mapped
	next  *slot            // the best guess for what follows
	other *slot            // the second best
}

// matches tells whether the slot's gap is at p.
func (s *slot) matches(data []byte, p int) bool {
	return len(data)-p >= s.size && string(data[p:p+s.size]) == unsafe.String((*byte)(unsafe.Pointer(&s.gap)), s.size)
}

func newMembers(mapped int) *members {
	slots := 2*mapped + 64
	m := &members{
		byKey: make(map[string]*node, mapped),
		slots: make([]slot, slots),
		index: make([]int32, 1<<bits.Len(uint(2*slots))),
		seed:  maphash.MakeSeed(),
	}
	m.forget()
	return m
}

// forget drops all that was learned.
func (m *members) forget() {
	clear(m.index)
	m.used = 2
	for i := range m.slots {
		m.slots[i] = slot{size: math.MaxInt, next: &m.slots[0], other: &m.slots[0]}
	}
}

// learn gives the slot of a gap, which it makes if there is none, and whether
// it was made. Gaps too long for a slot share one that is not remembered.
func (m *members) learn(gap []byte) (s *slot, fresh bool) {
	if len(gap) > gapWords*8 {
		return &m.slots[1], true
	}
	hash := maphash.Bytes(m.seed, gap)
	at := hash & uint64(len(m.index)-1)
	for ; m.index[at] != 0; at = (at + 1) & uint64(len(m.index)-1) {
		if s = &m.slots[m.index[at]]; s.matches(gap, 0) {
			// The same, or the same key before less white space.
			return s, false
		}
	}
	if m.used == len(m.slots) {
		m.forget()
		at = hash & uint64(len(m.index)-1)
	}
	s = &m.slots[m.used]
	m.index[at] = int32(m.used)
	m.used++
	s.size = len(gap)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&s.gap)), gapWords*8), gap)
	return s, true
}

// resolve parses the gap at p, which is not the one foreseen after prev. It
// gives the position of the value and the gap's slot; no slot when the object
// ends there, or -1.
func (b *Batch) resolve(data []byte, p int, m *members, prev *slot) (int, *slot) {
	if s := prev.other; s.matches(data, p) {
		prev.next, prev.other = s, prev.next
		return skipSpace(data, p+s.size), s
	}
	gap := p
	if p = skipSpace(data, p); p < len(data) && data[p] == '}' {
		return p + 1, nil
	}
	if prev != &m.slots[0] {
		if p >= len(data) || data[p] != ',' {
			return b.fault.unexpected(data, p, `"," or "}"`), nil
		}
		p = skipSpace(data, p+1)
	}
	quote := p
	if p = skipKey(data, p, &b.fault); p < 0 {
		return -1, nil
	}
	s, fresh := m.learn(data[gap:p])
	if fresh {
		key := data[quote+1 : p]
		key = key[:bytes.LastIndexByte(key, '"')]
		if bytes.IndexByte(key, '\\') >= 0 {
			b.scratch = appendUnescaped(b.scratch[:0], key)
			key = b.scratch
		}
		s.child = m.byKey[string(key)]
	}
	prev.next, prev.other = s, prev.next
	return p, s
}
