package eventfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/penstock/penstock/inference"
)

// frameRows is how many rows a frame of CSV or JSON lines has: enough that
// handing columns out costs nothing, few enough that their cells stay near the
// processor.
const frameRows = 4096

// rowSource makes frames of what a Reader reads row by row.
type rowSource struct {
	reader *Reader
	index  map[string]int // of the columns, by name: JSON lines
	ahead  *Frame         // the first rows, which the columns' kinds were taken from
}

// rowFrame is a frame that was read row by row.
type rowFrame struct {
	chunk   Chunk
	cells   []inference.Cell // of JSON lines: Columns of each row, one row after the other
	columns int
	text    []byte // that cells of JSON lines lie in
}

func (f *Frames) openRows(file *os.File, format Format) error {
	r, err := NewReader(f.path, file, format, Options{Rows: frameRows})
	if err != nil {
		return err
	}
	s := &rowSource{reader: r, index: map[string]int{}, ahead: &Frame{path: f.path, zone: f.zone}}
	f.source = s
	err = s.load(s.ahead)
	if errors.Is(err, io.EOF) {
		return errors.New("there is no row in it")
	}
	if err != nil {
		return err
	}
	if table := s.ahead.rows.chunk.Table(); table != nil {
		for _, name := range table.Names {
			f.columns = append(f.columns, FrameColumn{Name: name})
		}
	} else {
		if f.columns, err = discover(&s.ahead.rows); err != nil {
			return err
		}
		for i := range f.columns {
			s.index[f.columns[i].Name] = i
		}
		if err := s.flatten(&s.ahead.rows); err != nil {
			return err
		}
	}
	for i := range f.columns {
		f.columns[i].Kind = s.ahead.rows.kind(i)
	}
	return nil
}

func (s *rowSource) next(f *Frame) error {
	if first := s.ahead; first != nil {
		s.ahead = nil
		f.rows, f.Rows, f.Done = first.rows, first.Rows, first.Done
		f.read = f.rows.read
		return nil
	}
	if err := s.load(f); err != nil {
		return err
	}
	if f.rows.chunk.Table() == nil {
		return s.flatten(&f.rows)
	}
	return nil
}

// load takes the next rows from the file.
func (s *rowSource) load(f *Frame) error {
	f.Rows = 0
	c := &f.rows.chunk
	if err := s.reader.next(c); err != nil {
		return err
	}
	for i := range c.Len() {
		if r := c.Rejection(i); r != nil {
			return &lineError{fmt.Sprint(c.lineOf(i)), errors.New(r.Reason)}
		}
	}
	f.Rows, f.read = c.Len(), f.rows.read
	f.Done, _ = s.reader.Progress()
	if table := c.Table(); table != nil {
		f.rows.columns = len(table.Names)
		f.rows.cells = c.cells
	}
	return nil
}

func (s *rowSource) close() error { return s.reader.Close() }

func (r *rowFrame) read(column int, v *Vector) error {
	for i := column; i < len(r.cells); i += r.columns {
		v.add(&r.cells[i])
	}
	return nil
}

// lineError is what is wrong at a place of the file.
type lineError struct {
	place string // line, or line:col
	err   error
}

func (e *lineError) Error() string { return e.place + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// kind is what the values of a column look like.
func (r *rowFrame) kind(column int) ColumnKind {
	kind := NumberColumn
	for i := column; i < len(r.cells); i += r.columns {
		switch c := &r.cells[i]; c.Kind {
		case inference.CellJSON:
			return NestedColumn
		case inference.CellString, inference.CellBool:
			kind = TextColumn
		case inference.CellText:
			if _, _, ok := inference.LooseNumber(c.Bytes); !ok {
				kind = TextColumn
			}
		}
	}
	return kind
}
