package eventfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
)

// rows splits CSV as RFC 4180 has it: a header line, cells between commas,
// quoted cells that may hold commas, line ends and doubled quotes. Blank lines
// are skipped. A row that breaks the rules is turned away alone: reading goes
// on behind its first line, since a stray quote makes all that follows it look
// quoted.
//
// encoding/csv allocates a string a row and cannot be told where to go on
// after an error, hence a splitter of our own; a fuzz test holds it to what
// encoding/csv reads.
type rows struct {
	blocks
	table  *Table
	row    int64     // data row, from 0
	quoted quotedRow // the row that is being read, when it has quotes in it
	lines  int64     // of the file, before the chunk
}

func (r *rows) fill(c *Chunk) error {
	r.quoted.begun = false // its positions were those of the chunk before
	err := r.blocks.fill(c, r)
	c.firstLine = r.lines
	r.lines += int64(bytes.Count(c.data[:len(c.data)-len(r.tail)], []byte{'\n'}))
	if errors.Is(err, io.EOF) && r.table == nil {
		return errors.New("the CSV header line is missing")
	}
	return err
}

func (r *rows) split(c *Chunk, pos int, eof bool) int {
	if r.table == nil {
		next, ok := r.header(c, pos, eof)
		if !ok {
			return next
		}
		pos = next
	}
	c.table = r.table
	for pos < len(c.data) && c.Len() < r.o.Rows {
		first := len(c.cells)
		end, next, fault := r.cells(c, pos, eof)
		if next == pos {
			return pos
		}
		if end > pos { // else it is a blank line
			r.add(c, event{line: r.row, start: pos, end: end, cell: first}, fault)
			r.row++
		}
		pos = next
	}
	return pos
}

// add adds the row whose cells are the last of c.cells, or its rejection.
func (r *rows) add(c *Chunk, e event, fault string) {
	cells, columns := len(c.cells)-e.cell, len(r.table.Names)
	if fault == "" && cells != columns {
		fault = fmt.Sprintf("the row has %d cells, the header has %d", cells, columns)
	}
	switch {
	case e.end-e.start > r.o.MaxEvent:
		e.start, e.end, e.rejection = 0, 0, tooLarge(r.o.MaxEvent)
	case fault != "":
		e.rejection = &penstock.Rejection{Class: penstock.ClassDecode, Reason: fault, Offset: -1}
	}
	if e.rejection != nil {
		c.cells = c.cells[:e.cell]
	}
	c.events = append(c.events, e)
}

// header reads the column names. ok is false when there is no whole header
// line yet, or none that can be used; b.err says why.
func (r *rows) header(c *Chunk, pos int, eof bool) (next int, ok bool) {
	for pos < len(c.data) {
		end, next, fault := r.cells(c, pos, eof)
		cells := c.cells
		c.cells = c.cells[:0]
		switch {
		case next == pos:
			return pos, false
		case end == pos:
			pos = next
			continue
		case fault != "":
			r.err = fmt.Errorf("CSV header: %s", fault)
			return pos, false
		}
		r.table, r.err = headerTable(cells)
		return next, r.err == nil
	}
	return pos, false
}

func headerTable(cells []inference.Cell) (*Table, error) {
	t := &Table{Names: make([]string, len(cells))}
	seen := make(map[string]bool, len(cells))
	for i, cell := range cells {
		name := string(cell.Bytes)
		if name != "" && seen[name] { // unnamed columns are never mapped, so they may repeat
			return nil, fmt.Errorf("CSV header: the column %q is there twice; every name must be unique", name)
		}
		seen[name] = true
		t.Names[i] = name
	}
	return t, nil
}

// cells appends the cells of the row at pos. end is where the row ends, next
// where the one behind it begins: pos itself when the row is not all there
// yet; it is read on at the next call then. A fault covers the row's first line
// only.
func (r *rows) cells(c *Chunk, pos int, eof bool) (end, next int, fault string) {
	if !r.quoted.begun {
		end, next = lineAt(c.data, pos, eof)
		if next == pos || end == pos {
			return end, next, ""
		}
		line := c.data[pos:end]
		if bytes.IndexByte(line, '"') < 0 {
			c.cells = appendPlain(c.cells, line)
			return end, next, ""
		}
		r.quoted.begin(c, pos, end, next)
	}
	end, next, fault = r.quoted.read(c, eof)
	if next == notYet {
		return pos, pos, ""
	}
	return end, next, fault
}

// lineAt finds the end of the line at pos and the start of the next one, which
// is pos when the line's end is not there yet.
func lineAt(data []byte, pos int, eof bool) (end, next int) {
	i := bytes.IndexByte(data[pos:], '\n')
	switch {
	case i >= 0:
		end, next = pos+i, pos+i+1
	case eof:
		end, next = len(data), len(data)
	default:
		return pos, pos
	}
	if end > pos && data[end-1] == '\r' {
		end--
	}
	return end, next
}

// appendPlain splits a line that has no quotes in it.
func appendPlain(cells []inference.Cell, line []byte) []inference.Cell {
	for {
		i := bytes.IndexByte(line, ',')
		if i < 0 {
			return append(cells, textCell(line))
		}
		cells = append(cells, textCell(line[:i]))
		line = line[i+1:]
	}
}

// textCell makes a cell; an empty one is null, quoted or not.
func textCell(text []byte) inference.Cell {
	if len(text) == 0 {
		return inference.Cell{Kind: inference.CellNull}
	}
	return inference.Cell{Kind: inference.CellText, Bytes: text}
}

// oversize gives up on a row that does not end within the limit. When it has a
// line end in it, an unclosed quote made it that long, and only the line with
// the quote goes.
func (r *rows) oversize(c *Chunk) (int, bool) {
	c.table = r.table
	if r.table == nil {
		r.err = fmt.Errorf("CSV header: %s", tooLarge(r.o.MaxEvent).Reason)
		return len(c.data), false
	}
	end, next := lineAt(c.data, 0, false)
	if next == 0 {
		c.reject(r.row, 0, 0, tooLarge(r.o.MaxEvent))
		r.row++
		return len(c.data), true
	}
	c.reject(r.row, 0, end, &penstock.Rejection{
		Class: penstock.ClassDecode, Reason: "a quote is never closed", Offset: -1,
	})
	r.row++
	return next, false
}
