package eventfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/penstock/penstock/inference"
)

// rowsAtOnce is how many rows are taken from the library at a time.
const rowsAtOnce = 64

// parquetSource reads a Parquet file row by row, one page a column in
// memory. Groups become dotted column names; a list or a map is one cell of
// JSON.
type parquetSource struct {
	r       *Reader
	rows    int
	table   *Table
	columns []column
	groups  []parquet.RowGroup
	open    parquet.Rows // of the row group that is being read; nil between two
	buffer  []parquet.Row
	asm     assembler
	row     int64
	total   int64
}

func (r *Reader) openParquet(in io.Reader, o Options) error {
	at, size, err := r.random(in)
	if err != nil {
		return err
	}
	s := &parquetSource{r: r, rows: o.Rows, buffer: make([]parquet.Row, rowsAtOnce)}
	err = guard(func() error { return s.openFile(at, size) })
	if err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", r.name, err), r.closer())
	}
	inner := r.closer
	r.closer = func() error { return errors.Join(s.close(), inner()) }
	r.source, r.size = s, size
	return nil
}

func (s *parquetSource) openFile(at io.ReaderAt, size int64) error {
	if err := checkFooter(at, size); err != nil {
		return err
	}
	f, err := parquet.OpenFile(at, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return err
	}
	for _, group := range f.RowGroups() {
		if group.NumRows() > 0 { // the pages that an empty one claims to have are nowhere
			s.groups = append(s.groups, group)
		}
	}
	s.total = f.NumRows()
	s.columns = compileColumns(f)
	s.table = &Table{Names: make([]string, len(s.columns))}
	for i := range s.columns {
		s.table.Names[i] = s.columns[i].name
	}
	s.asm = newAssembler(f)
	return nil
}

// checkFooter holds the length of the footer, which stands before the last four
// bytes, against the file's size: the library allocates whatever it says.
func checkFooter(at io.ReaderAt, size int64) error {
	const tail = 8
	if size < tail {
		return errors.New("this is no Parquet file")
	}
	var end [tail]byte
	if _, err := at.ReadAt(end[:], size-tail); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if footer := int64(binary.LittleEndian.Uint32(end[:])); footer > size-tail {
		return fmt.Errorf("this is no Parquet file, or it is cut short: its footer takes %d bytes of %d", footer, size)
	}
	return nil
}

// random makes in readable at any place, by way of a temporary file when it is
// a pipe.
func (r *Reader) random(in io.Reader) (io.ReaderAt, int64, error) {
	type sized interface {
		io.ReaderAt
		Size() int64
	}
	if at, ok := in.(sized); ok {
		return at, at.Size(), nil
	}
	if f, ok := in.(*os.File); ok && r.size > 0 {
		return f, r.size, nil
	}
	tmp, err := os.CreateTemp("", "penstock-*.parquet")
	if err != nil {
		return nil, 0, fmt.Errorf("copy %s: %w", r.name, err)
	}
	r.closer = func() error { return errors.Join(tmp.Close(), os.Remove(tmp.Name())) }
	size, err := io.Copy(tmp, in)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("copy %s: %w", r.name, err), r.closer())
	}
	return tmp, size, nil
}

// guard turns a panic of the Parquet library, which trusts lengths within the
// file in places, into an error.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Parquet file is damaged: %v", p)
		}
	}()
	return do()
}

func (s *parquetSource) fill(c *Chunk) error {
	c.table = s.table
	for len(c.events) < s.rows && len(c.text) < maxBlockBytes {
		err := guard(func() error { return s.more(c) })
		if errors.Is(err, io.EOF) && len(c.events) > 0 {
			break
		}
		if err != nil {
			return err
		}
	}
	if s.total > 0 {
		s.r.done = int64(float64(s.r.size) * float64(s.row) / float64(s.total))
	}
	return nil
}

// more adds some rows to c; io.EOF comes alone, behind the last row group.
func (s *parquetSource) more(c *Chunk) error {
	if s.open == nil {
		if len(s.groups) == 0 {
			return io.EOF
		}
		s.open, s.groups = s.groups[0].Rows(), s.groups[1:]
	}
	n, err := s.open.ReadRows(s.buffer[:min(rowsAtOnce, s.rows-len(c.events))])
	for _, row := range s.buffer[:n] {
		if err := s.add(c, row); err != nil {
			return err
		}
	}
	if errors.Is(err, io.EOF) {
		return s.close()
	}
	return err
}

func (s *parquetSource) add(c *Chunk, row parquet.Row) error {
	if err := s.asm.load(row); err != nil {
		return fmt.Errorf("row %d: %w", s.row, err)
	}
	first := len(c.cells)
	for i := range s.columns {
		c.cells = append(c.cells, inference.Cell{}) // filled in place: a variable of its own would go to the heap
		c.text = s.asm.cell(&c.cells[len(c.cells)-1], &s.columns[i], c.text)
	}
	c.events = append(c.events, event{line: s.row, cell: first})
	s.row++
	return nil
}

func (s *parquetSource) close() error {
	if s.open == nil {
		return nil
	}
	err := s.open.Close()
	s.open = nil
	return err
}
