package eventfile

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/penstock/penstock/inference"
)

// Place says where the value of a column, in JSON lines the value at a path, of
// event i stands within the file: line:col, from 1, or "row N" in Parquet.
func (c *Chunk) Place(i int, name string) string {
	switch c.format {
	case Parquet:
		return fmt.Sprintf("row %d", c.events[i].line+1)
	case CSV:
		down, right := cellStart(c.Value(i), max(0, slices.Index(c.table.Names, name)))
		return fmt.Sprintf("%d:%d", c.lineOf(i)+int64(down), right+1)
	}
	_, start := c.at(i, name)
	return fmt.Sprintf("%d:%d", c.lineOf(i), start+1)
}

// Time reads a column, in JSON lines what is at a path, of event i as a time, Unix
// milliseconds, as Frames do.
func (c *Chunk) Time(i int, name string, zone *time.Location) (unixMilli int64, s State) {
	var cell inference.Cell
	if c.table == nil {
		cell, _ = c.at(i, name)
	} else if column := slices.Index(c.table.Names, name); column >= 0 {
		cell = c.Cells(i)[column]
	}
	return timeOf(&cell, zone)
}

// at is the value at a path of an event in JSON lines, null where it has none, and
// where it starts.
func (c *Chunk) at(i int, path string) (value inference.Cell, start int) {
	var text []byte
	event := c.Value(i)
	err := c.walk(i, &text, func(name string, key int64, cell inference.Cell) {
		if name == path {
			rest := bytes.TrimLeft(event[key:], ": \t\r")
			value, start = cell, len(event)-len(rest)
		}
	})
	if err != nil {
		return inference.Cell{}, 0
	}
	return value, start
}

// cellStart is where a CSV row's cell begins: how many lines down, and how many
// bytes into that line.
func cellStart(row []byte, column int) (down, right int) {
	quoted := false
	for _, b := range row {
		if column == 0 {
			break
		}
		right++
		switch {
		case b == '"':
			quoted = !quoted
		case b == ',' && !quoted:
			column--
		case b == '\n':
			down, right = down+1, 0
		}
	}
	return down, right
}

// lineOf is the line of event i, from 1.
func (c *Chunk) lineOf(i int) int64 {
	e := &c.events[i]
	if c.format == JSONLines {
		return e.line + 1
	}
	return c.firstLine + int64(bytes.Count(c.data[:e.start], []byte{'\n'})) + 1
}
