package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/penstock/penstock/inference"
)

// maxProblems bounds what one file's problems may cost; a file with more of
// them is not a config at all.
const maxProblems = 1000

// maxShown is how many problems Render writes out before it only counts.
const maxShown = 100

// maxMessage is how many characters of a message are shown; keys have no limit.
const maxMessage = 400

// problem is something wrong at a place.
type problem struct {
	at      place
	message string
	hint    string
	warning bool
}

// problems collects what is wrong, in any order.
type problems struct {
	list    []problem
	dropped int
}

func (p *problems) add(q problem) {
	if len(p.list) == maxProblems {
		p.dropped++
		return
	}
	p.list = append(p.list, q)
}

func (p *problems) errorf(at place, format string, args ...any) {
	p.add(problem{at: at, message: fmt.Sprintf(format, args...)})
}

// Failed tells whether the file has an error; warnings do not count.
func (f *File) Failed() bool {
	return slices.ContainsFunc(f.problems.list, func(p problem) bool { return !p.warning })
}

// Render writes the file's own problems and more, which came from looking at
// the model, one a line: file:line:col: message; hint. They stand in the
// file's order, those of --set last. Warnings say so. The result is empty when
// nothing is wrong.
func (f *File) Render(more []inference.Problem) []string {
	all := slices.Clone(f.problems.list)
	for _, p := range more {
		at, _ := f.find(p.Path)
		all = append(all, problem{at: at, message: p.Message, hint: p.Hint, warning: p.Warning})
	}
	slices.SortStableFunc(all, func(a, b problem) int {
		switch {
		case a.at.before(b.at):
			return -1
		case b.at.before(a.at):
			return 1
		}
		return 0
	})
	lines := make([]string, 0, len(all))
	for _, p := range all {
		lines = append(lines, f.line(p))
	}
	lines = slices.Compact(lines) // what an alias repeats is one problem
	hidden := f.problems.dropped + max(0, len(lines)-maxShown)
	if hidden > 0 {
		lines = append(lines[:min(len(lines), maxShown)], fmt.Sprintf("%s: %d more problems are not shown", f.Path, hidden))
	}
	return lines
}

func (f *File) line(p problem) string {
	var b []byte
	if p.at.set != "" {
		b = append(b, "--set "...)
		b = append(b, oneLine(p.at.set)...)
	} else {
		b = append(b, f.Path...)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(p.at.line), 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(p.at.col), 10)
	}
	b = append(b, ": "...)
	if p.warning {
		b = append(b, "warning: "...)
	}
	b = append(b, shortened(oneLine(p.message), maxMessage)...)
	if p.hint != "" {
		b = append(b, "; "...)
		b = append(b, oneLine(p.hint)...)
	}
	return string(b)
}

// shortened cuts text down to n characters.
func shortened(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n]) + "…"
}

// oneLine makes text from outside, such as a --set or a runtime's message, fit
// for one line of a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// Locate gives the line and column, from 1, of the value at path: keys and
// list indexes from the file's top, as in inference.Problem. What the file
// does not have is placed at the nearest part around it that is there. ok is
// false when that came from a --set and so has no place in the file.
func (f *File) Locate(path []string) (line, col int, ok bool) {
	at, _ := f.find(path)
	return at.line, at.col, at.set == ""
}

// find is Locate with --set; exact tells whether all of path is there.
func (f *File) find(path []string) (at place, exact bool) {
	n, at := f.root, place{line: 1, col: 1}
	for _, step := range path {
		if n == nil {
			return at, false
		}
		if e := n.entry(step); e != nil {
			n = e.value
			at = n.reported()
			continue
		}
		// {from: [a, b]} counts its columns as [a, b] does.
		if e := n.entry("from"); e != nil {
			n = e.value
		}
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(n.items) {
			return at, false
		}
		n = n.items[i]
		at = n.at
	}
	return at, true
}
