package eventfile_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/eventfile"
)

// read gives every event as one line of text: its id, and its cells, its bytes
// or the rejection.
func read(t *testing.T, r *eventfile.Reader) ([]string, error) {
	t.Helper()
	var got []string
	var c eventfile.Chunk
	for {
		err := r.Next(&c)
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		for i := range c.Len() {
			got = append(got, describe(&c, i))
		}
	}
}

func describe(c *eventfile.Chunk, i int) string {
	id := c.ID(i).String()
	if r := c.Rejection(i); r != nil {
		return fmt.Sprintf("%s %s: %s: %q", id, r.Class, r.Error(), c.AppendValue(nil, i))
	}
	if c.Table() == nil {
		return fmt.Sprintf("%s %s", id, c.Value(i))
	}
	var cells []string
	for _, cell := range c.Cells(i) {
		cells = append(cells, text(cell))
	}
	return id + " " + strings.Join(cells, "|")
}

func text(c inference.Cell) string {
	switch c.Kind {
	case inference.CellNull:
		return "null"
	case inference.CellText:
		return string(c.Bytes)
	case inference.CellString:
		return fmt.Sprintf("%q", c.Bytes)
	case inference.CellJSON:
		return "json " + string(c.Bytes)
	case inference.CellInt:
		return fmt.Sprintf("int %d", c.Int)
	case inference.CellUint:
		return fmt.Sprintf("uint %d", uint64(c.Int))
	case inference.CellBool:
		return fmt.Sprintf("bool %d", c.Int)
	default:
		return fmt.Sprintf("float %v", c.Float)
	}
}

func newReader(t *testing.T, in io.Reader, f eventfile.Format, o eventfile.Options) *eventfile.Reader {
	t.Helper()
	r, err := eventfile.NewReader("f", in, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// temporary is a regular file with text in it.
func temporary(t *testing.T, text string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return f
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestJSONLines(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string
	}{
		"nothing":         {"", nil},
		"one":             {"{}\n", []string{"f/0/0 {}"}},
		"no last newline": {"{}\n[]", []string{"f/0/0 {}", "f/0/1 []"}},
		"blank lines are skipped but counted": {
			"\n \t\r\n{}\n\n\n1\n", []string{"f/0/2 {}", "f/0/5 1"},
		},
		"CRLF":            {"{}\r\n{ }\r\n", []string{"f/0/0 {}", "f/0/1 { }"}},
		"byte order mark": {"\xef\xbb\xbf{}\n", []string{"f/0/0 {}"}},
		"mark only":       {"\xef\xbb\xbf", nil},
		"too large": {
			"1\n" + strings.Repeat("x", 101) + "\n" + strings.Repeat("y", 100) + "\n2",
			[]string{
				"f/0/0 1", `f/0/1 too_large: the event is larger than 100 bytes: ""`,
				"f/0/2 " + strings.Repeat("y", 100), "f/0/3 2",
			},
		},
	}
	for name, tt := range tests {
		for how, in := range map[string]io.Reader{
			"at once": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				got, err := read(t, newReader(t, in, eventfile.JSONLines, eventfile.Options{MaxEvent: 100}))
				if err != nil {
					t.Fatal(err)
				}
				compare(t, got, tt.want)
			})
		}
	}
}

func TestJSONLinesAcrossBlocks(t *testing.T) {
	var in strings.Builder
	var want []string
	for i := range 20_000 {
		line := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("p", i%200))
		if i == 777 {
			line = strings.Repeat("long", 300_000)
		}
		in.WriteString(line + "\n")
		want = append(want, fmt.Sprintf("f/0/%d %s", i, line))
	}
	for name, o := range map[string]eventfile.Options{"default": {}, "many rows": {Rows: 15_000}} {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, newReader(t, temporary(t, in.String()), eventfile.JSONLines, o))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d events came back, not the %d that were written", len(got), len(want))
			}
		})
		t.Run(name+" live", func(t *testing.T) {
			got, err := read(t, newReader(t, strings.NewReader(in.String()), eventfile.JSONLines, o))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d events came back, not the %d that were written", len(got), len(want))
			}
		})
	}
}

