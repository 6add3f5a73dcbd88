package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/penstock/penstock/inference"
)

// Effective writes the file as it is in effect: with its defaults, variables
// replaced and --set applied. Put in the file's place it reads
// back as the same pipeline, but for secrets, which are hidden. Only a file that has not Failed has one.
func (f *File) Effective() []byte {
	p := printer{dir: filepath.Dir(f.Path)}
	root := p.structure(reflect.ValueOf(document{Pipeline: f.Pipeline, Model: f.model}))
	root.Content = f.given(root.Content)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		panic(err) // a tree of plain maps, lists and scalars always encodes
	}
	return out.Bytes()
}

// given leaves out broker, source and sink where the file has none: a file with
// nothing but defaults in them would claim to be more than its model.
func (f *File) given(keyed []*yaml.Node) []*yaml.Node {
	var kept []*yaml.Node
	for i := 0; i < len(keyed); i += 2 {
		key := keyed[i].Value
		if key != "broker" && key != "source" && key != "sink" || f.has(key) {
			kept = append(kept, keyed[i], keyed[i+1])
		}
	}
	return kept
}

// printer is the decoder's opposite.
type printer struct {
	dir string // paths are written relative to it
}

func (p printer) structure(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields(v.Type()) {
		value := p.value(v.FieldByIndex(f.index))
		if value == nil && f.hasDefault {
			value = text("") // as listen: "", which is not its default
		}
		if value != nil {
			addKey(n, f.key, value)
		}
	}
	return n
}

func addKey(n *yaml.Node, key string, value *yaml.Node) {
	n.Content = append(n.Content, text(key), value)
}

// value is nil for what was left out: empty text, and lists and parts that are
// not there.
func (p printer) value(v reflect.Value) *yaml.Node {
	switch x := v.Interface().(type) {
	case Path:
		return p.path(string(x))
	case Bytes:
		return text(x.String())
	case time.Duration:
		return text(durationText(x))
	case Rate:
		return text(x.String())
	case Window:
		return text(x.String())
	case inputs:
		return p.inputs(x)
	case include:
		return p.include(x)
	case Reference:
		return p.reference(x)
	case Features:
		return p.features(x)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return p.structure(v.Elem())
	case reflect.Struct:
		return p.structure(v)
	case reflect.Slice:
		return p.list(v)
	case reflect.Bool:
		return plain(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		return plain(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return plain(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	}
	if v.Len() == 0 {
		return nil
	}
	return text(fmt.Sprint(v)) // a Secret hides itself
}

func (p printer) list(v reflect.Value) *yaml.Node {
	if v.IsNil() {
		return nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for i := range v.Len() {
		n.Content = append(n.Content, text(fmt.Sprint(v.Index(i))))
	}
	return n
}

func (p printer) path(path string) *yaml.Node {
	if path == "" {
		return nil
	}
	if rel, err := filepath.Rel(p.dir, path); err == nil && (!filepath.IsAbs(path) || filepath.IsLocal(rel)) {
		path = rel
	}
	return text(path)
}

func (p printer) inputs(in inputs) *yaml.Node {
	if len(in) == 0 {
		return nil
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, input := range in {
		value := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		switch {
		case input.MaskOf != "":
			addKey(value, "mask_of", text(input.MaskOf))
		case input.List:
			columns := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
			for _, c := range input.Columns {
				columns.Content = append(columns.Content, column(c))
			}
			addKey(value, "from", columns)
		default:
			value = column(input.Columns[0])
		}
		if input.Pad != nil {
			addKey(value, "pad", literalNode(*input.Pad))
		}
		addKey(n, input.Name, value)
	}
	return n
}

func column(c inference.Column) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	addKey(n, "from", text(c.From))
	switch c.Missing.Policy {
	case inference.MissingNaN:
		addKey(n, "missing", plain("nan"))
	case inference.MissingFill:
		addKey(n, "missing", literalNode(c.Missing.Fill))
	}
	if c.Coerce {
		addKey(n, "coerce", plain("true"))
	}
	return n
}

func literalNode(l inference.Literal) *yaml.Node {
	switch {
	case l.Kind == inference.TextLiteral:
		return text(l.Text)
	case strings.HasSuffix(l.Text, "inf"), l.Text == "nan":
		return plain(strings.Replace(strings.Replace(l.Text, "inf", ".inf", 1), "nan", ".nan", 1))
	}
	return plain(l.Text)
}

func (p printer) include(i include) *yaml.Node {
	switch {
	case i.Include == nil:
		return nil
	case i.All:
		return plain("all")
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, name := range i.Names {
		n.Content = append(n.Content, text(name))
	}
	return n
}

func (p printer) reference(r Reference) *yaml.Node {
	switch {
	case r.Model:
		return plain("model")
	case r.First > 0:
		n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		addKey(n, "first", text(durationText(r.First)))
		return n
	}
	return p.path(string(r.File))
}

func (p printer) features(f Features) *yaml.Node {
	if f.All {
		return plain("all")
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, feature := range f.Named {
		addKey(n, feature.Name, p.structure(reflect.ValueOf(feature)))
	}
	return n
}

// text writes s so that it is read back as text, with no variable in it.
func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ReplaceAll(s, "${", "$${")}
	if typeOf(s) != textType {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// plain writes a number, a bool or a word as it is.
func plain(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: s}
}
