package eventfile

import "bytes"

// lines splits JSON lines: one event a line, lines of white space skipped but
// counted. Whether a line is JSON is not looked at here.
type lines struct {
	blocks
	line int64
}

func (l *lines) fill(c *Chunk) error { return l.blocks.fill(c, l) }

func (l *lines) split(c *Chunk, pos int, eof bool) int {
	for pos < len(c.data) && c.Len() < l.o.Rows {
		end, next := len(c.data), len(c.data)
		if i := bytes.IndexByte(c.data[pos:], '\n'); i >= 0 {
			end, next = pos+i, pos+i+1
		} else if !eof {
			return pos
		}
		l.add(c, pos, end)
		l.line++
		pos = next
	}
	return pos
}

func (l *lines) add(c *Chunk, start, end int) {
	if end > start && c.data[end-1] == '\r' {
		end--
	}
	switch {
	case end-start > l.o.MaxEvent:
		c.reject(l.line, 0, 0, tooLarge(l.o.MaxEvent))
	case blank(c.data[start:end]):
	default:
		c.add(l.line, start, end)
	}
}

func (l *lines) oversize(c *Chunk) (int, bool) {
	c.reject(l.line, 0, 0, tooLarge(l.o.MaxEvent))
	l.line++
	return len(c.data), true
}

// blank tells whether a line is white space only. Nearly every line's first
// byte settles it.
func blank(line []byte) bool {
	for _, b := range line {
		if b != ' ' && b != '\t' && b != '\r' {
			return false
		}
	}
	return true
}
