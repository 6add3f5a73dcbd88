package eventfile_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/penstock/penstock/internal/eventfile"
)

type place struct {
	Country string   `parquet:"country"`
	Risk    *float64 `parquet:"risk,optional"`
}

type line struct {
	SKU   string  `parquet:"sku"`
	Price float32 `parquet:"price"`
}

type everything struct {
	Text    string            `parquet:"text"`
	Note    *string           `parquet:"note,optional"`
	Yes     bool              `parquet:"yes"`
	Small   int32             `parquet:"small"`
	Big     int64             `parquet:"big"`
	Unsig   uint64            `parquet:"unsig"`
	Single  float32           `parquet:"single"`
	Double  float64           `parquet:"double"`
	Place   *place            `parquet:"place,optional"`
	When    time.Time         `parquet:"when,timestamp(microsecond)"`
	Day     int32             `parquet:"day,date"`
	Time    int32             `parquet:"time,time(millisecond)"`
	Price   int64             `parquet:"price,decimal(2:18)"`
	Key     [16]byte          `parquet:"key,uuid"`
	Doc     []byte            `parquet:"doc,json"`
	Old     deprecated.Int96  `parquet:"old"`
	Tokens  []int64           `parquet:"tokens,list"`
	Bare    []int32           `parquet:"bare"`
	Lines   []line            `parquet:"lines,list"`
	Weights map[string]uint32 `parquet:"weights"`
}

func sample() []everything {
	note, risk := "n\"1\"", 0.25
	full := everything{
		Text: "Größe", Note: &note, Yes: true, Small: -7, Big: 9007199254740993, Unsig: 18446744073709551615,
		Single: 0.1, Double: 0.1, Place: &place{"DE", &risk},
		When: time.Date(2026, 11, 21, 9, 0, 0, 123456000, time.UTC), Day: 20778, Time: 3723004,
		Price: -5, Key: [16]byte{0x95, 0xae, 15: 0xdd}, Doc: []byte(`{"a":[1]}`),
		Old:    deprecated.Int96{0, 0, 2440588 + 1},
		Tokens: []int64{1, 2, 3}, Bare: []int32{4}, Lines: []line{{"a", 1.5}, {"b", 2}},
		Weights: map[string]uint32{"x": 4294967295},
	}
	return []everything{full, {Place: &place{Country: "FR"}, Price: 123456}}
}

