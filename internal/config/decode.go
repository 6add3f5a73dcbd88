package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/penstock/penstock/internal/nearest"
)

// decoder reads a tree into structs. It goes on after every problem, so that
// all of them are found at once.
type decoder struct {
	out *problems
	dir string // of the config file; relative paths start there
	// bad holds the paths, joined by bars, that could not be read. Validation
	// has nothing more to say about them.
	bad map[string]bool
	// homes tells for each key which parts have it, to point out a key that
	// is in the wrong one.
	homes map[string][]string
}

func newDecoder(dir string, out *problems) *decoder {
	d := &decoder{out: out, dir: dir, bad: map[string]bool{}, homes: map[string][]string{}}
	d.findHomes(reflect.TypeFor[document](), "")
	return d
}

func (d *decoder) findHomes(t reflect.Type, part string) {
	for _, f := range fields(t) {
		d.homes[f.key] = append(d.homes[f.key], part)
		inner := f.typ
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			d.findHomes(inner, strings.TrimPrefix(part+"."+f.key, "."))
		}
	}
}

func (d *decoder) markBad(path []string) { d.bad[strings.Join(path, "|")] = true }

func (d *decoder) isBad(path []string) bool { return d.bad[strings.Join(path, "|")] }

// wrong reports a value that cannot be read.
func (d *decoder) wrong(n *node, path []string, format string, args ...any) {
	d.markBad(path)
	d.out.errorf(n.at, format, args...)
}

// defaults sets all defaults in the struct v. Parts behind pointers stay nil:
// whether they are there means something.
func (d *decoder) defaults(v reflect.Value) {
	for _, f := range fields(v.Type()) {
		fv := v.FieldByIndex(f.index)
		if w, ok := fv.Addr().Interface().(defaulter); ok {
			w.setDefault()
			continue
		}
		if f.hasDefault {
			d.setText(fv, f.def)
			continue
		}
		if _, ok := asUnion(fv); !ok && fv.Kind() == reflect.Struct {
			d.defaults(fv)
		}
	}
}

// setText sets v from a tag's text.
func (d *decoder) setText(v reflect.Value, text string) {
	if v.Kind() == reflect.Slice {
		for item := range strings.SplitSeq(text, ",") {
			iv := reflect.New(v.Type().Elem()).Elem()
			d.setText(iv, item)
			v.Set(reflect.Append(v, iv))
		}
		return
	}
	s, _ := scalarOf(v.Type())
	value, err := s.read(text, typeOf(text))
	if err != nil {
		// Never reached: the tests decode an empty file, which reads every tag.
		panic(fmt.Sprintf("config: the tag's %q is not %s", text, s.want))
	}
	d.put(v, value)
}

// put stores what a scalar's read gave.
func (d *decoder) put(v reflect.Value, value any) {
	if v.Type() == reflect.TypeFor[Path]() {
		value = d.resolve(value.(string))
	}
	v.Set(reflect.ValueOf(value).Convert(v.Type()))
}

// resolve makes a path relative to the config file's folder.
func (d *decoder) resolve(path string) Path {
	if path == "" || filepath.IsAbs(path) {
		return Path(path)
	}
	return Path(filepath.Join(d.dir, path))
}

// structure reads a map into the struct v, whose defaults it sets first.
func (d *decoder) structure(n *node, v reflect.Value, path []string) {
	d.defaults(v)
	list := fields(v.Type())
	if n.kind != mapNode && !n.null() {
		d.wrong(n, path, "%s must be a map with the keys %s, not %s", path[len(path)-1], strings.Join(keys(list), ", "), n.kindText())
		return
	}
	for _, e := range n.entries {
		i := slices.IndexFunc(list, func(f field) bool { return f.key == e.key })
		if i < 0 {
			d.unknownKey(e, list, path)
			continue
		}
		d.value(e.value, v.FieldByIndex(list[i].index), list[i], child(path, e.key))
	}
	for _, f := range list {
		if e := n.entry(f.key); !f.required || e != nil && !e.value.null() {
			continue
		}
		missing := child(path, f.key)
		if !d.isBad(missing) {
			d.markBad(missing)
			d.out.errorf(n.keyAt, "%s is missing; write %s: %s", strings.Join(missing, "."), f.key, f.example)
		}
	}
}

func (d *decoder) unknownKey(e entry, list []field, path []string) {
	p := problem{at: e.value.keyAt, message: "unknown key " + quoted(e.key)}
	if len(path) > 0 {
		p.message += " in " + strings.Join(path, ".")
	}
	known := keys(list)
	homes := d.homes[e.key]
	name, near := nearest.Name(e.key, known)
	switch {
	case near:
		p.hint = nearest.Hint(e.key, known, "")
		d.markBad(child(path, name)) // not missing too, only misspelt
	case len(homes) == 1 && homes[0] == "":
		p.hint = e.key + " belongs at the file's top level"
	case len(homes) == 1:
		p.hint = e.key + " belongs under " + homes[0]
	case len(known) <= 8:
		p.hint = "known are " + strings.Join(known, ", ")
	}
	d.out.add(p)
}

// value reads n into v, which f describes.
func (d *decoder) value(n *node, v reflect.Value, f field, path []string) {
	if n.removed {
		return
	}
	if n.unset {
		d.markBad(path)
		return
	}
	if v.Kind() == reflect.Pointer {
		// Whether such a part is there matters, so nothing after the colon is
		// too easily a slip.
		v.Set(reflect.New(v.Type().Elem()))
		if n.null() {
			d.wrong(n, path, "%s is empty; write %s: {} for its defaults, or leave it out", f.key, f.key)
			d.defaults(v.Elem())
			return
		}
		v = v.Elem()
	}
	if n.null() {
		return // as if the key had been left out
	}
	if u, ok := asUnion(v); ok {
		u.decode(d, n.withoutRemoved(), path)
		return
	}
	if s, ok := scalarOf(v.Type()); ok {
		d.scalar(n, v, f, s, path)
		return
	}
	if v.Kind() == reflect.Slice {
		d.list(n, v, f, path)
		return
	}
	d.structure(n, v, path)
}

// list reads a list of scalars.
func (d *decoder) list(n *node, v reflect.Value, f field, path []string) {
	if f.commas && n.kind == scalarNode && (n.typ == textType || n.expanded) {
		n = splitAtCommas(n)
	}
	if n.kind != listNode {
		d.wrong(n, path, "%s must be a list, such as [a, b], not %s", f.key, n.shown())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	s, _ := scalarOf(v.Type().Elem())
	for i, item := range n.items {
		inner := field{key: fmt.Sprintf("%s[%d]", f.key, i)}
		if item.null() {
			d.wrong(item, path, "%s is empty", inner.key)
			continue
		}
		d.scalar(item, v.Index(i), inner, s, path)
	}
}

// splitAtCommas makes a list of a text such as a:9092,b:9092.
func splitAtCommas(n *node) *node {
	list := &node{kind: listNode, at: n.at, keyAt: n.keyAt}
	for part := range strings.SplitSeq(n.text, ",") {
		item := *n
		item.text, item.typ = strings.TrimSpace(part), textType
		if item.text == "" {
			item.typ = nullType
		}
		list.items = append(list.items, &item)
	}
	return list
}

// child is path with one more key; it never shares path's spare room.
func child(path []string, key string) []string {
	return append(path[:len(path):len(path)], key)
}
