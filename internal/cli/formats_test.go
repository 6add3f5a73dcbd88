//go:build cgo

package cli_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// flatten writes nested objects as dotted columns and leaves arrays out.
func flatten(into map[string]any, prefix string, event map[string]any) map[string]any {
	for key, value := range event {
		switch value := value.(type) {
		case map[string]any:
			flatten(into, prefix+key+".", value)
		case []any:
		default:
			into[prefix+key] = value
		}
	}
	return into
}

func flatEvents(t *testing.T, path string) []map[string]any {
	t.Helper()
	var events []map[string]any
	for _, line := range linesOf(readFile(t, path)) {
		var event map[string]any
		decodeJSON(t, line, &event)
		events = append(events, flatten(map[string]any{}, "", event))
	}
	return events
}

func columnsOf(events []map[string]any) []string {
	all := map[string]bool{}
	for _, e := range events {
		for name := range e {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func writeCSV(t *testing.T, events []map[string]any) string {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	names := columnsOf(events)
	if err := w.Write(names); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		row := make([]string, len(names))
		for i, name := range names {
			switch v := e[name].(type) {
			case nil:
			case string:
				row[i] = v
			case json.Number:
				row[i] = string(v)
			case bool:
				row[i] = map[bool]string{true: "true", false: "false"}[v]
			}
		}
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return writeFile(t, "events.csv", b.String())
}

// columnType is the narrowest Parquet type that holds all of a column's values.
func columnType(events []map[string]any, name string) parquet.Node {
	node := parquet.Int(64)
	for _, e := range events {
		switch v := e[name].(type) {
		case string:
			return parquet.String()
		case bool:
			return parquet.Leaf(parquet.BooleanType)
		case json.Number:
			if strings.ContainsAny(string(v), ".eE") {
				node = parquet.Leaf(parquet.DoubleType)
			}
		}
	}
	return node
}

// writeParquet makes nested groups of the dotted names, with every leaf
// optional.
func writeParquet(t *testing.T, events []map[string]any) string {
	t.Helper()
	root := parquet.Group{}
	for _, name := range columnsOf(events) {
		group, steps := root, strings.Split(name, ".")
		for _, step := range steps[:len(steps)-1] {
			if group[step] == nil {
				group[step] = parquet.Group{}
			}
			group = group[step].(parquet.Group)
		}
		group[steps[len(steps)-1]] = parquet.Optional(columnType(events, name))
	}
	schema := parquet.NewSchema("events", root)
	path := filepath.Join(t.TempDir(), "events.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := parquet.NewWriter(f, schema)
	for _, e := range events {
		var row parquet.Row
		for i, column := range schema.Columns() {
			row = append(row, parquetValue(t, schema, column, e).Level(0, level(e, column), i))
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func level(e map[string]any, column []string) int {
	if e[strings.Join(column, ".")] == nil {
		return 0
	}
	return 1
}

func parquetValue(t *testing.T, schema *parquet.Schema, column []string, e map[string]any) parquet.Value {
	t.Helper()
	number, ok := e[strings.Join(column, ".")].(json.Number)
	if !ok {
		return parquet.ValueOf(e[strings.Join(column, ".")])
	}
	leaf, _ := schema.Lookup(column...)
	if leaf.Node.Type().Kind() == parquet.Int64 {
		n, err := number.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return parquet.ValueOf(n)
	}
	x, err := number.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return parquet.ValueOf(x)
}

// TestFormatsAgree scores the flat events from JSON lines, CSV and Parquet: the
// predictions are the same to the last bit, flags included.
func TestFormatsAgree(t *testing.T) {
	for _, m := range shared {
		if !m.flat {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			dir := filepath.Join(models, m.name)
			config := sharedConfig(t, filepath.Join(dir, "mapping.json"), filepath.Join(dir, "model.onnx"), 256)
			events := flatEvents(t, filepath.Join(dir, "events.jsonl"))
			// An empty cell is a missing value in CSV, whatever its type; events
			// with an empty text are for the other formats only.
			full := slices.DeleteFunc(slices.Clone(events), func(e map[string]any) bool {
				return slices.Contains(slices.Collect(maps.Values(e)), any(""))
			})
			all := predicted(t, config, filepath.Join(dir, "events.jsonl"))
			if got := predicted(t, config, writeParquet(t, events)); !slices.Equal(got, all) {
				t.Errorf("Parquet: %s", firstDifference(got, all))
			}
			if got, want := predicted(t, config, writeCSV(t, full)), pick(events, all); !slices.Equal(got, want) {
				t.Errorf("CSV: %s", firstDifference(got, want))
			}
		})
	}
}

// predicted gives the predictions as text, without what depends on the file's
// name and the clock.
func predicted(t *testing.T, config, events string) []string {
	t.Helper()
	r := run(t, "", "predict", config, events).want(t, 0, " 0 rejected")
	var all []string
	for _, record := range records(t, r.out, filepath.Base(events)) {
		delete(record, "id")
		delete(record, "time")
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// pick leaves out the predictions of events with an empty text.
func pick(events []map[string]any, predictions []string) []string {
	var some []string
	for i, e := range events {
		if !slices.Contains(slices.Collect(maps.Values(e)), any("")) {
			some = append(some, predictions[i])
		}
	}
	return some
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return "event " + string(rune('0'+i%10)) + ": got " + got[i] + ", want " + want[i]
		}
	}
	return "another number of predictions"
}
