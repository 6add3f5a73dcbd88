package eventfile_test

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/penstock/penstock/internal/eventfile"
)

func TestCSV(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string
	}{
		"plain":        {"a,b\n1,2\n3,4\n", []string{"f/0/0 1|2", "f/0/1 3|4"}},
		"no rows":      {"a,b\n", nil},
		"no last line": {"a,b\n1,2", []string{"f/0/0 1|2"}},
		"CRLF and mark": {
			"\xef\xbb\xbfa,b\r\n1,2\r\n\"3\",\"4\"\r\n", []string{"f/0/0 1|2", "f/0/1 3|4"},
		},
		"empty cells are null": {"a,b,c\n,2,\n\"\",,x\n", []string{"f/0/0 null|2|null", "f/0/1 null|null|x"}},
		"quotes": {
			"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\nlines\",2\n,\"q\"\n",
			[]string{`f/0/0 x,y|say "hi"`, "f/0/1 two\nlines|2", "f/0/2 null|q"},
		},
		"blank lines are no rows": {"\na\n\n1\n\r\n2\n", []string{"f/0/0 1", "f/0/1 2"}},
		"too few and too many": {
			"a,b\n1\n1,2\n1,2,3\n", []string{
				`f/0/0 decode: the row has 1 cells, the header has 2: "1"`, "f/0/1 1|2",
				`f/0/2 decode: the row has 3 cells, the header has 2: "1,2,3"`,
			},
		},
		"a stray quote costs its own line": {
			"a,b\n1,x\"y\n3,4\n", []string{
				`f/0/0 decode: a quote stands within a cell that does not begin with one: "1,x\"y"`, "f/0/1 3|4",
			},
		},
		"text behind a quote": {
			"a,b\n\"1\"x,2\n3,4\n", []string{
				`f/0/0 decode: text follows a closing quote: "\"1\"x,2"`, "f/0/1 3|4",
			},
		},
		"a quote that is never closed costs its own line": {
			"a,b\n1,\"2\n3,4\n5,6\n", []string{
				`f/0/0 decode: a quote is never closed: "1,\"2"`, "f/0/1 3|4", "f/0/2 5|6",
			},
		},
		"too large": {
			"a,b\n" + strings.Repeat("1", 500) + ",2\n3,4\n", []string{
				`f/0/0 too_large: the event is larger than 300 bytes: ""`, "f/0/1 3|4",
			},
		},
		"a quote left open beyond the limit": {
			"a,b\n1,\"2\n" + strings.Repeat("3,4\n", 100), append([]string{
				`f/0/0 decode: a quote is never closed: "1,\"2"`,
			}, manyRows(1, 100)...),
		},
	}
	for name, tt := range tests {
		for how, in := range map[string]io.Reader{
			"at once": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				got, err := read(t, newReader(t, in, eventfile.CSV, eventfile.Options{MaxEvent: 300}))
				if err != nil {
					t.Fatal(err)
				}
				compare(t, got, tt.want)
			})
		}
	}
}

func manyRows(first, n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "f/0/" + strconv.Itoa(first+i) + " 3|4"
	}
	return rows
}

func TestCSVHeaderErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":             "read f: the CSV header line is missing",
		"a,b,a\n1\n":   `read f: CSV header: the column "a" is there twice; every name must be unique`,
		"a,\"b\n1,2":   "read f: CSV header: a quote is never closed",
		"\xef\xbb\xbf": "read f: the CSV header line is missing",
	} {
		_, err := read(t, newReader(t, strings.NewReader(in), eventfile.CSV, eventfile.Options{}))
		if err == nil || err.Error() != want {
			t.Errorf("%q gives %v, want %s", in, err, want)
		}
	}
	_, err := read(t, newReader(t, strings.NewReader("a,,\n1,2,3\n"), eventfile.CSV, eventfile.Options{}))
	if err != nil {
		t.Errorf("columns without a name gave %v", err)
	}
}

// FuzzCSV holds the splitter to encoding/csv: what that reads without an error
// is read here with the same cells, and what it refuses has a rejected row.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a\n\"x\"\"y\"\n", "a,b\n\"1\n2\",3\r\n", "a\n\n\"\"\n", "a\n\"", "a\nx\"\n", "a\n\"b\"c\n", "a\nb\r", "\r\r\n,",
	} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, in string, slow bool) {
		if strings.HasPrefix(in, "\xef\xbb\xbf") || strings.Contains(in, "\r") {
			return // encoding/csv knows no byte order mark, and drops carriage returns within quotes
		}
		oracle := csv.NewReader(strings.NewReader(in))
		oracle.FieldsPerRecord = -1
		want, oracleErr := oracle.ReadAll()
		var src io.Reader = strings.NewReader(in)
		if slow {
			src = iotest.OneByteReader(src)
		}
		got, rejected, err := table(t, newReader(t, src, eventfile.CSV, eventfile.Options{}))
		switch {
		case oracleErr != nil:
			if err == nil && rejected == 0 {
				t.Errorf("encoding/csv says %v, nothing was rejected", oracleErr)
			}
		case len(want) == 0 || duplicates(want[0]):
			if err == nil {
				t.Error("a header that cannot be used was accepted")
			}
		default:
			width := len(want[0])
			want = slices.DeleteFunc(want[1:], func(row []string) bool { return len(row) != width })
			if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]string]) {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
		}
	})
}

func duplicates(names []string) bool {
	seen := map[string]bool{}
	for _, n := range names {
		if n != "" && seen[n] {
			return true
		}
		seen[n] = true
	}
	return false
}

func table(t *testing.T, r *eventfile.Reader) (rows [][]string, rejected int, err error) {
	t.Helper()
	var c eventfile.Chunk
	for {
		if err := r.Next(&c); err == io.EOF {
			return rows, rejected, nil
		} else if err != nil {
			return rows, rejected, err
		}
		for i := range c.Len() {
			if c.Rejection(i) != nil {
				rejected++
				continue
			}
			var row []string
			for _, cell := range c.Cells(i) {
				row = append(row, string(cell.Bytes))
			}
			rows = append(rows, row)
		}
	}
}
