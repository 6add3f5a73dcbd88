package eventfile

import (
	"bytes"

	"github.com/penstock/penstock/inference"
)

// notYet stands for the end of a cell that more has to be read for.
const notYet = -1

// quotedRow reads a row with quotes in it, which may go over several lines. It
// keeps its place when more has to be read, so that a long row is gone through
// once, in however small pieces it comes. Positions are within the chunk's
// data.
type quotedRow struct {
	begun     bool
	end, next int // of its first line, which is all that a fault costs
	cells     []inference.Cell
	cell      int // where the cell at hand begins

	// Of a cell that begins with a quote:
	pos  int // it has been looked at up to here
	from int // from here on it is not in the chunk's text yet
	text int // where it begins in the chunk's text
}

// begin starts the row at pos, whose first line ends at end.
func (q *quotedRow) begin(c *Chunk, pos, end, next int) {
	*q = quotedRow{begun: true, end: end, next: next, cells: q.cells[:0]}
	q.nextCell(c, pos)
}

func (q *quotedRow) nextCell(c *Chunk, pos int) {
	q.cell, q.pos, q.from, q.text = pos, pos+1, pos+1, len(c.text)
}

// read reads on and appends the row's cells to c when it is all there. end is
// where the row ends, next where the one behind it begins, notYet when more has
// to be read.
func (q *quotedRow) read(c *Chunk, eof bool) (end, next int, fault string) {
	for {
		text, end, fault := q.readCell(c, eof)
		if fault != "" {
			q.begun = false
			return q.end, q.next, fault
		}
		if end == notYet {
			return notYet, notYet, ""
		}
		next, ending := endOfCell(c.data, end, eof)
		switch ending {
		case open:
			return notYet, notYet, ""
		case junk:
			q.begun = false
			return q.end, q.next, "text follows a closing quote"
		}
		q.cells = append(q.cells, textCell(text))
		if ending == lastCell {
			q.begun = false
			c.cells = append(c.cells, q.cells...)
			return end, next, ""
		}
		q.nextCell(c, next)
	}
}

// readCell reads the cell at hand; end is the position behind it.
func (q *quotedRow) readCell(c *Chunk, eof bool) (text []byte, end int, fault string) {
	if q.cell < len(c.data) && c.data[q.cell] == '"' {
		return q.unquote(c, eof)
	}
	return bare(c.data, q.cell)
}

// bare reads a cell without quotes; end is the position behind it.
func bare(data []byte, pos int) (text []byte, end int, fault string) {
	for end = pos; end < len(data) && data[end] != ',' && data[end] != '\n'; end++ {
		if data[end] == '"' {
			return nil, 0, "a quote stands within a cell that does not begin with one"
		}
	}
	if end > pos && data[end-1] == '\r' && (end == len(data) || data[end] == '\n') {
		end--
	}
	return data[pos:end], end, ""
}

// unquote reads a cell that begins with a quote; end is the position behind the
// closing one. A cell without doubled quotes is used where it lies, others are
// put together in c.text.
func (q *quotedRow) unquote(c *Chunk, eof bool) (text []byte, end int, fault string) {
	for {
		i := bytes.IndexByte(c.data[q.pos:], '"')
		if i < 0 && eof {
			return nil, 0, "a quote is never closed"
		}
		if i < 0 {
			q.pos = len(c.data)
			return nil, notYet, ""
		}
		q.pos += i
		switch behind := c.data[q.pos+1:]; {
		case !eof && undecided(behind):
			return nil, notYet, ""
		case len(behind) > 0 && behind[0] == '"':
			c.text = append(c.text, c.data[q.from:q.pos+1]...)
			q.pos += 2
			q.from = q.pos
			continue
		case len(c.text) == q.text:
			return c.data[q.from:q.pos], q.pos + 1, ""
		}
		c.text = append(c.text, c.data[q.from:q.pos]...)
		return c.text[q.text:], q.pos + 1, ""
	}
}

// undecided tells that what stands behind a cell is too little to know whether
// its row ends.
func undecided(behind []byte) bool { return len(behind) == 0 || string(behind) == "\r" }

// ending is what stands behind a cell.
type ending uint8

const (
	open      ending = iota // it cannot be told before more is read
	moreCells               // a comma
	lastCell                // the row's end
	junk                    // something else
)

// endOfCell looks at what stands at pos, behind a cell; next is the position
// behind the comma or the end of the row.
func endOfCell(data []byte, pos int, eof bool) (next int, e ending) {
	rest := data[pos:]
	switch {
	case !eof && undecided(rest):
		return pos, open
	case len(rest) == 0:
		return pos, lastCell
	case rest[0] == ',':
		return pos + 1, moreCells
	case rest[0] == '\n', string(rest) == "\r":
		return pos + 1, lastCell
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return pos + 2, lastCell
	}
	return pos, junk
}
