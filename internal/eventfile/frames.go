package eventfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ColumnKind is what the values of a column are.
type ColumnKind uint8

// The kinds of columns.
const (
	NumberColumn ColumnKind = iota
	TextColumn              // text, and what is best written as such: booleans, dates
	NestedColumn            // lists, maps and JSON
)

// FrameColumn is one column of a table. What a Parquet file's is, its schema
// tells; of other files the first rows are looked at.
type FrameColumn struct {
	Name string
	Kind ColumnKind
}

// Frames reads a file as a table, some thousand rows at a time, and of those
// only the columns that somebody asks for. It is for one goroutine.
type Frames struct {
	path    string
	columns []FrameColumn
	source  frameSource
	file    io.Closer
	zone    *time.Location
	row     int64 // the next one's number
}

// frameSource is a format's way of reading frames.
type frameSource interface {
	// next prepares a frame; io.EOF comes alone, when no row is left.
	next(f *Frame) error
	close() error
}

// Frame is a run of rows of one file. The zero value is ready for Next. It is
// valid until it is given to Next again.
type Frame struct {
	Rows  int
	First int64 // number of its first row within the file, from 0
	Done  int64 // bytes of the file up to its end, about

	path    string
	columns []FrameColumn
	zone    *time.Location
	rows    rowFrame
	read    func(column int, v *Vector) error // by the format
}

// OpenFrames opens a table. Times without a zone are read in zone.
func OpenFrames(path string, format Format, zone *time.Location) (*Frames, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	f := &Frames{path: path, file: file, zone: zone}
	switch format {
	case Parquet:
		err = f.openParquet(file)
	default:
		err = f.openRows(file, format)
	}
	if err != nil {
		return nil, errors.Join(f.explain(err), file.Close())
	}
	return f, nil
}

// explain names the file that err is about, and the place in it.
func (f *Frames) explain(err error) error {
	if _, ok := errors.AsType[*lineError](err); ok {
		return fmt.Errorf("%s:%w", f.path, err)
	}
	return fmt.Errorf("read %s: %w", f.path, err)
}

// Columns are the table's.
func (f *Frames) Columns() []FrameColumn { return f.columns }

// Next prepares the next rows. It returns io.EOF when there is none left. All
// columns of the frame before have been read by then, or are not wanted.
func (f *Frames) Next(frame *Frame) error {
	frame.path, frame.columns, frame.zone = f.path, f.columns, f.zone
	frame.First += int64(frame.Rows)
	err := f.source.next(frame)
	switch {
	case errors.Is(err, io.EOF):
		return err
	case err != nil:
		return f.explain(err)
	}
	frame.First = f.row
	f.row += int64(frame.Rows)
	return nil
}

// Close closes the file. No frame of it may be read any more.
func (f *Frames) Close() error { return errors.Join(f.source.close(), f.file.Close()) }

// Read fills v with the column's values, read as v is told. Different columns
// may be read at the same time, each into a Vector of its own. A column is read
// in every frame or in none.
func (f *Frame) Read(column int, as Reading, v *Vector) error {
	v.reset(as, f.Rows, f.zone)
	if err := f.read(column, v); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	return nil
}

// Place says where the value of a column stands, for messages: file:line:col,
// or in a Parquet file the row, from 1.
func (f *Frame) Place(row, column int) string {
	if f.rows.chunk.Len() == 0 {
		return fmt.Sprintf("%s: row %d", f.path, f.First+int64(row)+1)
	}
	return fmt.Sprintf("%s:%s", f.path, f.rows.chunk.Place(row, f.columns[column].Name))
}
