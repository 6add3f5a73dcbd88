package inference

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/penstock/penstock"
)

// CellKind tells what a Cell holds.
type CellKind uint8

// The kinds.
const (
	CellNull   CellKind = iota
	CellText            // text of no type, from a CSV file: it is read as what the input wants
	CellString          // a string
	CellInt
	CellUint
	CellFloat
	CellBool
	CellJSON // raw JSON, such as a list of a Parquet file
)

// Cell is one value of a row of a CSV or Parquet file.
type Cell struct {
	Kind  CellKind
	Bytes []byte  // CellText, CellString, CellJSON; may be reused after DecodeCells
	Int   int64   // CellInt; CellUint by its bits; CellBool as 0 or 1
	Float float64 // CellFloat
}

// Columns is a file's header bound to a Plan.
type Columns struct {
	nodes   []int // by column; -1: the mapping has no use for it
	missing []string
}

// BindColumns binds a file's column names, which are paths. A column of JSON may
// also be a parent of what is mapped.
func (p *Plan) BindColumns(names []string) *Columns {
	c := &Columns{nodes: make([]int, len(names))}
	bound := make([]bool, len(p.nodes))
	for i, name := range names {
		if c.nodes[i] = p.column(name); c.nodes[i] >= 0 {
			bound[c.nodes[i]] = true
		}
	}
	for i := 1; i < len(p.nodes); i++ {
		n := &p.nodes[i]
		feature := slices.ContainsFunc(n.targets, func(t target) bool { return t.feature() })
		under := func(j int) bool { return bound[j] && n.path.under(p.nodes[j].path) }
		if feature && !slices.ContainsFunc(c.nodes, func(j int) bool { return j >= 0 && under(j) }) {
			c.missing = append(c.missing, n.name)
		}
	}
	return c
}

// column finds the node that a column's name means: the path as written, or the
// key itself, dots and all.
func (p *Plan) column(name string) int {
	for _, wanted := range []path{pathOrKey(name), {{key: name, index: -1}}} {
		for i := 1; i < len(p.nodes); i++ {
			if slices.Equal(p.nodes[i].path, wanted) {
				return i
			}
		}
	}
	return -1
}

// Missing lists the mapped paths that no column serves: they are missing in
// every row.
func (c *Columns) Missing() []string { return c.missing }

// DecodeCells adds a row, decoded from one cell a column, or rejects it and
// leaves the batch as it was. It must not be called when the batch is Full.
// Offsets of rejections are -1.
func (b *Batch) DecodeCells(c *Columns, cells []Cell) *penstock.Rejection {
	size := 0
	for i := range cells {
		size += len(cells[i].Bytes)
	}
	b.begin(false)
	if r := b.tooLarge(size); r != nil {
		return r
	}
	for i := range min(len(cells), len(c.nodes)) {
		if c.nodes[i] < 0 || cells[i].empty() {
			continue
		}
		n := &b.nodes[c.nodes[i]]
		if b.visited[n.word]&n.mask != 0 {
			b.fault.reason = "second column for this field"
			return b.badCell(n)
		}
		b.visited[n.word] |= n.mask
		if !b.cell(n, &cells[i]) {
			return b.badCell(n)
		}
	}
	return b.finish()
}

// empty tells whether the cell is a missing value.
func (c *Cell) empty() bool {
	switch c.Kind {
	case CellNull:
		return true
	case CellText:
		return len(c.Bytes) == 0
	}
	return false
}

// badCell drops the row for a cell that is malformed, by the fault.
func (b *Batch) badCell(n *node) *penstock.Rejection {
	r := b.malformed(-1)
	r.Field, r.Offset = n.name, -1
	return r
}

// cell decodes a cell that is not missing. It gives false when it is malformed.
func (b *Batch) cell(n *node, c *Cell) bool {
	if c.Kind == CellJSON {
		return b.document(c.Bytes, func(data []byte, p int) int { return b.value(data, p, n, 0) })
	}
	if (c.Kind == CellText || c.Kind == CellString) && !utf8.Valid(c.Bytes) {
		b.fault.reason = "invalid UTF-8"
		return false
	}
	if n.members != nil || n.elements != nil {
		if c.Kind == CellText {
			if !b.document(c.Bytes, func(data []byte, p int) int { return b.inner(data, p, n, 0) }) {
				return false
			}
		} else if n.needed {
			b.reject(penstock.ClassType, n, -1, "JSON is wanted, not %s", c.words())
		}
	}
	return b.cellTargets(n, c)
}

// cellTargets decodes a cell to all targets of its node. It gives false when it
// is malformed.
func (b *Batch) cellTargets(n *node, c *Cell) bool {
	for i := range n.targets {
		t := &n.targets[i]
		switch t.kind {
		case passTarget:
			watched := t.input >= b.plan.shown
			b.pass[b.row*len(b.plan.pass)+t.input] = b.copyCell(c, watched)
		case timeTarget:
			b.cellTime(c)
		case arrayTarget:
			if c.Kind != CellText {
				b.wrongType(n, t, -1, c.words())
			} else if !b.document(c.Bytes, func(data []byte, p int) int { return b.reach(data, p, n, t, 0) }) {
				return false
			}
		case cellTarget:
			b.cellValue(n, t, c)
		}
	}
	return true
}

// document decodes a cell's JSON, of which nothing may be left. Fields that are
// passed on refer to it, so it is copied when there are any.
func (b *Batch) document(data []byte, decode func(data []byte, p int) int) bool {
	if len(b.plan.pass) > 0 {
		from := len(b.copies)
		b.copies = append(b.copies, data...)
		data = b.copies[from:]
	}
	p := decode(data, skipSpace(data, 0))
	if p < 0 {
		return false
	}
	if p = skipSpace(data, p); p < len(data) {
		b.fault.at(p, "something follows the JSON value")
		return false
	}
	return true
}

// words names the kind of a typed value for a message.
func (c *Cell) words() string {
	switch c.Kind {
	case CellString:
		return "a string"
	case CellBool:
		return "a bool"
	}
	return "a number"
}

// cellTime reads the event's time from a cell.
func (b *Batch) cellTime(c *Cell) {
	switch c.Kind {
	case CellText, CellString:
		b.readTimeText(bytes.TrimSpace(c.Bytes))
	case CellInt, CellUint, CellFloat:
		b.scratch = c.appendNumber(b.scratch[:0])
		b.readTimeText(b.scratch)
	}
}

// copyCell keeps a cell as JSON, to be passed on, or to be watched: then text of
// no type that reads as a number is one.
func (b *Batch) copyCell(c *Cell, watched bool) []byte {
	from := len(b.copies)
	switch c.Kind {
	case CellText, CellString:
		if _, end, ok := scanDecimal(c.Bytes, 0); watched && c.Kind == CellText && ok && end == len(c.Bytes) {
			b.copies = append(b.copies, c.Bytes...)
			break
		}
		b.copies = appendText(b.copies, c.Bytes)
	case CellBool:
		b.copies = strconv.AppendBool(b.copies, c.Int != 0)
	default:
		b.copies = c.appendNumber(b.copies)
	}
	return b.copies[from:len(b.copies):len(b.copies)]
}

// appendNumber appends a number as JSON; what is not finite is null.
func (c *Cell) appendNumber(dst []byte) []byte {
	switch c.Kind {
	case CellInt:
		return strconv.AppendInt(dst, c.Int, 10)
	case CellUint:
		return strconv.AppendUint(dst, uint64(c.Int), 10)
	}
	dst, _ = appendFloat64(dst, c.Float)
	return dst
}
