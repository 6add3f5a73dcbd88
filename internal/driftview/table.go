package driftview

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table is text in columns that are as wide as they must be.
type table struct {
	head  []string
	right map[int]bool // columns of numbers
	rows  [][]cell
}

type cell struct {
	text, color string
}

func (t *table) write(b *printer) {
	head := make([]cell, len(t.head))
	for i, text := range t.head {
		head[i] = cell{text: text, color: dim}
	}
	rows := append([][]cell{head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	for _, row := range rows {
		fmt.Fprintln(b, strings.TrimRight(t.line(b, row, widths), " "))
	}
}

// line lays a row out; what does not fit the terminal is left out.
func (t *table) line(b *printer, row []cell, widths []int) string {
	var line strings.Builder
	used := 0
	for i := range row {
		width := widths[i]
		if b.style.Width > 0 {
			width = min(width, b.style.Width-used)
		}
		if width <= 0 {
			continue
		}
		text := cut(row[i].text, width)
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(text))
		if t.right[i] {
			line.WriteString(pad + b.paint(row[i].color, text))
		} else {
			line.WriteString(b.paint(row[i].color, text) + pad)
		}
		used += width
		if gap := min(2, b.style.Width-used); b.style.Width == 0 {
			line.WriteString("  ")
		} else if gap > 0 {
			line.WriteString(strings.Repeat(" ", gap))
			used += gap
		}
	}
	return line.String()
}

func cut(text string, width int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), width)])
}
