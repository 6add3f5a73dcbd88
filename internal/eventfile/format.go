package eventfile

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is how events are written in a file.
type Format uint8

// The formats.
const (
	JSONLines Format = iota + 1 // one JSON object a line
	CSV                         // RFC 4180 with a header line; a column's name is the path
	Parquet                     // a column's dotted name is the path
)

var formatNames = map[string]Format{
	"jsonl": JSONLines, "ndjson": JSONLines, "json": JSONLines,
	"csv": CSV, "parquet": Parquet,
}

func (f Format) String() string {
	switch f {
	case CSV:
		return "csv"
	case Parquet:
		return "parquet"
	default:
		return "jsonl"
	}
}

// ParseFormat reads a format's name as it is written after --format.
func ParseFormat(name string) (Format, error) {
	if f, ok := formatNames[strings.ToLower(name)]; ok {
		return f, nil
	}
	return 0, fmt.Errorf("unknown format %q; give jsonl, csv or parquet", name)
}

// FormatOf tells the format from a file's extension.
func FormatOf(path string) (Format, error) {
	ext := strings.TrimPrefix(filepath.Ext(path), ".")
	if f, ok := formatNames[strings.ToLower(ext)]; ok {
		return f, nil
	}
	return 0, fmt.Errorf("cannot tell the format of %s from its name; say --format jsonl, csv or parquet", path)
}
