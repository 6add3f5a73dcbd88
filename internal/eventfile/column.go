package eventfile

import (
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// column is one cell of a Parquet row: a leaf, or a whole list or map.
type column struct {
	name string // the groups' names and its own, joined by dots
	node *node
}

// shape tells how a node's value is written.
type shape uint8

const (
	leafShape shape = iota
	groupShape
	listShape // its one child is repeated
	mapShape  // its one child is repeated and has a key and a value
)

// node is one element of a file's schema with the levels that Parquet encodes
// nesting in: a value whose definition level is below def is absent at this
// node or above it, and a repeated node goes on while the next value's
// repetition level is rep.
type node struct {
	name     string
	shape    shape
	repeated bool
	optional bool
	def, rep int
	leaf     int // the first leaf column at or below
	leaves   int // how many there are
	value    converter
	leafKind ColumnKind
	children []*node
}

// kind is what the values of a column of the node are.
func (n *node) kind() ColumnKind {
	if n.shape == leafShape && !n.repeated {
		return n.leafKind
	}
	return NestedColumn
}

// compileColumns lists a file's cells in file order.
func compileColumns(f *parquet.File) []column {
	b := schemaBuilder{}
	for _, e := range f.Metadata().Schema {
		if e.NumChildren.V == 0 {
			b.elements = append(b.elements, e)
		}
	}
	var columns []column
	for _, c := range f.Root().Columns() {
		columns = appendColumns(columns, nil, b.node(c, 0, 0))
	}
	return columns
}

func appendColumns(columns []column, path []string, n *node) []column {
	path = append(path, n.name)
	if n.shape != groupShape || n.repeated {
		return append(columns, column{name: strings.Join(path, "."), node: n})
	}
	for _, child := range n.children {
		columns = appendColumns(columns, path[:len(path):len(path)], child)
	}
	return columns
}

type schemaBuilder struct {
	elements []format.SchemaElement // of the leaves, in order
	leaf     int
}

func (b *schemaBuilder) node(c *parquet.Column, def, rep int) *node {
	n := &node{name: c.Name(), repeated: c.Repeated(), optional: c.Optional(), leaf: b.leaf}
	if n.repeated {
		def, rep = def+1, rep+1
	}
	if n.optional {
		def++
	}
	n.def, n.rep = def, rep
	if c.Leaf() {
		n.leaves = 1
		n.value, n.leafKind = converterOf(c.Type(), b.elements[b.leaf]), leafKind(c.Type(), b.elements[b.leaf])
		b.leaf++
		return n
	}
	n.shape = groupShape
	for _, child := range c.Columns() {
		n.children = append(n.children, b.node(child, def, rep))
	}
	n.leaves = b.leaf - n.leaf
	n.shape = groupOrCollection(c, n)
	return n
}

// groupOrCollection recognises the annotated list and map layouts. What is
// annotated but built otherwise is shown as the group that it is.
func groupOrCollection(c *parquet.Column, n *node) shape {
	if len(n.children) != 1 || !n.children[0].repeated {
		return groupShape
	}
	logical := c.Type().LogicalType()
	if logical == nil {
		return groupShape
	}
	switch logical.Value.(type) {
	case *format.ListType:
		return listShape
	case *format.MapType:
		if len(n.children[0].children) == 2 {
			return mapShape
		}
	}
	return groupShape
}

// element is what stands in a list: the repeated node's only child in the
// three-level layout, the repeated node itself in the older ones.
func (n *node) element() *node {
	r := n.children[0]
	if r.shape == groupShape && len(r.children) == 1 && r.name != "array" && r.name != n.name+"_tuple" {
		return r.children[0]
	}
	return r
}
