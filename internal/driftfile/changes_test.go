package driftfile_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/driftfile"
)

// shifting are rows of six days whose amounts rise on the fourth, when another shop
// begins to sell.
func shifting() []row {
	rows := table(4, 9000, june, time.Minute)
	for i := range rows {
		if i < 5000 {
			continue
		}
		if rows[i].Amount != nil {
			*rows[i].Amount += 200
		}
		if rows[i].Shop != nil && i%5 == 0 {
			*rows[i].Shop = "pop-up"
		}
	}
	return rows
}

// naiveChanges are those of panes that are counted one after the other.
func naiveChanges(t *testing.T, rows []row, ref *drift.Reference, pane time.Duration) string {
	t.Helper()
	schema := drift.NewSchema(fields, ref)
	var starts []time.Time
	var panes [][]drift.Counts
	counter := drift.NewCounter(schema)
	for i := range rows {
		if start := rows[i].At.Truncate(pane); len(starts) == 0 || !start.Equal(starts[len(starts)-1]) {
			counter = drift.NewCounter(schema)
			starts, panes = append(starts, start), append(panes, nil)
		}
		countRow(counter, &rows[i])
		panes[len(panes)-1] = counter.Counts(nil)
	}
	all := map[string][]drift.ReportChange{}
	for f := range fields {
		var series []drift.Counts
		for i := range panes {
			series = append(series, panes[i][f])
		}
		found, err := drift.Changes("adwin", series)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			category := ""
			for _, name := range ref.Field(fields[f].Name).Names {
				if drift.Hash([]byte(name)) == c.Category {
					category = name
				}
			}
			all[fields[f].Name] = append(all[fields[f].Name], drift.ReportChange{
				At: starts[c.Pane], Until: starts[c.Pane].Add(pane), Detector: "adwin", What: c.What, Category: category,
			})
		}
	}
	return fmt.Sprint(all)
}

// collected gathers the changes of reports, each of which tells those within it.
func collected(t *testing.T, into map[string][]drift.ReportChange) func(*drift.Report, []drift.Counts) error {
	return func(r *drift.Report, _ []drift.Counts) error {
		for _, f := range r.Features {
			for _, c := range f.Changes {
				if c.At.Before(r.Start) || !c.At.Before(r.End) {
					t.Errorf("the window from %s to %s tells of %s", r.Start, r.End, c.At)
				}
			}
			into[f.Name] = append(into[f.Name], f.Changes...)
			slices.SortStableFunc(into[f.Name], func(a, b drift.ReportChange) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What)) })
			into[f.Name] = slices.Compact(into[f.Name])
			if into[f.Name] == nil {
				delete(into, f.Name)
			}
		}
		return nil
	}
}

// The panes of 9,000 minutes become twice as long until there are at most 1024,
// whatever the order of rows.
func TestChangesAreThoseOfPanes(t *testing.T) {
	rows := shifting()
	ref := reference(t, table(1, 5000, june.AddDate(0, -1, 0), 5*time.Minute))
	want := naiveChanges(t, rows, ref, 16*time.Minute)
	for _, file := range []string{write(t, "a.csv", rows), write(t, "b.csv", shuffled(rows)), write(t, "c.parquet", rows)} {
		in := driftfile.Input{Files: []string{file}, EventTime: "at", Zone: time.UTC}
		c := &driftfile.Comparison{
			Reference: ref, Fields: fields, Judge: judge, Detectors: []string{"adwin"}, Pane: time.Minute,
			Windows: []drift.WindowSpec{{Name: "1d", Calendar: "1d"}, {Name: "24h", Length: 24 * time.Hour}},
		}
		got := map[string][]drift.ReportChange{}
		if _, err := in.Report(t.Context(), c, collected(t, got)); err != nil {
			t.Fatal(err)
		}
		if len(got["amount"]) == 0 || len(got["shop"]) == 0 || len(got) != 2 || fmt.Sprint(got) != want {
			t.Errorf("%s:\n%v\nwant\n%s", filepath.Base(file), got, want)
		}
	}
}

// Only stretches that have rows count towards the most that there may be: rows dated
// decades away leave the others' stretches as long as they were. (Where few values are joined, a
// row more moves the joints by some of them.)
func TestChangesInSpiteOfRowsFarAway(t *testing.T) {
	rows := shifting()
	ref := reference(t, table(1, 5000, june.AddDate(0, -1, 0), 5*time.Minute))
	found := func(name string, rows []row) string {
		in := driftfile.Input{Files: []string{write(t, name, rows)}, EventTime: "at", Zone: time.UTC}
		c := &driftfile.Comparison{Reference: ref, Fields: fields, Judge: judge, Detectors: []string{"adwin"}, Pane: time.Minute}
		got := map[string][]drift.ReportChange{}
		if _, err := in.Report(t.Context(), c, collected(t, got)); err != nil {
			t.Fatal(err)
		}
		var days []string
		for _, name := range slices.Sorted(maps.Keys(got)) {
			for _, c := range got[name] {
				days = append(days, fmt.Sprint(name, " ", c.What, " ", c.At.Format(time.DateOnly)))
			}
		}
		return strings.Join(days, "; ")
	}
	want := found("a.csv", rows)
	past, future := rows[10], rows[8000]
	past.At, future.At = past.At.AddDate(-56, 0, 0), future.At.AddDate(73, 0, 0)
	if got := found("b.csv", slices.Concat([]row{future}, rows, []row{past})); got != want || got == "" {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Rows that others count, in any order, have the same changes.
func TestChangesOfATally(t *testing.T) {
	rows := shifting()
	ref := reference(t, table(1, 5000, june.AddDate(0, -1, 0), 5*time.Minute))
	c := &driftfile.Comparison{Reference: ref, Fields: fields, Judge: judge, Detectors: []string{"adwin"}, Pane: time.Minute}
	tally := driftfile.NewTally(c, time.UTC)
	counter := drift.NewCounter(drift.NewSchema(fields, ref))
	for _, r := range shuffled(rows) {
		at := r.At.UnixMilli()
		for window, start := range tally.Starts() {
			counter.Reset()
			countRow(counter, &r)
			tally.Add(window, start(at), 1, driftfile.Times{First: at, Last: at, Timed: true}, counter.Counts(nil))
		}
	}
	got := map[string][]drift.ReportChange{}
	if err := tally.Report(collected(t, got)); err != nil {
		t.Fatal(err)
	}
	// The one window begins with the first row and ends with the last one.
	in := driftfile.Input{Files: []string{write(t, "a.csv", rows)}, EventTime: "at", Zone: time.UTC}
	want := map[string][]drift.ReportChange{}
	if _, err := in.Report(t.Context(), c, collected(t, want)); err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v want %v", got, want)
	}
}
