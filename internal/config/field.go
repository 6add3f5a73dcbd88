package config

import (
	"reflect"
	"strings"
)

// field is one key of a part, as the struct tags describe it.
type field struct {
	index      []int // of the struct field
	typ        reflect.Type
	key        string
	def        string // a list's entries are separated by commas
	hasDefault bool
	enum       []string
	min, max   string // "" is unbounded
	required   bool
	runOnly    bool   // only run needs it
	commas     bool   // a list that may also be one text with commas between
	example    string // of a required key
	doc        string
}

// fields lists the keys of the struct type t, embedded structs' among them.
func fields(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			for _, inner := range fields(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				list = append(list, inner)
			}
			continue
		}
		key, ok := f.Tag.Lookup("key")
		if !ok {
			continue
		}
		def, hasDefault := f.Tag.Lookup("default")
		fd := field{
			index:      f.Index,
			typ:        f.Type,
			key:        key,
			def:        def,
			hasDefault: hasDefault,
			min:        f.Tag.Get("min"),
			max:        f.Tag.Get("max"),
			required:   f.Tag.Get("required") == "true",
			runOnly:    f.Tag.Get("only") == "run",
			commas:     f.Tag.Get("commas") == "true",
			example:    f.Tag.Get("example"),
			doc:        f.Tag.Get("doc"),
		}
		if enum := f.Tag.Get("enum"); enum != "" {
			fd.enum = strings.Split(enum, ",")
		}
		list = append(list, fd)
	}
	return list
}

func keys(list []field) []string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.key
	}
	return names
}

// union is a value that may be written in several ways and reads itself.
type union interface {
	// decode reads n, which is not null, and reports what is wrong with it.
	decode(d *decoder, n *node, path []string)
}

// defaulter is a union whose default is not its zero value.
type defaulter interface{ setDefault() }

// settable makes what ptr points to settable by reflection.
func settable[T any](ptr *T) reflect.Value { return reflect.ValueOf(ptr).Elem() }

// asUnion views v as a union, ok is false when it is none.
func asUnion(v reflect.Value) (u union, ok bool) {
	u, ok = v.Addr().Interface().(union)
	return u, ok
}
