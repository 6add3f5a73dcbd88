package eventfile

import (
	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
)

// keepBytes is the largest block that a chunk keeps for its next filling: one
// event of many megabytes must not make every chunk that large for good.
const keepBytes = maxBlockBytes

// Table is the header of a CSV or Parquet file. All chunks of a file share
// one, so that a mapping is bound to it once a file.
type Table struct {
	Names []string // column names in file order
}

// Chunk is a run of consecutive events of one file, with the memory that they
// lie in. The zero value is ready to be filled. What its methods return is
// valid until it is filled again.
type Chunk struct {
	source string
	format Format
	table  *Table
	events []event
	data   []byte           // the block that JSON lines and CSV rows lie in
	text   []byte           // bytes of cells that do not lie in data as they are
	cells  []inference.Cell // of all events, one after the other

	firstLine int64 // of a CSV file: how many lines there are before data
}

// event is one event's place within its chunk.
type event struct {
	line       int64
	start, end int // its bytes within data
	cell       int // its first cell within cells
	rejection  *penstock.Rejection
}

func (c *Chunk) reset(source string, format Format) {
	if cap(c.data) > keepBytes {
		c.data = nil
	}
	if cap(c.text) > keepBytes {
		c.text = nil
	}
	c.source, c.format, c.table = source, format, nil
	c.events, c.data, c.text, c.cells = c.events[:0], c.data[:0], c.text[:0], c.cells[:0]
}

// Len is the number of events, rejected ones included.
func (c *Chunk) Len() int { return len(c.events) }

// Table is the file's header; nil for JSON lines.
func (c *Chunk) Table() *Table { return c.table }

// ID names event i: the file's base name, partition 0 and the line.
func (c *Chunk) ID(i int) penstock.EventID {
	return penstock.EventID{Source: c.source, Offset: c.events[i].line}
}

// Rejection says why no event could be made of what stands at i, nil when
// there is one.
func (c *Chunk) Rejection(i int) *penstock.Rejection { return c.events[i].rejection }

// Value is the bytes of event i as they stand in the file, without the end of
// the line; nil in a Parquet file and for an event that was too large to keep.
func (c *Chunk) Value(i int) []byte {
	e := &c.events[i]
	if c.format == Parquet || e.start == e.end {
		return nil
	}
	return c.data[e.start:e.end]
}

// Cells are the cells of event i, one a column of Table. There are none for
// JSON lines and for a rejected event.
func (c *Chunk) Cells(i int) []inference.Cell {
	e := &c.events[i]
	if c.table == nil || e.rejection != nil {
		return nil
	}
	end := e.cell + len(c.table.Names)
	return c.cells[e.cell:end:end]
}

// AppendValue appends what is kept of event i when it is rejected: its bytes,
// or the cells of a Parquet row as a JSON object.
func (c *Chunk) AppendValue(dst []byte, i int) []byte {
	if c.format == Parquet {
		return appendRowJSON(dst, c.table.Names, c.Cells(i))
	}
	return append(dst, c.Value(i)...)
}

func (c *Chunk) add(line int64, start, end int) {
	c.events = append(c.events, event{line: line, start: start, end: end})
}

func (c *Chunk) reject(line int64, start, end int, r *penstock.Rejection) {
	c.events = append(c.events, event{line: line, start: start, end: end, rejection: r})
}
