package driftfile_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/driftfile"
)

// row is one of the tables that the tests write in every format.
type row struct {
	At     time.Time `parquet:"at,timestamp(millisecond)"`
	Amount *float64  `parquet:"amount,optional"`
	Shop   *string   `parquet:"shop,optional"`
	Count  int64     `parquet:"count"`
	Flag   bool      `parquet:"flag"`
}

var fields = []drift.Field{
	{Name: "amount", Role: drift.Watched, Kind: drift.Numeric},
	{Name: "shop", Role: drift.Watched, Kind: drift.Categorical, Top: 100},
	{Name: "count", Role: drift.Watched, Kind: drift.Numeric},
	{Name: "flag", Role: drift.Watched, Kind: drift.Categorical, Top: 100},
}

// table draws rows, one every step.
func table(seed uint64, n int, from time.Time, step time.Duration) []row {
	r := rand.New(rand.NewPCG(seed, 0))
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{At: from.Add(time.Duration(i) * step), Count: int64(r.IntN(5)), Flag: r.IntN(9) == 0}
		if r.IntN(20) > 0 {
			rows[i].Amount = new(float64(int(1000*r.ExpFloat64())) / 8)
		}
		if r.IntN(30) > 0 {
			rows[i].Shop = new(fmt.Sprintf("shop \"%d\", ltd", r.IntN(7)))
		}
	}
	return rows
}

func shuffled(rows []row) []row {
	r := rand.New(rand.NewPCG(7, 7))
	out := append([]row(nil), rows...)
	r.Shuffle(len(out), func(i, k int) { out[i], out[k] = out[k], out[i] })
	return out
}

