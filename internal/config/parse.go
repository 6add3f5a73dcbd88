package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	// maxDepth is far deeper than any part of a config, and shallow enough for
	// every walk of the tree to recurse.
	maxDepth = 64
	// maxAliased bounds the values that aliases copy, so that a small file of
	// aliases to aliases cannot grow into billions.
	maxAliased = 10_000
)

// parse reads YAML into a tree. It returns nil when the text is no YAML or
// holds no map, which is in the problems then.
func parse(text []byte, out *problems) *node {
	if p, bad := badText(text); bad {
		out.add(p)
		return nil
	}
	text = joinSurrogates(text)
	var doc, next yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err == nil {
		err = loader.Load(&doc)
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			out.add(emptyFile())
		} else {
			out.add(syntaxProblem(err, text))
		}
		return nil
	}
	switch err := loader.Load(&next); {
	case err == nil:
		out.errorf(place{line: next.Line, col: next.Column},
			"a second document begins here; a file is one pipeline, so give each its own file")
	case !errors.Is(err, io.EOF):
		out.add(syntaxProblem(err, text))
	}
	b := builder{out: out, open: map[*yaml.Node]bool{}}
	root := b.build(doc.Content[0], 0)
	switch {
	case root.null():
		out.add(emptyFile())
		return nil
	case root.kind != mapNode:
		out.errorf(root.at, "the file must hold keys and values, such as model: {path: fraud.onnx}, not %s", root.kindText())
		return nil
	}
	root.keyAt = place{line: 1, col: 1} // where a part is reported that is missing
	return root
}

func emptyFile() problem {
	return problem{at: place{line: 1, col: 1}, message: "the file is empty; the least it needs is model: {path: fraud.onnx}"}
}

// badText finds the first byte that YAML does not allow at all; the library
// tells of it without its place.
func badText(text []byte) (p problem, bad bool) {
	at := place{line: 1, col: 1}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return problem{at: at, message: "the file is not UTF-8 text; save it as UTF-8"}, true
		case unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r):
			return problem{at: at, message: fmt.Sprintf(`control character %U; write it as an escape in double quotes`, r)}, true
		}
		i += size
		at.col++
		if r == '\n' {
			at = place{line: at.line + 1, col: 1}
		}
	}
	return problem{}, false
}

// syntaxProblem says in plain words what the YAML library found, and where.
func syntaxProblem(err error, text []byte) problem {
	var failed *yaml.LoadError
	if !errors.As(err, &failed) {
		return problem{at: place{line: 1, col: 1}, message: "invalid YAML: " + err.Error()}
	}
	mark, message := failed.Mark, failed.Message
	lines := strings.Split(string(text), "\n")
	atEnd := mark.Line > len(lines) || mark.Line == len(lines) && lines[mark.Line-1] == ""
	var hint string
	switch {
	case message == "found unexpected end of stream" || atEnd && strings.HasPrefix(message, "did not find expected"):
		message = "invalid YAML: the file ends before a quote, [ or { that was opened is closed"
		if failed.ContextMark.Line > 0 {
			mark = failed.ContextMark
		}
	case message == "mapping values are not allowed in this context":
		message = "invalid YAML: a key and value cannot begin here"
		hint = `check the indentation, and quote a text that holds ": "`
	case message == "did not find expected key":
		message = "invalid YAML: this does not fit the lines above"
		hint = "check the indentation and the brackets"
	case message == "did not find expected ',' or ']'", message == "did not find expected ',' or '}'":
		message = "invalid YAML: " + strings.ReplaceAll(strings.Replace(message, "did not find expected", "expected", 1), "'", "")
	case message == "could not find expected ':'":
		message, mark = `invalid YAML: a key without ": " and a value`, failed.ContextMark
	case message == "found character that cannot start any token":
		message = "invalid YAML: a value cannot begin with this character"
		hint = "quote the value"
		if l := lineAt(lines, mark.Line); strings.HasPrefix(strings.TrimLeft(l, " "), "\t") {
			hint = "YAML is not indented with tabs, use spaces"
		}
	case strings.HasPrefix(message, "unknown anchor"):
		// Its name may be a password.
		message = "invalid YAML: nothing is anchored by this alias's name"
		hint = "quote a value that begins with *"
	default:
		message = "invalid YAML: " + message
	}
	if failedLine := lineAt(lines, failed.Mark.Line); strings.Contains(failedLine, "${") && strings.ContainsAny(failedLine, "[{,") {
		hint = `within [ ] or { } a variable needs quotes: "${VAR}"`
	}
	return problem{at: within(lines, mark), message: message, hint: hint}
}

// lineAt is the n-th line, from 1; "" when there is none.
func lineAt(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// within moves a mark that stands behind the last line, or nowhere, to a place
// that an editor can show.
func within(lines []string, mark yaml.Mark) place {
	if mark.Line < 1 {
		return place{line: 1, col: 1}
	}
	last := len(lines)
	for last > 1 && lines[last-1] == "" {
		last--
	}
	if mark.Line > last {
		return place{line: last, col: utf8.RuneCountInString(lines[last-1]) + 1}
	}
	return place{line: mark.Line, col: max(1, mark.Column)}
}
