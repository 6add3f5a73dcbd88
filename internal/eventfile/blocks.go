package eventfile

import (
	"bytes"
	"io"
)

// blocks reads a stream in big pieces and keeps what a chunk could not use
// for the next one. JSON lines and CSV rows are split out of them.
type blocks struct {
	in      io.Reader
	done    *int64
	o       Options
	size    int    // bytes that an event took in the last chunk
	live    bool   // the stream may pause: hand over what is there
	tail    []byte // begins an event that did not fit in the last chunk
	started bool   // the byte order mark has been looked for
	eof     bool
	err     error // why the stream ended early; told once the events before it are out
	skip    bool  // within an event that is too large: drop all up to the end of its line
}

// splitter finds the whole events in c.data[pos:], adds them to c as long as it
// has room and returns the position behind the last. With eof what is left is
// an event too.
type splitter interface {
	split(c *Chunk, pos int, eof bool) int
	// oversize turns away the event that c.data begins with and that does not
	// end within the limit. It returns how many bytes are done with; skip
	// tells that the rest of its line goes too.
	oversize(c *Chunk) (used int, skip bool)
}

// fill reads until the chunk has its events, or the input ends, or a live
// stream has no more to give at once.
func (b *blocks) fill(c *Chunk, s splitter) error {
	c.data = append(c.data, b.tail...)
	b.tail = b.tail[:0]
	used := s.split(c, 0, b.eof)
	for !b.enough(c) {
		if len(c.data)-used > b.o.MaxEvent {
			if c.Len() == 0 {
				c.data = c.data[:copy(c.data, c.data[used:])]
				used, b.skip = s.oversize(c)
			}
			break // else the long event begins the next chunk
		}
		b.read(c, len(c.data)+b.more(c, len(c.data)-used))
		used = s.split(c, used, b.eof)
	}
	b.tail = append(b.tail, c.data[used:]...)
	if n := c.Len(); n > 0 {
		b.size = used/n + 1
	}
	switch {
	case c.Len() > 0:
		return nil
	case b.err != nil:
		return b.err
	default:
		return io.EOF
	}
}

// enough tells whether a chunk is handed over as it is.
func (b *blocks) enough(c *Chunk) bool {
	switch {
	case b.eof || b.err != nil || c.Len() >= b.o.Rows:
		return true
	case c.Len() == 0:
		return false
	}
	return b.live || len(c.data) >= maxBlockBytes
}

// more is how many bytes to read: what the chunk's missing events are likely to
// take, so that little is left over to be copied to the next chunk, and at
// least as much as the event that has begun, so that a long one is looked
// through only so often; but not much beyond the limit, where it is given up.
func (b *blocks) more(c *Chunk, begun int) int {
	likely := (b.o.Rows-c.Len())*b.size - begun
	limit := max(minReadBytes, b.o.MaxEvent+1-begun)
	return min(limit, max(minReadBytes, begun, min(likely+likely/16, maxBlockBytes)))
}

// read appends to c.data until it has target bytes. From a live stream it takes
// no more once a line has ended, and with it perhaps an event.
func (b *blocks) read(c *Chunk, target int) {
	for !b.eof && b.err == nil && len(c.data) < target {
		if cap(c.data)-len(c.data) < min(minReadBytes, target-len(c.data)) {
			grown := make([]byte, len(c.data), target)
			copy(grown, c.data)
			c.data = grown
		}
		n, err := b.in.Read(c.data[len(c.data):cap(c.data)])
		*b.done += int64(n)
		lineEnds := bytes.IndexByte(c.data[len(c.data):len(c.data)+n], '\n') >= 0
		c.data = c.data[:len(c.data)+n]
		b.eof = err == io.EOF
		if !b.eof {
			b.err = err
		}
		if b.trim(c) && b.live && lineEnds {
			return
		}
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// trim drops what is not to be split: a byte order mark at the very start, and
// the rest of an event that was too large. It tells whether something is left.
func (b *blocks) trim(c *Chunk) bool {
	// Less than a mark settles it too, unless it may become one: a live stream
	// may go on only after its first, short event is out.
	if !b.started && (b.eof || len(c.data) >= len(byteOrderMark) || !bytes.HasPrefix(byteOrderMark, c.data)) {
		b.started = true
		if bytes.HasPrefix(c.data, byteOrderMark) {
			c.data = c.data[:copy(c.data, c.data[len(byteOrderMark):])]
		}
	}
	if b.skip {
		end := bytes.IndexByte(c.data, '\n')
		b.skip = end < 0
		if b.skip {
			c.data = c.data[:0]
		} else {
			c.data = c.data[:copy(c.data, c.data[end+1:])]
		}
	}
	return len(c.data) > 0
}
