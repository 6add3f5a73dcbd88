package eventfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/penstock/penstock/inference"
)

const (
	parquetFrameRows = 16384
	valuesAtOnce     = 512
)

// columnSource reads a Parquet file column by column: a column that nobody asks
// for is not even decompressed.
type columnSource struct {
	size, rows, done int64
	readers          []columnReader
}

func (f *Frames) openParquet(file *os.File) error {
	s := &columnSource{size: Size(file)}
	f.source = s
	return guard(func() error {
		if err := checkFooter(file, s.size); err != nil {
			return err
		}
		p, err := parquet.OpenFile(file, s.size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
		if err != nil {
			return err
		}
		if s.rows = p.NumRows(); s.rows == 0 {
			return errors.New("there is no row in it")
		}
		var groups []parquet.RowGroup
		for _, group := range p.RowGroups() {
			if group.NumRows() > 0 { // the pages that an empty one claims to have are nowhere
				groups = append(groups, group)
			}
		}
		leaves := p.Root().Columns()
		types := leafTypes(nil, leaves)
		for _, c := range compileColumns(p) {
			f.columns = append(f.columns, FrameColumn{Name: c.name, Kind: c.node.kind()})
			s.readers = append(s.readers, columnReader{
				groups: groups, leaf: c.node.leaf, value: c.node.value, milli: milliOf(types[c.node.leaf], f.zone),
			})
		}
		return nil
	})
}

// leafTypes are the types of all leaves, in the file's order.
func leafTypes(types []parquet.Type, columns []*parquet.Column) []parquet.Type {
	for _, c := range columns {
		if c.Leaf() {
			types = append(types, c.Type())
		} else {
			types = leafTypes(types, c.Columns())
		}
	}
	return types
}

// milliOf makes Unix milliseconds of a timestamp; nil where the leaf is none. A
// timestamp that is not adjusted to UTC tells a clock's time in zone.
func milliOf(t parquet.Type, zone *time.Location) func(v parquet.Value) int64 {
	logical := t.LogicalType()
	if logical == nil {
		return nil
	}
	stamp, ok := logical.Value.(*format.TimestampType)
	if !ok {
		return nil
	}
	unit := stamp.Unit.Value.Duration()
	perSecond := int64(time.Second / unit)
	milli := func(v parquet.Value) int64 {
		n := v.Int64()
		return time.Unix(n/perSecond, n%perSecond*int64(unit)).UnixMilli()
	}
	if stamp.IsAdjustedToUTC || zone == time.UTC {
		return milli
	}
	return func(v parquet.Value) int64 {
		at := time.UnixMilli(milli(v)).UTC()
		return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone).UnixMilli()
	}
}

func (s *columnSource) next(f *Frame) error {
	f.Rows = int(min(parquetFrameRows, s.rows-s.done))
	if f.Rows == 0 {
		return io.EOF
	}
	s.done += int64(f.Rows)
	f.Done = int64(float64(s.size) * float64(s.done) / float64(s.rows))
	rows := f.Rows
	f.read = func(column int, v *Vector) error {
		return guard(func() error { return s.readers[column].read(v, rows) })
	}
	return nil
}

func (s *columnSource) close() error {
	var err error
	for i := range s.readers {
		err = errors.Join(err, s.readers[i].close())
	}
	return err
}

// columnReader reads one leaf through all row groups.
type columnReader struct {
	groups []parquet.RowGroup // that are left
	leaf   int
	value  converter
	milli  func(parquet.Value) int64 // nil: the leaf is no timestamp

	pages  parquet.Pages // nil between two row groups
	page   parquet.Page  // nil between two pages
	values parquet.ValueReader
	buffer []parquet.Value
	text   []byte
}

// read adds the next rows to v.
func (r *columnReader) read(v *Vector, rows int) error {
	if r.buffer == nil {
		r.buffer = make([]parquet.Value, valuesAtOnce)
	}
	for rows > 0 {
		if r.values == nil {
			if err := r.nextPage(); err != nil {
				return err
			}
		}
		n, err := r.values.ReadValues(r.buffer[:min(rows, len(r.buffer))])
		for i := range r.buffer[:n] {
			r.add(v, r.buffer[i])
		}
		rows -= n
		if errors.Is(err, io.EOF) {
			parquet.Release(r.page)
			r.page, r.values = nil, nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (r *columnReader) add(v *Vector, value parquet.Value) {
	switch {
	case value.IsNull():
		v.add(&inference.Cell{})
	case r.milli != nil && v.as == AsTimes:
		v.addTime(r.milli(value))
	default:
		var cell inference.Cell
		r.text = r.value(&cell, value, r.text[:0])
		v.add(&cell)
	}
}

// nextPage goes to the next page that has values.
func (r *columnReader) nextPage() error {
	for {
		if r.pages == nil {
			if len(r.groups) == 0 {
				return fmt.Errorf("the Parquet file is damaged: leaf column %d has fewer values than the file has rows", r.leaf)
			}
			r.pages, r.groups = r.groups[0].ColumnChunks()[r.leaf].Pages(), r.groups[1:]
		}
		page, err := r.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			if err := r.pages.Close(); err != nil {
				return err
			}
			r.pages = nil
			continue
		}
		if err != nil {
			return err
		}
		r.page, r.values = page, page.Values()
		return nil
	}
}

func (r *columnReader) close() error {
	if r.page != nil {
		parquet.Release(r.page)
		r.page, r.values = nil, nil
	}
	if r.pages == nil {
		return nil
	}
	err := r.pages.Close()
	r.pages = nil
	return err
}