// TestTooLargeAcrossBlocks has the long line span many blocks, so that it is
// given up before its end is seen.
func TestTooLargeAcrossBlocks(t *testing.T) {
	in := "1\n" + strings.Repeat("x", 2<<20) + "\n2\n"
	got, err := read(t, newReader(t, strings.NewReader(in), eventfile.JSONLines, eventfile.Options{MaxEvent: 300 << 10}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, []string{
		"f/0/0 1", `f/0/1 too_large: the event is larger than 307200 bytes: ""`, "f/0/2 2",
	})
}

func TestChunksHaveRowsEvents(t *testing.T) {
	for name, in := range map[string]string{
		"short": strings.Repeat("1\n", 3500), "long": strings.Repeat(strings.Repeat("x", 1999)+"\n", 3500),
	} {
		for _, format := range []eventfile.Format{eventfile.JSONLines, eventfile.CSV} {
			t.Run(name+" "+format.String(), func(t *testing.T) {
				text := in
				if format == eventfile.CSV {
					text = "column\n" + in
				}
				r := newReader(t, temporary(t, text), format, eventfile.Options{Rows: 1000})
				var c eventfile.Chunk
				for _, want := range []int{1000, 1000, 1000, 500} {
					if err := r.Next(&c); err != nil || c.Len() != want {
						t.Fatalf("a chunk has %d events (%v), want %d", c.Len(), err, want)
					}
				}
				if err := r.Next(&c); err != io.EOF {
					t.Errorf("got %v behind the last chunk, want io.EOF", err)
				}
			})
		}
	}
}

// TestLiveStreamIsNotWaitedFor writes one line into a pipe and keeps it open:
// the event comes without the block filling up.
func TestLiveStreamIsNotWaitedFor(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	go out.Write([]byte("{}\n"))
	r := newReader(t, in, eventfile.JSONLines, eventfile.Options{})
	var c eventfile.Chunk
	if err := r.Next(&c); err != nil || c.Len() != 1 {
		t.Errorf("Next gave %d events and %v, want the one that is there", c.Len(), err)
	}
}

func TestReadErrorComesAfterTheEvents(t *testing.T) {
	in := io.MultiReader(strings.NewReader("1\n2\n"), iotest.ErrReader(errors.New("disk on fire")))
	got, err := read(t, newReader(t, in, eventfile.JSONLines, eventfile.Options{}))
	compare(t, got, []string{"f/0/0 1", "f/0/1 2"})
	if err == nil || err.Error() != "read f: disk on fire" {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestFormats(t *testing.T) {
	for path, want := range map[string]eventfile.Format{
		"a.jsonl": eventfile.JSONLines, "a.NDJSON": eventfile.JSONLines, "x/a.json": eventfile.JSONLines,
		"a.csv": eventfile.CSV, "a.b.parquet": eventfile.Parquet,
	} {
		if got, err := eventfile.FormatOf(path); got != want || err != nil {
			t.Errorf("FormatOf(%q) = %v, %v, want %v", path, got, err, want)
		}
	}
	if _, err := eventfile.FormatOf("events.txt"); err == nil || !strings.Contains(err.Error(), "--format") {
		t.Errorf("an unknown extension gives %v, want an error that names --format", err)
	}
	if _, err := eventfile.ParseFormat("xml"); err == nil {
		t.Error("xml was taken for a format")
	}
}

func TestOpenNamesEventsByBaseName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "day.jsonl")
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := eventfile.Open(path, eventfile.JSONLines, eventfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, r)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, []string{"day.jsonl/0/0 {}"})
	if done, total := r.Progress(); done != 3 || total != 3 {
		t.Errorf("progress is %d of %d, want 3 of 3", done, total)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := eventfile.Open(path+"x", eventfile.JSONLines, eventfile.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gives %v", err)
	}
}
