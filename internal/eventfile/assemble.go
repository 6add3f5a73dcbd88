package eventfile

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/penstock/penstock/inference"
)

// assembler puts a row's values, which Parquet stores leaf column by leaf
// column, together again: one cell a column, lists and maps as JSON.
type assembler struct {
	row  parquet.Row
	next []int // the next value of each leaf column within row
	end  []int // where the leaf column's values end within row
}

func newAssembler(f *parquet.File) assembler {
	leaves := len(f.Schema().Columns())
	return assembler{next: make([]int, leaves), end: make([]int, leaves)}
}

// load takes a row and finds its columns. Every leaf column has a value in
// every row, be it null; a file that breaks that cannot be read.
func (a *assembler) load(row parquet.Row) error {
	a.row = row
	at := 0
	for leaf := range a.next {
		a.next[leaf] = at
		for at < len(row) && row[at].Column() == leaf {
			at++
		}
		a.end[leaf] = at
		if a.next[leaf] == at {
			return fmt.Errorf("the Parquet file is damaged: leaf column %d has no value", leaf)
		}
	}
	return nil
}

// peek is the next value of a leaf column, and false behind the last.
func (a *assembler) peek(leaf int) (parquet.Value, bool) {
	if a.next[leaf] == a.end[leaf] {
		return parquet.Value{}, false
	}
	return a.row[a.next[leaf]], true
}

// cell reads the column's value into cell. Text that has to be made is
// appended to text, which is returned.
func (a *assembler) cell(cell *inference.Cell, c *column, text []byte) []byte {
	n := c.node
	v, _ := a.peek(n.leaf)
	present := n.def
	if n.repeated {
		present-- // no element at all is an empty list, not a missing one
	}
	if v.DefinitionLevel() < present {
		a.drop(n)
		return text
	}
	if n.shape == leafShape && !n.repeated {
		a.next[n.leaf]++
		return n.value(cell, v, text)
	}
	begin := len(text)
	text = a.append(text, n)
	*cell = inference.Cell{Kind: inference.CellJSON, Bytes: text[begin:len(text):len(text)]}
	return text
}

// drop passes over the one value that every leaf below an absent node has.
func (a *assembler) drop(n *node) {
	for leaf := n.leaf; leaf < n.leaf+n.leaves; leaf++ {
		a.next[leaf]++
	}
}

// append writes n as JSON, whether it is there or not.
func (a *assembler) append(dst []byte, n *node) []byte {
	if n.repeated {
		return a.appendArray(dst, n, n)
	}
	if v, _ := a.peek(n.leaf); n.optional && v.DefinitionLevel() < n.def {
		a.drop(n)
		return append(dst, "null"...)
	}
	return a.appendPresent(dst, n)
}

func (a *assembler) appendPresent(dst []byte, n *node) []byte {
	switch n.shape {
	case leafShape:
		v, _ := a.peek(n.leaf)
		a.next[n.leaf]++
		var cell inference.Cell
		n.value(&cell, v, nil)
		return appendCellJSON(dst, &cell)
	case listShape:
		return a.appendArray(dst, n.children[0], n.element())
	case mapShape:
		return a.appendMap(dst, n.children[0])
	}
	dst = append(dst, '{')
	for i, child := range n.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, child.name)
		dst = append(dst, ':')
		dst = a.append(dst, child)
	}
	return append(dst, '}')
}

// appendArray writes what r repeats. element is r itself or its only child.
func (a *assembler) appendArray(dst []byte, r, element *node) []byte {
	dst = append(dst, '[')
	dst = a.each(dst, r, func(dst []byte) []byte {
		if element == r {
			return a.appendPresent(dst, r)
		}
		return a.append(dst, element)
	})
	return append(dst, ']')
}

func (a *assembler) appendMap(dst []byte, r *node) []byte {
	key, value := r.children[0], r.children[1]
	dst = append(dst, '{')
	dst = a.each(dst, r, func(dst []byte) []byte {
		at := len(dst)
		dst = a.append(dst, key)
		if dst[at] != '"' { // an object's key is text, whatever the map's was
			bare := string(dst[at:])
			dst = appendQuoted(dst[:at], bare)
		}
		dst = append(dst, ':')
		return a.append(dst, value)
	})
	return append(dst, '}')
}

// each writes r's repetitions with commas between them; none when r is empty.
func (a *assembler) each(dst []byte, r *node, one func([]byte) []byte) []byte {
	v, _ := a.peek(r.leaf)
	if v.DefinitionLevel() < r.def {
		a.drop(r)
		return dst
	}
	for {
		dst = one(dst)
		v, ok := a.peek(r.leaf)
		if !ok || v.RepetitionLevel() != r.rep {
			return dst
		}
		dst = append(dst, ',')
	}
}
