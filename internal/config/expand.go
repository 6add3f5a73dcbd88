package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// expander replaces ${VAR} and ${VAR:-default} in a tree's scalars. What a
// variable brings in is not looked at again, and $${ stands for a plain ${.
type expander struct {
	out    *problems
	lookup func(string) (string, bool)
}

// unsetPolicy is what an unset variable is. Where it is no error the value is
// marked, and the decoder leaves it out.
type unsetPolicy uint8

const (
	mustBeSet unsetPolicy = iota
	betterSet             // a warning: the default that stands in may not be what is wanted
	mayBeUnset
)

// besideModel replaces the variables of a key of the struct type t, for a
// purpose that needs the model only. A variable that is used all the same, such
// as batch.max_rows, is better set.
func (x *expander) besideModel(e entry, t reflect.Type) {
	list := fields(t)
	i := slices.IndexFunc(list, func(f field) bool { return f.key == e.key })
	if i < 0 || list[i].runOnly {
		x.expand(e.value, mayBeUnset)
		return
	}
	inner := list[i].typ
	if inner.Kind() == reflect.Pointer {
		inner = inner.Elem()
	}
	union := reflect.PointerTo(inner).Implements(reflect.TypeFor[union]())
	if inner.Kind() != reflect.Struct || union || e.value.kind != mapNode {
		x.expand(e.value, betterSet)
		return
	}
	for _, below := range e.value.entries {
		x.besideModel(below, inner)
	}
}

// expand replaces the variables of n and all below it.
func (x *expander) expand(n *node, policy unsetPolicy) {
	for _, item := range n.items {
		x.expand(item, policy)
	}
	for _, e := range n.entries {
		x.expand(e.value, policy)
	}
	if n.kind != scalarNode || !strings.Contains(n.text, "${") {
		return
	}
	text, err := x.text(n.text)
	switch {
	case err != nil && err.variable != "" && policy == mayBeUnset:
		n.unset = true
	case err != nil && err.variable != "" && policy == betterSet:
		x.out.add(problem{at: n.at, message: "the environment variable " + err.variable + " is not set, so this key counts as left out", warning: true})
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
	message  string
	variable string // that is not set; "" when something else is wrong
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
		// What is between the braces may be part of a password.
		return "", &expandError{message: "this ${…} names no variable; write ${VAR} or ${VAR:-default}, or $${ for the text ${"}
	}
	value, ok := x.lookup(name)
	switch {
	case hasFallback && value == "": // as in a shell, :- also stands in for an empty one
		return fallback, nil
	case !ok:
		return "", &expandError{variable: name, message: fmt.Sprintf("the environment variable %s is not set; set it, or give a default: ${%s:-…}", name, name)}
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
