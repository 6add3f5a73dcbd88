package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/penstock/penstock/internal/nearest"
)

// scalar reads n into v by way of s.
func (d *decoder) scalar(n *node, v reflect.Value, f field, s scalar, path []string) {
	if n.unset {
		d.markBad(path)
		return
	}
	if n.kind != scalarNode {
		d.wrong(n, path, "%s must be %s, not %s", f.key, s.want, n.shown())
		return
	}
	value, err := s.read(n.text, wantedType(n, v.Kind()))
	if err != nil {
		d.unreadable(n, f, s, path)
		return
	}
	if len(f.enum) > 0 && !slices.Contains(f.enum, n.text) {
		d.notListed(n, f, path)
		return
	}
	if d.inBounds(n, value, v, f, path) {
		d.put(v, value)
	}
}

// unreadable reports a scalar of the wrong type.
func (d *decoder) unreadable(n *node, f field, s scalar, path []string) {
	found := n.shown()
	if f.typ == reflect.TypeFor[Secret]() {
		found = n.kindText()
	}
	p := problem{at: n.at, message: fmt.Sprintf("%s must be %s, not %s", f.key, s.want, found)}
	if _, err := s.read(n.text, textType); err == nil {
		p.hint = "put it in quotes"
	} else if _, err := s.read(n.text, typeOf(n.text)); err == nil {
		p.hint = "leave out the quotes"
	}
	d.markBad(path)
	d.out.add(p)
}

// wantedType is the type to read n as. What a variable brings in is what the
// key wants, quoted or not: within [ ] and { } YAML wants ${VAR} in quotes.
func wantedType(n *node, want reflect.Kind) scalarType {
	switch {
	case !n.expanded:
		return n.typ
	case want == reflect.String:
		return textType
	}
	return typeOf(n.text)
}

func (d *decoder) notListed(n *node, f field, path []string) {
	d.markBad(path)
	d.out.add(problem{
		at:      n.at,
		message: fmt.Sprintf("%s must be %s, not %s", f.key, oneOf(f.enum), n.shown()),
		hint:    nearest.Hint(n.text, f.enum, ""),
	})
}

// inBounds holds a value for v to the field's min and max. A value outside is
// not stored, so that validation can rely on the bounds.
func (d *decoder) inBounds(n *node, value any, v reflect.Value, f field, path []string) bool {
	below := f.min != "" && less(reflect.ValueOf(value), d.bound(v, f.min))
	above := f.max != "" && less(d.bound(v, f.max), reflect.ValueOf(value))
	if !below && !above {
		return true
	}
	want := "at least " + f.min
	if f.max != "" {
		want = "between " + f.min + " and " + f.max
	}
	d.wrong(n, path, "%s must be %s, not %s", f.key, want, n.text)
	return false
}

func (d *decoder) bound(v reflect.Value, text string) reflect.Value {
	b := reflect.New(v.Type()).Elem()
	d.setText(b, text)
	return b
}

func less(a, b reflect.Value) bool {
	if a.Kind() == reflect.Float64 {
		return a.Float() < b.Float()
	}
	return a.Int() < b.Int()
}

// oneOf writes a, b or c.
func oneOf(names []string) string {
	i := len(names) - 1
	return strings.Join(names[:i], ", ") + " or " + names[i]
}
