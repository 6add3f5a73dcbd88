package config

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

// The types of a scalar, as YAML 1.2's core schema tells them apart.
type scalarType uint8

const (
	textType scalarType = iota
	nullType
	boolType
	intType
	floatType
)

// place is where something was written: at a line and column of the file,
// counted from 1, or in a --set, named by its path.
type place struct {
	line, col int
	set       string
}

// before orders places as a reader meets them: the file first, then --set.
func (p place) before(q place) bool {
	if (p.set == "") != (q.set == "") {
		return p.set == ""
	}
	if p.line != q.line {
		return p.line < q.line
	}
	return p.col < q.col
}

// node is one value of the file. It stands on its own: aliases are copied, so
// that changing one use of an anchor leaves the others alone.
type node struct {
	kind     nodeKind
	at       place
	keyAt    place  // of its key; at itself where it has none
	text     string // of a scalar, without quotes
	typ      scalarType
	plain    bool // neither quoted nor tagged, so that the text decides the type
	expanded bool // a variable was replaced in it
	unset    bool // holds a variable that is not set, and may do without
	removed  bool // a --set with nothing after its = took it away
	items    []*node
	entries  []entry
}

type entry struct {
	key   string
	value *node
}

// entry finds a key of a map; nil when n is no map or has no such key.
func (n *node) entry(key string) *entry {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	return nil
}

// reported is where a problem with all of n is shown. A scalar is pointed at
// itself; a map or list begins at its first key or entry, where one would look
// for a problem of that one's, so its own key stands for it.
func (n *node) reported() place {
	if n.kind == scalarNode {
		return n.at
	}
	return n.keyAt
}

// withoutRemoved drops the keys below n that a --set took away. It is for values
// whose keys the file may choose; elsewhere the decoder first says which of the
// keys mean nothing, since a misspelt one would take nothing away.
func (n *node) withoutRemoved() *node {
	n.entries = slices.DeleteFunc(n.entries, func(e entry) bool { return e.value.removed })
	for _, e := range n.entries {
		e.value.withoutRemoved()
	}
	for _, item := range n.items {
		item.withoutRemoved()
	}
	return n
}

// null tells whether nothing was written as the value.
func (n *node) null() bool { return n.kind == scalarNode && n.typ == nullType }

// shown is how a message names the value that it found.
func (n *node) shown() string {
	switch {
	case n.kind != scalarNode || n.null():
		return n.kindText()
	case n.typ != textType:
		return shortened(n.text, 40)
	}
	return quoted(n.text)
}

// kindText is how a message names what it found where text has no place: the text
// may be a secret that belongs one level deeper.
func (n *node) kindText() string {
	switch {
	case n.kind == listNode:
		return "a list"
	case n.kind == mapNode:
		return "a map"
	case n.null():
		return "nothing"
	case n.typ == textType:
		return "text"
	case n.typ == boolType:
		return "true or false"
	}
	return "a number"
}

// quoted is how a message shows text of the file. An address may hold a
// password, and some URLs are secrets as a whole.
func quoted(text string) string {
	if strings.Contains(text, "@") || strings.Contains(text, "://") {
		return redacted
	}
	return strconv.Quote(shortened(text, 40))
}

var (
	intText   = regexp.MustCompile(`^([-+]?[0-9][0-9_]*|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$`)
	floatText = regexp.MustCompile(`^[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$`)
)

// typeOf tells the type of a plain scalar. It is our own, and not the YAML
// library's, because text that a variable brought in needs it too.
func typeOf(text string) scalarType {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nullType
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolType
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return floatType
	}
	switch {
	case intText.MatchString(text):
		return intType
	case floatText.MatchString(text):
		return floatType
	}
	return textType
}

// parseInt reads what typeOf calls an integer.
func parseInt(text string) (int64, error) {
	text = strings.ReplaceAll(text, "_", "")
	if base, ok := map[string]int{"0o": 8, "0x": 16, "0b": 2}[text[:min(2, len(text))]]; ok {
		return strconv.ParseInt(text[2:], base, 64)
	}
	return strconv.ParseInt(text, 10, 64)
}

// parseFloat reads what typeOf calls an integer or a float.
func parseFloat(text string) (float64, error) {
	switch strings.ToLower(strings.TrimPrefix(text, "+")) {
	case ".nan":
		return math.NaN(), nil
	case ".inf":
		return math.Inf(1), nil
	case "-.inf":
		return math.Inf(-1), nil
	}
	if i, err := parseInt(text); err == nil {
		return float64(i), nil
	}
	return strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
}
