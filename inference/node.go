package inference

import "unsafe"

// opcode is what to do with the value at a node.
type opcode uint8

const (
	opSeveral  opcode = iota // whatever the node asks for, one after the other
	opFloat32                // one float32 element of a row
	opCell                   // one element of a row
	opArray                  // a row
	opPass                   // kept for the prediction
	opTime                   // the event's time
	opMembers                // an object with mapped members
	opElements               // an array with mapped elements
)

// node is a plannedNode bound to one Batch's memory.
type node struct {
	op      opcode
	needed  bool
	index   int // in the plan and in sets of nodes
	word    int // of sets of nodes
	mask    uint64
	address unsafe.Pointer // opFloat32: the element in row 0
	stride  int            // opFloat32: bytes from row to row

	target   *target  // the first one
	targets  []target // all
	members  *members
	elements []arrayElement
	name     string
	flag     string // "missing:NAME" as JSON
}

// arrayElement is a mapped element of an array, in the order of the indexes.
type arrayElement struct {
	index int
	node  *node
}

// bindNodes makes the Batch's nodes of the plan's.
func (b *Batch) bindNodes() {
	b.nodes = make([]node, len(b.plan.nodes))
	b.root = &b.nodes[0]
	b.root.members = newMembers(len(b.plan.nodes[0].children))
	for i := range b.plan.nodes {
		from, n := &b.plan.nodes[i], &b.nodes[i]
		n.index, n.word, n.mask = i, i>>6, 1<<(i&63)
		n.needed, n.targets, n.name = from.needed, from.targets, from.name
		n.flag = string(appendText(nil, []byte("missing:"+from.name)))
		b.bindChildren(n, from.children)
		for t := range n.targets {
			if n.targets[t].kind != passTarget {
				b.features[n.word] |= n.mask
			}
		}
		n.op = b.choose(n)
	}
}

func (b *Batch) bindChildren(n *node, children []int) {
	for _, child := range children {
		last := b.plan.nodes[child].last()
		if last.index < 0 {
			if n.members == nil {
				n.members = newMembers(len(children))
			}
			n.members.byKey[last.key] = &b.nodes[child]
			continue
		}
		at := len(n.elements)
		for at > 0 && n.elements[at-1].index > last.index {
			at--
		}
		n.elements = append(n.elements, arrayElement{})
		copy(n.elements[at+1:], n.elements[at:])
		n.elements[at] = arrayElement{last.index, &b.nodes[child]}
	}
}

// choose picks the node's opcode.
func (b *Batch) choose(n *node) opcode {
	switch {
	case len(n.targets) == 0 && n.members != nil, n == b.root:
		return opMembers
	case len(n.targets) == 0:
		return opElements
	case len(n.targets) > 1 || n.members != nil || n.elements != nil:
		return opSeveral
	}
	n.target = &n.targets[0]
	switch n.target.kind {
	case arrayTarget:
		return opArray
	case passTarget:
		return opPass
	case timeTarget:
		return opTime
	}
	if s := &b.stores[n.target.input]; s.typ == Float32 {
		n.address, n.stride = s.at(n.target.column), s.width*s.size
		return opFloat32
	}
	return opCell
}
