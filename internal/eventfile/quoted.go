package eventfile

import "bytes"

// notYet stands for the end of a cell that more has to be read for.
const notYet = -1

// quoted splits a row with quotes in it, which may go over several lines. next
// is where the row began when it is not all there yet.
func quoted(c *Chunk, pos int, eof bool) (end, next int, fault string) {
	start := pos
	for {
		var text []byte
		if pos < len(c.data) && c.data[pos] == '"' {
			text, end, fault = unquote(c, pos+1, eof)
		} else {
			text, end, fault = bare(c.data, pos)
		}
		if fault != "" {
			return 0, 0, fault
		}
		if end == notYet {
			return start, start, ""
		}
		next, ending := endOfCell(c.data, end, eof)
		switch ending {
		case open:
			return start, start, ""
		case junk:
			return 0, 0, "text follows a closing quote"
		}
		c.cells = append(c.cells, textCell(text))
		if ending == lastCell {
			return end, next, ""
		}
		pos = next
	}
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

// unquote reads a quoted cell whose first byte behind the quote is at pos; end
// is the position behind the closing quote. A
// cell without doubled quotes is used where it lies, others are put together
// in c.text.
func unquote(c *Chunk, pos int, eof bool) (text []byte, end int, fault string) {
	begin, from := len(c.text), pos
	for {
		i := bytes.IndexByte(c.data[pos:], '"')
		switch {
		case i < 0 && eof:
			return nil, 0, "a quote is never closed"
		case i < 0:
			c.text = c.text[:begin]
			return nil, notYet, ""
		}
		pos += i + 1
		if pos < len(c.data) && c.data[pos] == '"' {
			c.text = append(c.text, c.data[from:pos]...)
			pos++
			from = pos
			continue
		}
		if len(c.text) == begin {
			return c.data[from : pos-1], pos, ""
		}
		c.text = append(c.text, c.data[from:pos-1]...)
		return c.text[begin:], pos, ""
	}
}

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
	case len(rest) == 0 && !eof, string(rest) == "\r" && !eof:
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