func parquetBytes[T any](t *testing.T, rows []T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquetTypes(t *testing.T) {
	r := newReader(t, bytes.NewReader(parquetBytes(t, sample())), eventfile.Parquet, eventfile.Options{})
	var c eventfile.Chunk
	if err := r.Next(&c); err != nil {
		t.Fatal(err)
	}
	want := []struct{ name, full, empty string }{
		{"text", `"Größe"`, `""`},
		{"note", `"n\"1\""`, "null"},
		{"yes", "bool 1", "bool 0"},
		{"small", "int -7", "int 0"},
		{"big", "int 9007199254740993", "int 0"},
		{"unsig", "uint 18446744073709551615", "uint 0"},
		{"single", "float 0.10000000149011612", "float 0"},
		{"double", "float 0.1", "float 0"},
		{"place.country", `"DE"`, `"FR"`},
		{"place.risk", "float 0.25", "null"},
		{"when", `"2026-11-21T09:00:00.123456Z"`, ""},
		{"day", `"2026-11-21"`, `"1970-01-01"`},
		{"time", `"01:02:03.004"`, `"00:00:00"`},
		{"price", "json -0.05", "json 1234.56"},
		{"key", `"95ae0000-0000-0000-0000-0000000000dd"`, `"00000000-0000-0000-0000-000000000000"`},
		{"doc", `json {"a":[1]}`, ""},
		{"old", `"1970-01-02T00:00:00Z"`, ""},
		{"tokens", "json [1,2,3]", "json []"},
		{"bare", "json [4]", "json []"},
		{"lines", `json [{"sku":"a","price":1.5},{"sku":"b","price":2}]`, "json []"},
		{"weights", `json {"x":4294967295}`, "json {}"},
	}
	for i, w := range want {
		if got := c.Table().Names[i]; got != w.name {
			t.Fatalf("column %d is %q, want %q", i, got, w.name)
		}
		if got := text(c.Cells(0)[i]); got != w.full {
			t.Errorf("%s: got %s, want %s", w.name, got, w.full)
		}
		if got := text(c.Cells(1)[i]); w.empty != "" && got != w.empty {
			t.Errorf("%s of the second row: got %s, want %s", w.name, got, w.empty)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestParquetNesting has the levels do their work: nulls within lists, empty
// lists beside absent ones, lists of lists.
func TestParquetNesting(t *testing.T) {
	schema := parquet.NewSchema("events", parquet.Group{
		"l": parquet.Optional(parquet.List(parquet.Optional(parquet.List(parquet.Optional(parquet.Int(32)))))),
		"m": parquet.Optional(parquet.Map(parquet.Int(32), parquet.Optional(parquet.String()))),
		"o": parquet.Optional(parquet.Group{"l": parquet.List(parquet.Int(64))}),
	})
	var b bytes.Buffer
	w := parquet.NewWriter(&b, schema)
	int32s := func(v int32, rep, def int) parquet.Value { return parquet.ValueOf(v).Level(rep, def, 0) }
	null := func(rep, def, column int) parquet.Value { return parquet.NullValue().Level(rep, def, column) }
	text := func(s string, rep, def, column int) parquet.Value {
		return parquet.ValueOf(s).Level(rep, def, column)
	}
	rows := []parquet.Row{
		{ // l: [[1,null],[],null,[2]], m: {7: "x", 8: null}, o: {l: [5]}
			int32s(1, 0, 5), null(2, 4, 0), null(1, 3, 0), null(1, 2, 0), int32s(2, 1, 5),
			parquet.ValueOf(int32(7)).Level(0, 2, 1), parquet.ValueOf(int32(8)).Level(1, 2, 1),
			text("x", 0, 3, 2), null(1, 2, 2),
			parquet.ValueOf(int64(5)).Level(0, 2, 3),
		},
		{null(0, 0, 0), null(0, 0, 1), null(0, 0, 2), null(0, 0, 3)}, // all absent
		{null(0, 1, 0), null(0, 1, 1), null(0, 1, 2), null(0, 1, 3)}, // all empty
	}
	if _, err := w.WriteRows(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, newReader(t, bytes.NewReader(b.Bytes()), eventfile.Parquet, eventfile.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, []string{
		`f/0/0 json [[1,null],[],null,[2]]|json {"7":"x","8":null}|json [5]`,
		"f/0/1 null|null|null",
		"f/0/2 json []|json {}|json []",
	})
}

type plain struct {
	N int64    `parquet:"n"`
	S *string  `parquet:"s,optional"`
	F []string `parquet:"f,list"`
}

// TestParquetManyRows crosses chunks, pages and row groups, by way of a pipe,
// and leaves no temporary file behind.
func TestParquetManyRows(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var b bytes.Buffer
	w := parquet.NewGenericWriter[plain](&b, parquet.PageBufferSize(1000))
	const n = 10_000
	for i := range n {
		row := plain{N: int64(i), F: make([]string, i%3)}
		if i%2 == 0 {
			row.S = new(strings.Repeat("s", i%50+1))
		}
		if _, err := w.Write([]plain{row}); err != nil {
			t.Fatal(err)
		}
		if i%3000 == 2999 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := newReader(t, io.MultiReader(&b), eventfile.Parquet, eventfile.Options{})
	var c eventfile.Chunk
	next := int64(0)
	for {
		if err := r.Next(&c); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for i := range c.Len() {
			cells := c.Cells(i)
			if cells[0].Int != next || c.ID(i).Offset != next || (next%2 == 0) != (len(cells[1].Bytes) == int(next%50)+1) {
				t.Fatalf("row %d came as %s", next, describe(&c, i))
			}
			next++
		}
	}
	if done, total := r.Progress(); next != n || done != total {
		t.Errorf("%d of %d rows came, progress %d of %d", next, n, done, total)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

// TestParquetValue is what goes to --rejects for a Parquet row.
func TestParquetValue(t *testing.T) {
	r := newReader(t, bytes.NewReader(parquetBytes(t, []plain{{N: 1, F: []string{"a\"", "\n"}}})), eventfile.Parquet, eventfile.Options{})
	var c eventfile.Chunk
	if err := r.Next(&c); err != nil {
		t.Fatal(err)
	}
	const want = `{"n":1,"s":null,"f":["a\"","\u000a"]}`
	if got := string(c.AppendValue(nil, 0)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzParquet feeds damaged files: an error or rows, never a crash.
func FuzzParquet(f *testing.F) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[plain](&b)
	if _, err := w.Write([]plain{{N: 1, S: new("x"), F: []string{"a"}}, {N: 2}}); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Add([]byte("PAR1PAR1"))
	f.Add([]byte("PAR1\x15\x06\x15\x20\x15\x20\x15\xf2\xf6PAR1")) // a footer of 4 GB in 17 bytes
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := eventfile.NewReader("f", bytes.NewReader(in), eventfile.Parquet, eventfile.Options{})
		if err != nil {
			return
		}
		defer r.Close()
		var c eventfile.Chunk
		for range 10 {
			if r.Next(&c) != nil {
				return
			}
		}
	})
}

// TestParquetEmptyRowGroups reads what Python's pyarrow wrote: it makes a row
// group of every table that it is given, be it empty.
func TestParquetEmptyRowGroups(t *testing.T) {
	rows := []string{`f/0/0 int 0|"0"`, `f/0/1 int 1|"1"`, `f/0/2 int 2|"2"`, `f/0/3 int 3|"3"`}
	for file, want := range map[string][]string{
		"empty_group_first": rows, "empty_group_middle": rows, "empty_group_last": rows,
		"empty_group_only": nil, "no_groups": nil,
	} {
		t.Run(file, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("testdata", file+".parquet"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(t, newReader(t, bytes.NewReader(in), eventfile.Parquet, eventfile.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
		})
	}
}
