package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// apply changes the tree by one --set path=value. A path is keys and list
// indexes, model.inputs['a.b'] or source.topics[0]; maps on the way are made
// where they are missing, and an index one past a list's end adds to it. With
// no value the key counts as left out of the file.
func apply(root *node, set string, out *problems) {
	steps, value, err := cutSet(set)
	if err != nil {
		out.errorf(place{set: beforeValue(set)}, "%v", err)
		return
	}
	path := strings.TrimSuffix(set[:len(set)-len(value)], "=")
	at := place{set: path}
	n := buildSet(path, value, out)
	if n == nil {
		return
	}
	target := root
	for i, s := range steps {
		if target, err = s.enter(target, at); err != nil {
			out.errorf(at, "%s %v", pathText(steps[:i]), err)
			return
		}
	}
	*target = *n
}

// beforeValue is what of a malformed --set may be shown. The rest may be a
// secret, and where that begins is only known of a good one.
func beforeValue(set string) string {
	if i := strings.IndexAny(set, "=: "); i >= 0 {
		set = set[:i]
	}
	if set == "" {
		return `""`
	}
	return set
}

// buildSet reads the value of a --set as YAML; nil when it is none.
func buildSet(path, value string, out *problems) *node {
	at := place{set: path}
	if value == "" {
		n := missingNode(at)
		n.removed = true
		return n
	}
	var doc yaml.Node
	if err := yaml.Load([]byte(value), &doc); err != nil || len(doc.Content) == 0 {
		out.errorf(at, "the value is not YAML; text with special characters needs quotes of its own, as in '\"a: b\"'")
		return nil
	}
	b := builder{out: out, set: path, open: map[*yaml.Node]bool{}}
	return b.build(doc.Content[0], 0)
}

// missingNode is what stands where nothing was written yet.
func missingNode(at place) *node {
	return &node{at: at, keyAt: at, typ: nullType, plain: true}
}

// step is one key, or one index when key is empty and indexed is true.
type step struct {
	key     string
	index   int
	indexed bool
}

// enter goes to a step's value, making it where it is missing.
func (s step) enter(n *node, at place) (*node, error) {
	if s.indexed {
		if n.null() {
			*n = node{kind: listNode, at: at, keyAt: at}
		}
		switch {
		case n.kind != listNode:
			return nil, fmt.Errorf("is %s, not a list", n.kindText())
		case s.index > len(n.items):
			return nil, fmt.Errorf("has %d entries, so there is no [%d]", len(n.items), s.index)
		case s.index == len(n.items):
			n.items = append(n.items, missingNode(at))
		}
		return n.items[s.index], nil
	}
	if n.null() {
		*n = node{kind: mapNode, at: at, keyAt: at}
	}
	if n.kind != mapNode {
		return nil, fmt.Errorf("is %s, not a map; set all of it instead", n.kindText())
	}
	if e := n.entry(s.key); e != nil {
		return e.value, nil
	}
	n.entries = append(n.entries, entry{key: s.key, value: missingNode(at)})
	return n.entries[len(n.entries)-1].value, nil
}

// cutSet takes path=value apart.
func cutSet(set string) (steps []step, value string, err error) {
	rest := set
	for {
		var s step
		switch {
		case strings.HasPrefix(rest, "["):
			s, rest, err = cutBracket(rest)
		case len(steps) > 0 && !strings.HasPrefix(rest, "."):
			err = errSetForm
		default:
			rest = strings.TrimPrefix(rest, ".")
			i := strings.IndexAny(rest, ".[=")
			if i <= 0 {
				return nil, "", errSetForm
			}
			s.key, rest = rest[:i], rest[i:]
		}
		if err != nil {
			return nil, "", err
		}
		steps = append(steps, s)
		if after, ok := strings.CutPrefix(rest, "="); ok {
			return steps, after, nil
		}
	}
}

var errSetForm = errors.New("must be path=value, such as model.timeout=500ms")

// cutBracket takes [0] or ['a.b'] off the front.
func cutBracket(text string) (s step, rest string, err error) {
	if quote := text[1:min(2, len(text))]; quote == "'" || quote == `"` {
		key, rest, ok := strings.Cut(text[2:], quote+"]")
		if !ok || key == "" {
			return s, "", errSetForm
		}
		return step{key: key}, rest, nil
	}
	digits, rest, ok := strings.Cut(text[1:], "]")
	index, err := strconv.Atoi(digits)
	if !ok || err != nil || index < 0 {
		return s, "", errors.New("[ ] must hold a list index or a quoted key, such as source.topics[0] or model.inputs['a.b']")
	}
	return step{index: index, indexed: true}, rest, nil
}

func pathText(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.indexed:
			fmt.Fprintf(&b, "[%d]", s.index)
		case b.Len() > 0:
			b.WriteString("." + s.key)
		default:
			b.WriteString(s.key)
		}
	}
	return b.String()
}
