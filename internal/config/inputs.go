package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/nearest"
)

// inputs is the file's model.inputs part: a map from the model's inputs to
// where their values come from. Each is written as
//
//	a path                   tx.amount
//	a list of columns        [a, {from: b, missing: 0}]
//	from with its policies   {from: a path or a list, missing:, coerce:, pad:}
//	a mask                   {mask_of: another input}
type inputs []inference.Input

var (
	columnKeys = []string{"from", "missing", "coerce"}
	inputKeys  = []string{"from", "missing", "coerce", "pad", "mask_of"}
)

func (in *inputs) decode(d *decoder, n *node, path []string) {
	if n.kind != mapNode {
		d.wrong(n, path, "inputs must be a map from the model's inputs to fields, such as {age: customer.age}, not %s", n.kindText())
		return
	}
	for _, e := range n.entries {
		input := inference.Input{Name: e.key}
		r := inputReader{decoder: d, path: child(path, e.key)}
		r.input(e.value, &input)
		*in = append(*in, input)
	}
}

// inputReader reads one input.
type inputReader struct {
	*decoder
	path []string
}

func (r inputReader) input(n *node, into *inference.Input) {
	switch n.kind {
	case scalarNode:
		into.Columns = []inference.Column{r.column(n, inference.Column{At: -1})}
	case listNode:
		r.columns(n, into, inference.Column{})
	case mapNode:
		r.inputMap(n, into)
	}
}

// columns reads a list of columns; policy holds for those that state none.
func (r inputReader) columns(n *node, into *inference.Input, policy inference.Column) {
	into.List = true
	if len(n.items) == 0 {
		r.wrong(n, r.path, "the list of fields is empty; name one field a column")
	}
	for i, item := range n.items {
		policy.At = i
		into.Columns = append(into.Columns, r.column(item, policy))
	}
}

// column reads a path, or {from:, missing:, coerce:} over the policy c.
func (r inputReader) column(n *node, c inference.Column) inference.Column {
	switch n.kind {
	case scalarNode:
		c.From = r.fieldPath(n)
	case listNode:
		r.wrong(n, r.path, "a column must be one path or {from: path}, not a list")
	case mapNode:
		meant := r.known(n, columnKeys)
		r.policy(n, &c)
		from := n.entry("from")
		switch {
		case from == nil && slices.Contains(meant, "from"):
		case from == nil:
			r.wrong(n, r.path, "from is missing: the path of the column's field")
		case from.value.kind != scalarNode:
			r.wrong(from.value, r.path, "from must be one path here, not %s", from.value.shown())
		default:
			c.From = r.fieldPath(from.value)
		}
	}
	return c
}

// inputMap reads {from: …} or {mask_of: …}.
func (r inputReader) inputMap(n *node, into *inference.Input) {
	meant := r.known(n, inputKeys)
	if mask := n.entry("mask_of"); mask != nil {
		into.MaskOf = r.text("mask_of", "another input", mask.value)
		for _, e := range n.entries {
			if e.key != "mask_of" && slices.Contains(inputKeys, e.key) {
				r.wrong(e.value, r.path, "%s has no place beside mask_of, which says it all", e.key)
			}
		}
		return
	}
	policy := inference.Column{At: -1}
	r.policy(n, &policy)
	if pad := n.entry("pad"); pad != nil {
		if literal, ok := r.literal(pad.value); ok {
			into.Pad = &literal
		} else {
			r.wrong(pad.value, r.path, "pad must be a number, text, true or false, not %s", pad.value.shown())
		}
	}
	from := n.entry("from")
	switch {
	case from == nil && (slices.Contains(meant, "from") || slices.Contains(meant, "mask_of")):
	case from == nil:
		r.wrong(n, r.path, "from or mask_of is missing: write {from: path} or {mask_of: input}")
	case from.value.kind == listNode:
		r.columns(from.value, into, policy)
	case from.value.kind == mapNode:
		r.wrong(from.value, r.path, "from must be a path or a list of paths, not a map")
	default:
		policy.From = r.fieldPath(from.value)
		into.Columns = []inference.Column{policy}
	}
}

// policy reads missing: and coerce: where they are given.
func (r inputReader) policy(n *node, c *inference.Column) {
	if e := n.entry("coerce"); e != nil {
		s, _ := scalarOf(settable(&c.Coerce).Type())
		r.scalar(e.value, settable(&c.Coerce), field{key: "coerce"}, s, r.path)
	}
	e := n.entry("missing")
	if e == nil {
		return
	}
	c.Missing = inference.Missing{}
	literal, ok := r.literal(e.value)
	switch {
	case !ok:
		r.wrong(e.value, r.path, "missing must be reject, nan or the value to fill in, not %s", e.value.shown())
	case literal.Text == "reject" && literal.Kind == inference.TextLiteral:
	// Quoted as well: JSON has no other way to write it.
	case strings.TrimPrefix(strings.ToLower(literal.Text), ".") == "nan":
		c.Missing.Policy = inference.MissingNaN
	default:
		c.Missing = inference.Missing{Policy: inference.MissingFill, Fill: literal}
	}
}

// literal reads a value to fill in. Numbers keep their digits, in the form of
// JSON, or are nan, inf and -inf.
func (r inputReader) literal(n *node) (inference.Literal, bool) {
	if n.kind != scalarNode || n.null() || n.unset {
		return inference.Literal{}, n.unset
	}
	switch n.typ {
	case boolType:
		return inference.Literal{Kind: inference.BoolLiteral, Text: strings.ToLower(n.text)}, true
	case intType, floatType:
		return inference.Literal{Kind: inference.NumberLiteral, Text: numberText(n.text)}, true
	}
	return inference.Literal{Kind: inference.TextLiteral, Text: n.text}, true
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// numberText writes YAML's 0x1f, 1_000, +1, .5 and .inf as 31, 1000, 1, 0.5
// and inf; what is a JSON number already is kept to the last digit.
func numberText(text string) string {
	if jsonNumber.MatchString(text) {
		return text
	}
	if i, err := parseInt(text); err == nil {
		return strconv.FormatInt(i, 10)
	}
	f, err := parseFloat(text)
	if err != nil {
		return strings.TrimPrefix(strings.ReplaceAll(text, "_", ""), "+")
	}
	return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
}

func (r inputReader) fieldPath(n *node) string {
	return r.text("the path", "the event's field, such as customer.age", n)
}

// text reads text that must not be empty; what says what it names.
func (r inputReader) text(key, what string, n *node) string {
	var s string
	if n.null() || n.kind == scalarNode && n.text == "" {
		r.wrong(n, r.path, "%s is empty; name %s", key, what)
		return ""
	}
	reader, _ := scalarOf(settable(&s).Type())
	r.scalar(n, settable(&s), field{key: key}, reader, r.path)
	return s
}

// known reports keys that mean nothing, and gives those that were meant.
func (r inputReader) known(n *node, known []string) (meant []string) {
	for _, e := range n.entries {
		if slices.Contains(known, e.key) {
			continue
		}
		p := problem{at: e.value.keyAt, message: fmt.Sprintf("unknown key %s in %s", quoted(e.key), strings.Join(r.path, ".")), hint: nearest.Hint(e.key, known, "known are "+strings.Join(known, ", "))}
		if name, near := nearest.Name(e.key, known); near {
			meant = append(meant, name)
		}
		r.out.add(p)
	}
	return meant
}
