package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// builder turns the YAML library's nodes into ours.
type builder struct {
	out    *problems
	set    string              // the --set that the text came from
	open   map[*yaml.Node]bool // anchors that an alias is being followed into
	copied int                 // values that aliases brought in
	failed bool                // a limit was passed, and said so once
}

func (b *builder) build(from *yaml.Node, depth int) *node {
	n := &node{at: b.placeOf(from), keyAt: b.placeOf(from)}
	if len(b.open) > 0 {
		b.copied++
	}
	switch {
	case depth > maxDepth:
		b.limit(n.at, "nested more than 64 levels deep")
		return n
	case b.copied > maxAliased:
		b.limit(n.at, "aliases bring in more than 10000 values")
		return n
	}
	switch from.Kind {
	case yaml.AliasNode:
		return b.follow(from, depth)
	case yaml.SequenceNode:
		n.kind = listNode
		b.tag(from, n.at, "!!seq")
		for _, item := range from.Content {
			n.items = append(n.items, b.build(item, depth+1))
		}
	case yaml.MappingNode:
		n.kind = mapNode
		b.tag(from, n.at, "!!map")
		b.buildMap(n, from, depth)
	default:
		b.buildScalar(n, from)
	}
	return n
}

func (b *builder) placeOf(from *yaml.Node) place {
	if b.set != "" {
		return place{set: b.set}
	}
	return place{line: from.Line, col: from.Column}
}

// limit reports a limit that was passed once, however often it is.
func (b *builder) limit(at place, message string) {
	if !b.failed {
		b.failed = true
		b.out.errorf(at, "%s", message)
	}
}

// follow copies what an alias stands for. The copy is placed where the alias
// is, what lies within it where it was written.
func (b *builder) follow(alias *yaml.Node, depth int) *node {
	if b.open[alias.Alias] {
		b.limit(b.placeOf(alias), "this alias stands inside its own anchor")
		return &node{at: b.placeOf(alias), keyAt: b.placeOf(alias), typ: nullType}
	}
	b.open[alias.Alias] = true
	n := b.build(alias.Alias, depth)
	delete(b.open, alias.Alias)
	n.at, n.keyAt = b.placeOf(alias), b.placeOf(alias)
	return n
}

func (b *builder) buildMap(n *node, from *yaml.Node, depth int) {
	given := map[string]place{}
	var merged []*node
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, at := from.Content[i], b.placeOf(from.Content[i])
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			b.out.errorf(at, "a key must be text")
			continue
		}
		value := b.build(from.Content[i+1], depth+1)
		value.keyAt = at
		if value.null() && value.text == "" {
			value.at = at // nothing was written, so there is nothing to point at
		}
		if key.Value == "<<" && key.Style == 0 {
			merged = append(merged, value)
			continue
		}
		if first, twice := given[key.Value]; twice {
			b.out.errorf(at, "duplicate key %s, first given at line %d", quoted(key.Value), first.line)
			continue
		}
		given[key.Value] = at
		n.entries = append(n.entries, entry{key: key.Value, value: value})
	}
	for _, m := range merged {
		b.merge(n, m)
	}
}

// merge adds the keys that <<: brings in; what the map gives itself stays.
func (b *builder) merge(n, from *node) {
	switch from.kind {
	case mapNode:
		given := map[string]bool{}
		for _, e := range n.entries {
			given[e.key] = true
		}
		for _, e := range from.entries {
			if !given[e.key] {
				n.entries = append(n.entries, e)
			}
		}
	case listNode:
		for _, item := range from.items {
			if item.kind != mapNode {
				b.out.errorf(item.at, "<<: takes in a map or a list of maps, not %s", item.kindText())
				continue
			}
			b.merge(n, item)
		}
	default:
		b.out.errorf(from.at, "<<: takes in a map or a list of maps, not %s", from.kindText())
	}
}

func (b *builder) buildScalar(n *node, from *yaml.Node) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	n.text = from.Value
	switch {
	case from.Style&yaml.TaggedStyle != 0:
		b.tag(from, n.at, "!!str", "!!int", "!!float", "!!bool", "!!null")
		if from.Tag != "!!str" && from.Style&quoted == 0 {
			n.typ = typeOf(n.text)
		}
	case from.Style&quoted == 0:
		n.plain, n.typ = true, typeOf(n.text)
	}
}

// tag refuses YAML tags that would change what a value means.
func (b *builder) tag(from *yaml.Node, at place, known ...string) {
	if from.Style&yaml.TaggedStyle == 0 {
		return
	}
	if slices.Contains(known, from.Tag) {
		return
	}
	// A tag that was meant is not told from a password that begins with !.
	b.out.add(problem{at: at, message: "this tag means nothing here; known are " + strings.Join(known, ", "), hint: "quote a value that begins with !"})
}