// write stores rows in the format that the name says.
func write(t *testing.T, name string, rows []row) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	switch filepath.Ext(name) {
	case ".parquet":
		w := parquet.NewGenericWriter[row](f, parquet.MaxRowsPerRowGroup(7000))
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	case ".csv":
		fmt.Fprintln(f, "flag,at,amount,count,shop")
		for i := range rows {
			r := &rows[i]
			amount, shop := "", ""
			if r.Amount != nil {
				amount = fmt.Sprint(*r.Amount)
			}
			if r.Shop != nil {
				shop = `"` + strings.ReplaceAll(*r.Shop, `"`, `""`) + `"`
			}
			fmt.Fprintf(f, "%t,%s,%s,%d,%s\n", r.Flag, r.At.Format(time.RFC3339), amount, r.Count, shop)
		}
	default:
		e := json.NewEncoder(f)
		for i := range rows {
			r := &rows[i]
			if err := e.Encode(map[string]any{"at": r.At.UnixMilli(), "amount": r.Amount, "shop": r.Shop, "count": r.Count, "flag": r.Flag}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return path
}

type sink interface {
	Row()
	Number(field int, v float64)
	Text(field int, v []byte)
	Missing(field int)
}

// countRow is the oracle's way of counting: row by row, all fields together.
func countRow(c sink, r *row) {
	c.Row()
	if r.Amount == nil {
		c.Missing(0)
	} else {
		c.Number(0, *r.Amount)
	}
	if r.Shop == nil {
		c.Missing(1)
	} else {
		c.Text(1, []byte(*r.Shop))
	}
	c.Number(2, float64(r.Count))
	c.Text(3, fmt.Append(nil, r.Flag))
}

func reference(t *testing.T, rows []row) *drift.Reference {
	t.Helper()
	b := drift.NewReferenceBuilder(fields, time.Minute)
	for i := range rows {
		countRow(b.At(rows[i].At.UnixMilli(), true), &rows[i])
	}
	ref, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

var june = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// A reference is the same whatever the format and however rows are cut into
// frames and columns: that of one builder which is given all of them. (The builder's
// digests depend on the rows' order, so that is kept.)
func TestReferenceOfEveryFormat(t *testing.T) {
	rows := table(1, 9_000, june, time.Minute)
	want := reference(t, rows)
	for _, name := range []string{"a.csv", "a.parquet", "a.jsonl"} {
		in := driftfile.Input{Files: []string{write(t, name, rows[:5000]), write(t, "more."+name, rows[5000:])}, EventTime: "at", Zone: time.UTC}
		found, nested, err := in.Fields(driftfile.Choice{Top: 100})
		if err != nil || len(nested) > 0 {
			t.Fatal(nested, err)
		}
		if len(found) != len(fields) {
			t.Fatalf("%s: fields %+v", name, found)
		}
		got, notes, err := in.Reference(t.Context(), fields)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest() != want.Digest() || !got.From.Equal(want.From) || !got.To.Equal(want.To) || notes.Rows != 9_000 {
			t.Errorf("%s: %s from %s to %s, want %s from %s to %s", name, got.Digest(), got.From, got.To, want.Digest(), want.From, want.To)
		}
	}
}

// naive are the windows as they are defined: for each all rows in its span.
func naive(spec drift.WindowSpec, zone *time.Location, rows []row) []drift.Span {
	seen := map[drift.Span]bool{}
	var spans []drift.Span
	for i := range rows {
		at := rows[i].At.UnixMilli()
		step := spec.Step(at, zone)
		hops := 12
		if spec.Calendar != "" {
			hops = 1
		}
		for k := range hops {
			end := step.End + int64(k)*(step.End-step.Start)
			span := drift.Span{Start: end - int64(hops)*(step.End-step.Start), End: end}
			if !seen[span] {
				seen[span] = true
				spans = append(spans, span)
			}
		}
	}
	return spans
}

// Every window's counts are those of the rows within it, in whatever order they
// come, from whatever format.
func TestWindowsAreThoseOfTheirRows(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rows := append(table(2, 4500, june, 90*time.Second), table(3, 300, june.AddDate(0, 0, 20), time.Minute)...)
	ref := reference(t, table(1, 5000, june.AddDate(0, -1, 0), 5*time.Minute))
	specs := []drift.WindowSpec{{Name: "12h", Length: 12 * time.Hour}, {Name: "1d", Calendar: "1d"}, {Name: "1mo", Calendar: "1mo"}}
	for _, file := range []string{
		write(t, "a.csv", rows), write(t, "b.csv", shuffled(rows)), write(t, "c.parquet", shuffled(rows)), write(t, "d.jsonl", shuffled(rows)),
	} {
		in := driftfile.Input{Files: []string{file}, EventTime: "at", Zone: berlin}
		got := map[string]map[drift.Span][]drift.Counts{}
		last := ""
		notes, err := in.Report(t.Context(), &driftfile.Comparison{Reference: ref, Fields: fields, Windows: specs, Judge: judge}, func(r *drift.Report, counts []drift.Counts) error {
			if got[r.Window] == nil {
				got[r.Window] = map[drift.Span][]drift.Counts{}
			}
			clones := make([]drift.Counts, len(counts))
			for i := range counts {
				clones[i] = counts[i].Clone()
			}
			got[r.Window][drift.Span{Start: r.Start.UnixMilli(), End: r.End.UnixMilli()}] = clones
			if order := r.Window + r.End.Format(time.RFC3339); order <= last {
				t.Errorf("%s comes after %s", order, last)
			} else {
				last = order
			}
			return nil
		})
		if err != nil || notes.Rows != int64(len(rows)) {
			t.Fatal(notes, err)
		}
		for _, spec := range specs {
			compareWindows(t, filepath.Base(file), spec, berlin, rows, ref, got[spec.Name])
		}
	}
}

var judge = drift.JudgeConfig{FalseAlarms: 1, Per: 30 * 24 * time.Hour, Effect: 0.1, MinRows: 100}

func compareWindows(t *testing.T, file string, spec drift.WindowSpec, zone *time.Location, rows []row, ref *drift.Reference, got map[drift.Span][]drift.Counts) {
	t.Helper()
	spans := naive(spec, zone, rows)
	if len(spans) != len(got) {
		t.Errorf("%s %s: %d windows, want %d", file, spec.Name, len(got), len(spans))
	}
	for _, span := range spans {
		c := drift.NewCounter(drift.NewSchema(fields, ref))
		for i := range rows {
			if at := rows[i].At.UnixMilli(); span.Start <= at && at < span.End {
				countRow(c, &rows[i])
			}
		}
		want := c.Counts(nil)
		for i := range want {
			a, errA := json.Marshal(want[i])
			b, errB := json.Marshal(got[span][i])
			if errA != nil || errB != nil || string(a) != string(b) {
				t.Fatalf("%s %s %v %s: got %s want %s", file, spec.Name, span, fields[i].Name, b, a)
			}
		}
	}
}

// Without windows there is one over all rows; without times it has no bounds, and
// rows that lack a time where others have one are left out and counted.
func TestOneWindow(t *testing.T) {
	rows := table(2, 3000, june, time.Minute)
	ref := reference(t, table(1, 5000, june.AddDate(0, -1, 0), 5*time.Minute))
	c := &driftfile.Comparison{Reference: ref, Fields: fields, Judge: judge, Compat: drift.NannyML}
	in := driftfile.Input{Files: []string{write(t, "a.parquet", rows)}, Zone: time.UTC}
	var err error
	if c.Raw, err = in.Raw(t.Context(), fields); err != nil {
		t.Fatal(err)
	}
	report := func(r *drift.Report, _ []drift.Counts) error {
		if !r.Start.IsZero() || r.Window != "all" || r.Rows != 3000 {
			t.Errorf("%+v", r)
		}
		// The same rows on both sides: no distance, by anybody's count.
		if ks, ok := r.Features[0].Compat["kolmogorov_smirnov"]; !ok || ks != 0 {
			t.Errorf("compat %v", r.Features[0].Compat)
		}
		return nil
	}
	if _, err := in.Report(t.Context(), c, report); err != nil {
		t.Fatal(err)
	}

	path := filepath.Join(t.TempDir(), "a.csv")
	text := "at,amount,shop,count,flag\n2026-06-01,1,a,1,true\n,2,b,2,true\n2026-06-03 12:00:00.5,x,c,3,false\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in = driftfile.Input{Files: []string{path}, EventTime: "at", Zone: time.UTC}
	c.Compat = ""
	notes, err := in.Report(t.Context(), c, func(r *drift.Report, counts []drift.Counts) error {
		if r.Rows != 2 || !r.Start.Equal(june) || !r.End.Equal(june.Add(60*time.Hour+501*time.Millisecond)) {
			t.Errorf("%+v", r)
		}
		if counts[0].Rows != 2 || counts[0].TypeErrors != 1 || counts[0].Finite() != 1 {
			t.Errorf("amount: %+v", counts[0])
		}
		return nil
	})
	want := &driftfile.Notes{Rows: 2, Untimed: 1, Unreadable: []driftfile.Unreadable{{Field: "amount", N: 1, First: path + ":4:23"}}}
	if err != nil || !reflect.DeepEqual(notes, want) {
		t.Errorf("notes %+v, %v; want %+v", notes, err, want)
	}
}

func TestColumnsThatAreNotThere(t *testing.T) {
	path := write(t, "a.csv", table(1, 10, june, time.Minute))
	for _, c := range []struct {
		in     driftfile.Input
		choice driftfile.Choice
		want   string
	}{
		{driftfile.Input{EventTime: "att"}, driftfile.Choice{}, `a.csv has no column "att"; did you mean "at"?`},
		{driftfile.Input{EventTime: "at"}, driftfile.Choice{Categorical: []string{"zzz"}}, `a.csv has no column "zzz"; its columns are flag, amount, count, shop`},
		{driftfile.Input{EventTime: "at"}, driftfile.Choice{Ignore: []string{"cuont"}}, `did you mean "count"?`},
	} {
		c.in.Files, c.in.Zone = []string{path}, time.UTC
		if _, _, err := c.in.Fields(c.choice); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	in := driftfile.Input{Files: []string{path}, EventTime: "at", Zone: time.UTC}
	common, absent, err := in.Common([]drift.Field{{Name: "Amount"}, {Name: "shop"}, {Name: "price"}})
	if err != nil || len(common) != 1 || strings.Join(absent, "|") != `Amount (did you mean "amount"?)|price` {
		t.Errorf("common %v, absent %q, %v", common, absent, err)
	}
	// A later file that lacks a column ends it, with its name.
	in.Files = append(in.Files, filepath.Join(t.TempDir(), "b.csv"))
	if err := os.WriteFile(in.Files[1], []byte("at,amount,shop,counts,flag\n2026-06-01,1,a,1,true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := in.Reference(t.Context(), fields); err == nil || !strings.Contains(err.Error(), `b.csv has no column "count"; did you mean "counts"?`) {
		t.Error(err)
	}
}

// A row whose event time cannot be read belongs to a window that nobody knows: it is
// left out, counted and told of, on either side.
func TestUnreadableTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte("amount,at\n1,2026-06-01\n2,yesterday\n3,\n4,9999-12-31\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := driftfile.Input{Files: []string{path}, EventTime: "at", Zone: time.UTC}
	want := &driftfile.Notes{Rows: 1, Untimed: 1, Times: driftfile.Unreadable{N: 2, First: path + ":3:3"}}
	ref, notes, err := in.Reference(t.Context(), fields[:1])
	if err != nil || ref.Rows != 1 || !reflect.DeepEqual(notes, want) {
		t.Errorf("notes %+v, %v; want %+v", notes, err, want)
	}
	raw, err := in.Raw(t.Context(), fields[:1])
	if err != nil || len(raw[0].Numbers) != 1 {
		t.Errorf("raw %v, %v", raw, err)
	}
	c := &driftfile.Comparison{Reference: ref, Fields: fields[:1], Judge: judge, Windows: []drift.WindowSpec{{Name: "1d", Calendar: "1d"}}}
	notes, err = in.Report(t.Context(), c, func(r *drift.Report, _ []drift.Counts) error {
		if _, err := json.Marshal(r); err != nil || r.Rows != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		return nil
	})
	if err != nil || !reflect.DeepEqual(notes, want) {
		t.Errorf("notes %+v, %v; want %+v", notes, err, want)
	}
}

// A column without any value is one in every format.
func TestEmptyColumn(t *testing.T) {
	rows := table(2, 3000, june, time.Minute)
	ref := reference(t, rows)
	for i := range rows {
		rows[i].Amount = nil
	}
	for _, name := range []string{"a.csv", "a.parquet", "a.jsonl"} {
		in := driftfile.Input{Files: []string{write(t, name, rows)}, EventTime: "at", Zone: time.UTC}
		common, absent, err := in.Common(fields)
		if err != nil || len(absent) > 0 {
			t.Fatalf("%s: absent %q, %v", name, absent, err)
		}
		c := &driftfile.Comparison{Reference: ref, Fields: common, Judge: judge}
		_, err = in.Report(t.Context(), c, func(r *drift.Report, _ []drift.Counts) error {
			if f := r.Features[0]; f.Name != "amount" || f.Missing != 1 || !f.Alarm {
				t.Errorf("%s: %+v", name, f)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
