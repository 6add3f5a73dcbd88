package config

import (
	"fmt"
	"strings"
)

// expander replaces ${VAR} and ${VAR:-default} in a tree's scalars. What a
// variable brings in is not looked at again, and $${ stands for a plain ${.
type expander struct {
	out    *problems
	lookup func(string) (string, bool)
}

// expand replaces the variables of n and all below it. With lenient an unset
// variable is no problem: the value is marked, and the decoder leaves it out.
func (x *expander) expand(n *node, lenient bool) {
	for _, item := range n.items {
		x.expand(item, lenient)
	}
	for _, e := range n.entries {
		x.expand(e.value, lenient)
	}
	if n.kind != scalarNode || !strings.Contains(n.text, "${") {
		return
	}
	text, err := x.text(n.text)
	switch {
	case err != nil && err.unset && lenient:
		n.unset = true
	case err != nil:
		x.out.errorf(n.at, "%s", err.message)
		n.unset = true // reported once; its type is nobody's fault
	default:
		n.text, n.expanded = text, true
		if n.plain {
			n.typ = typeOf(text)
		}
	}
}

// expandError says what is wrong with a ${…}.
type expandError struct {
	message string
	unset   bool
}

func (x *expander) text(s string) (string, *expandError) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1])
			b.WriteString("${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		inner, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed {
			return "", &expandError{message: "${ is not closed; write ${VAR} or ${VAR:-default}, or $${ for the text ${"}
		}
		value, err := x.variable(inner)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		s = rest
	}
}

func (x *expander) variable(inner string) (string, *expandError) {
	name, fallback, hasFallback := strings.Cut(inner, ":-")
	if !variableName(name) {
		return "", &expandError{message: fmt.Sprintf("${%s} names no variable; write ${VAR} or ${VAR:-default}, or $${ for the text ${", inner)}
	}
	value, ok := x.lookup(name)
	switch {
	case hasFallback && value == "": // as in a shell, :- also stands in for an empty one
		return fallback, nil
	case !ok:
		return "", &expandError{unset: true, message: fmt.Sprintf("the environment variable %s is not set; set it, or give a default: ${%s:-…}", name, name)}
	}
	return value, nil
}

func variableName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
