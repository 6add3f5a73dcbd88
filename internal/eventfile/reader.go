package eventfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock/penstock"
)

const (
	defaultRows   = 256
	likelySize    = 512      // of an event, before the first is seen
	minReadBytes  = 64 << 10 // below, a read's own cost shows
	maxBlockBytes = 8 << 20  // a chunk ends here however few events it has
	maxEventBytes = 64 << 20
)

// Options tune a Reader. The zero value is fine.
type Options struct {
	// Rows is how many events a chunk has, so that batches can be filled from
	// it to the last row; default 256. The last chunk has fewer, and so has
	// one that would take more than 8 MiB. A stream that is no regular file
	// is not waited for: there a chunk has what one read gives, so that a
	// lone event is answered at once, and many when more are waiting.
	Rows int
	// MaxEvent is the size in bytes from which on an event is rejected as
	// too large; default 64 MiB.
	MaxEvent int
}

// Reader reads one file's events in order. It is for one goroutine.
type Reader struct {
	name   string
	format Format
	source source
	closer func() error
	done   int64
	size   int64
}

// source fills a chunk; io.EOF comes alone, when no event is left.
type source interface{ fill(c *Chunk) error }

// Open opens a file. Its base name becomes the events' source.
func Open(path string, format Format, o Options) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	name := strings.ToValidUTF8(filepath.Base(path), "\uFFFD") // ids are text
	r, err := NewReader(name, f, format, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	inner := r.closer
	r.closer = func() error { return errors.Join(inner(), f.Close()) }
	return r, nil
}

// NewReader reads events from in, which it does not close. A Parquet file is
// read from its end, so one that comes through a pipe is first copied to a
// temporary file, which Close removes.
func NewReader(name string, in io.Reader, format Format, o Options) (*Reader, error) {
	if o.MaxEvent <= 0 {
		o.MaxEvent = maxEventBytes
	}
	if o.Rows <= 0 {
		o.Rows = defaultRows
	}
	r := &Reader{name: name, format: format, closer: func() error { return nil }}
	r.size = Size(in)
	b := blocks{in: in, done: &r.done, o: o, live: r.size == 0, size: likelySize}
	switch format {
	case Parquet:
		return r, r.openParquet(in, o)
	case CSV:
		r.source = &rows{blocks: b}
	default:
		r.source = &lines{blocks: b}
	}
	return r, nil
}

// Next fills c with the next events. It returns io.EOF when there is none
// left, and any other error when the file cannot be read on.
func (r *Reader) Next(c *Chunk) error {
	err := r.next(c)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("read %s: %w", r.name, err)
}

// next is Next without the file's name in errors.
func (r *Reader) next(c *Chunk) error {
	c.reset(r.name, r.format)
	return r.source.fill(c)
}

// Progress is how many bytes of how many have been read; total is 0 when it
// is not known.
func (r *Reader) Progress() (done, total int64) { return r.done, r.size }

// Close releases what the reader holds.
func (r *Reader) Close() error { return r.closer() }

// Size is the size of a regular file, 0 for anything else.
func Size(in io.Reader) int64 {
	f, ok := in.(*os.File)
	if !ok {
		return 0
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

func tooLarge(limit int) *penstock.Rejection {
	return &penstock.Rejection{
		Class:  penstock.ClassTooLarge,
		Reason: fmt.Sprintf("the event is larger than %d bytes", limit),
		Offset: -1,
	}
}
