package driftfile

import (
	"fmt"
	"slices"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/eventfile"
	"github.com/penstock/penstock/internal/nearest"
)

// Choice says how columns are counted.
type Choice struct {
	Categorical []string // columns of numbers that are names
	Ignore      []string // columns that are left out
	Top         int      // categories counted by name
}

// Fields are the columns of the input's first file as they are counted: numbers
// numeric, text and booleans categorical. Left out are the event time, lists
// and maps, and what the choice ignores; nested names the lists and maps.
func (in *Input) Fields(c Choice) (fields []drift.Field, nested []string, err error) {
	columns, err := in.columns()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Concat(c.Categorical, c.Ignore) {
		if !slices.ContainsFunc(columns, func(f eventfile.FrameColumn) bool { return f.Name == name }) {
			return nil, nil, unknownColumn(in.Files[0], name, columns)
		}
	}
	for _, column := range columns {
		field := drift.Field{Name: column.Name, Role: drift.Watched, Kind: drift.Numeric}
		if column.Kind == eventfile.TextColumn || slices.Contains(c.Categorical, column.Name) {
			field.Kind, field.Top = drift.Categorical, c.Top
		}
		switch {
		case column.Name == "" || slices.Contains(c.Ignore, column.Name):
		case column.Kind == eventfile.NestedColumn:
			nested = append(nested, column.Name)
		default:
			fields = append(fields, field)
		}
	}
	return fields, nested, nil
}

// Common are the fields that the input's first file has a column for, and the
// names of those that it lacks.
func (in *Input) Common(fields []drift.Field) (common []drift.Field, absent []string, err error) {
	columns, err := in.columns()
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	for _, field := range fields {
		if slices.Contains(names, field.Name) {
			common = append(common, field)
			continue
		}
		text := field.Name
		if near, ok := nearest.Name(field.Name, names); ok {
			text = fmt.Sprintf("%s (did you mean %q?)", field.Name, near)
		}
		absent = append(absent, text)
	}
	return common, absent, nil
}

func columnsOf(fields []drift.Field) []wanted {
	columns := make([]wanted, len(fields))
	for i := range fields {
		columns[i] = wanted{fields[i].Name, eventfile.AsNumbers}
		if fields[i].Kind == drift.Categorical {
			columns[i].as = eventfile.AsTexts
		}
	}
	return columns
}
