package eventfile_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/eventfile"
)

// readTable reads a file column by column: its columns' names and kinds, then the
// values of each row.
func readTable(t *testing.T, path string, zone *time.Location, as map[string]eventfile.Reading) ([]string, error) {
	t.Helper()
	format, err := eventfile.FormatOf(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := eventfile.OpenFrames(path, format, zone)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var head []string
	for _, c := range f.Columns() {
		head = append(head, fmt.Sprintf("%s:%d", c.Name, c.Kind))
	}
	got := []string{strings.Join(head, " ")}
	var frame eventfile.Frame
	for {
		err := f.Next(&frame)
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		lines := make([][]string, frame.Rows)
		for i, c := range f.Columns() {
			var v eventfile.Vector
			reading, named := as[c.Name]
			if !named && c.Kind != eventfile.NumberColumn {
				reading = eventfile.AsTexts
			}
			if c.Kind == eventfile.NestedColumn {
				continue
			}
			if err := frame.Read(i, reading, &v); err != nil {
				return got, err
			}
			for row, state := range v.States {
				lines[row] = append(lines[row], cellText(&frame, &v, reading, row, i, state))
			}
		}
		for _, line := range lines {
			got = append(got, strings.Join(line, "|"))
		}
	}
}

func cellText(frame *eventfile.Frame, v *eventfile.Vector, as eventfile.Reading, row, column int, state eventfile.State) string {
	switch {
	case state == eventfile.Absent:
		return "-"
	case state == eventfile.Unreadable:
		return "? " + filepath.Base(frame.Place(row, column))
	case as == eventfile.AsNumbers:
		return fmt.Sprint(v.Values[row])
	case as == eventfile.AsTimes:
		return time.UnixMilli(v.Times[row]).UTC().Format("2006-01-02T15:04:05.999")
	}
	return string(v.Text(row))
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantTable(t *testing.T, path string, zone *time.Location, as map[string]eventfile.Reading, want ...string) {
	t.Helper()
	got, err := readTable(t, path, zone, as)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestFramesOfCSV(t *testing.T) {
	path := write(t, "a.csv", []byte("\ufeffn,text,when,\"a,b\"\n"+
		"1.5,x,2022-01-01 00:00:00,1\n"+
		",,2022-07-01,\"\"\n"+
		"nan,\"two\nlines\",2022-01-01T00:00:00Z,2\n"+
		"-Inf,true,1640995200123,1e3\n"))
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// Clock times are those of the zone: an hour, in summer two, before UTC's.
	wantTable(t, path, berlin, map[string]eventfile.Reading{"when": eventfile.AsTimes},
		"n:0 text:1 when:1 a,b:0",
		"1.5|x|2021-12-31T23:00:00|1",
		"-|-|2022-06-30T22:00:00|-",
		"-|two\nlines|2022-01-01T00:00:00|2",
		"-Inf|true|2022-01-01T00:00:00.123|1000",
	)
}

// A value beyond the rows that kinds are taken from does not change a kind; it is
// told with its place, lines within quotes and blank ones counted.
func TestFramesTellPlaces(t *testing.T) {
	var b strings.Builder
	b.WriteString("n,text\n\n\"1\",\"a\nb\"\n")
	for range 5000 {
		b.WriteString("1,x\n")
	}
	b.WriteString("7,\"é,\"\"\nq\"\nx1,y\n")
	got, err := readTable(t, write(t, "a.csv", []byte(b.String())), time.UTC, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; last != "? a.csv:5007:1|y" {
		t.Errorf("the last row is %q", last)
	}
	got, err = readTable(t, write(t, "b.csv", []byte("a,b,c\n1,\"x\n\"\"y\",z\n")), time.UTC,
		map[string]eventfile.Reading{"c": eventfile.AsNumbers})
	if err != nil || got[1] != "1|x\n\"y|? b.csv:3:6" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFramesOfJSONLines(t *testing.T) {
	path := write(t, "a.jsonl", []byte(`{"b":{"x":1,"a.b":"t"},"l":[1,{"z":[]}],"n":null}
{"n":2.5,"yes":true,"b":{"x":"1"},"never":null}

{"yes":1,"b":3,"c":null}
{"c":{"d":0}}
`))
	// What is null throughout is a column, as the empty one of a CSV file is; an
	// object that is null at times is none.
	wantTable(t, path, time.UTC, nil,
		"b.x:1 b['a.b']:1 l:2 n:0 yes:1 never:0 b:0 c.d:0",
		"1|t|-|-|-|-|-",
		"1|-|2.5|true|-|-|-",
		"-|-|-|1|-|3|-",
		"-|-|-|-|-|-|0",
	)
	path = write(t, "a.jsonl", []byte("\n{\"a\":{\"b\" : \t\"é\", \"a\": 1}, \"c\":\"soon\"}\n"))
	wantTable(t, path, time.UTC, map[string]eventfile.Reading{"a.b": eventfile.AsNumbers, "c": eventfile.AsTimes},
		"a.b:1 a.a:0 c:1", "? a.jsonl:2:14|1|? a.jsonl:2:33")
	for text, want := range map[string]string{
		"{\"a\":1}\n{\"a\":1,}\n": "b.jsonl:2:8: ", "[1]\n": "an event is an object", "{\"a\":1} 2\n": "something follows",
		"a,b\n": "b.jsonl:1:1: ",
	} {
		if _, err := readTable(t, write(t, "b.jsonl", []byte(text)), time.UTC, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestFramesOfParquet(t *testing.T) {
	path := write(t, "a.parquet", parquetBytes(t, sample()))
	wantTable(t, path, time.UTC, map[string]eventfile.Reading{"when": eventfile.AsTimes, "old": eventfile.AsTimes},
		"text:1 note:1 yes:1 small:0 big:0 unsig:0 single:0 double:0 place.country:1 place.risk:0 when:1 day:1 time:1 price:0 key:1 doc:2 old:1 tokens:2 bare:2 lines:2 weights:2",
		"Größe|n\"1\"|true|-7|9.007199254740992e+15|1.8446744073709552e+19|0.10000000149011612|0.1|DE|0.25|2026-11-21T09:00:00.123|2026-11-21|01:02:03.004|-0.05|95ae0000-0000-0000-0000-0000000000dd|1970-01-02T00:00:00",
		"|-|false|0|0|0|0|0|FR|-|? a.parquet: row 2|1970-01-01|00:00:00|1234.56|00000000-0000-0000-0000-000000000000|? a.parquet: row 2",
	)
}

// TestFramesOfParquetTypes reads what Python's pyarrow wrote: each of its types that
// is no number, text or boolean as it stands.
func TestFramesOfParquetTypes(t *testing.T) {
	wantTable(t, filepath.Join("testdata", "types.parquet"), time.UTC, nil,
		"f16:0 i8:0 u8:0 u16:0 u32:0 u64:0 dec9:0 dec38:0 dec76:0 null:0 date32:1 date64:1 time32:1 time64:1 stamp:1 duration:0 uuid:1 enum:1 json:2 binary:1 fixed:1 bool:1 list:2 map:2 group.x:0 group.l:2",
		"1.5|-8|200|60000|4e+09|1.8446744073709552e+19|-1.25|1.2345678901234567e+19|2.5|-|2026-06-01|2026-06-01|01:02:03|01:02:03|2026-06-01T00:00:00Z|5|95ae0000-0000-0000-0000-0000000000dd|a|ab|ab|true|2.5",
		strings.Repeat("-|", 21)+"-",
	)
}

// A time is one that events can have, whichever way it is written.
func TestFramesOfTimes(t *testing.T) {
	read := map[string]eventfile.Reading{"at": eventfile.AsTimes}
	wantTable(t, write(t, "a.csv", []byte("at\n0001-01-01\n1677-09-20\n1678-01-01\n2262-04-11 23:00:00\n2262-04-12\n9999-12-31T00:00:00Z\n9223372037\n")),
		time.UTC, read,
		"at:1", "? a.csv:2:1", "? a.csv:3:1", "1678-01-01T00:00:00", "2262-04-11T23:00:00", "? a.csv:6:1", "? a.csv:7:1", "? a.csv:8:1")
	type row struct {
		At time.Time `parquet:"at,timestamp(millisecond)"`
	}
	wantTable(t, write(t, "a.parquet", parquetBytes(t, []row{{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}, {time.UnixMilli(7)}})),
		time.UTC, read, "at:1", "? a.parquet: row 1", "1970-01-01T00:00:00.007")
}

type clocked struct {
	At   time.Time `parquet:"at,timestamp(millisecond:local)"`
	UTC  time.Time `parquet:"utc,timestamp(nanosecond)"`
	Name *string   `parquet:"name,optional,dict"`
}

// Many pages and row groups, columns of which come at different places; clock
// times in Parquet mean what they mean in CSV.
func TestFramesOfManyPages(t *testing.T) {
	rows := make([]clocked, 50_000)
	at := time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		rows[i] = clocked{At: at.Add(time.Duration(i) * time.Second), UTC: at}
		if i%3 > 0 {
			rows[i].Name = new(fmt.Sprint("n", i%7))
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readTable(t, write(t, "a.parquet", parquetBytes(t, rows)), berlin,
		map[string]eventfile.Reading{"at": eventfile.AsTimes, "utc": eventfile.AsTimes})
	if err != nil || len(got) != len(rows)+1 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i := range rows {
		name := "-"
		if rows[i].Name != nil {
			name = *rows[i].Name
		}
		want := at.Add(time.Duration(i)*time.Second-2*time.Hour).Format("2006-01-02T15:04:05") + "|2022-07-01T00:00:00|" + name
		if got[i+1] != want {
			t.Fatalf("row %d is %q, want %q", i, got[i+1], want)
		}
	}
}

func TestFramesRefuseWhatIsNoTable(t *testing.T) {
	for _, c := range []struct{ file, content, want string }{
		{"a.csv", "a,b\n", "there is no row in it"},
		{"a.jsonl", "\n", "there is no row in it"},
		{"a.csv", "a,b\n\n1\n", "a.csv:3: the row has 1 cells, the header has 2"},
		{"a.csv", "a\n\"\n", "a.csv:2: a quote is never closed"},
		{"a.parquet", "PAR1", "this is no Parquet file"},
	} {
		_, err := readTable(t, write(t, c.file, []byte(c.content)), time.UTC, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), c.file) != 1 {
			t.Errorf("%q: %v, want %q", c.content, err, c.want)
		}
	}
}
