package config

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema (draft 2020-12) of a pipeline's file, for editors.
// It is made from the tags that the decoder goes by: what it refuses Load
// refuses too. Load knows more, such as what the parts need of each other.
func Schema() []byte {
	root := partSchema(reflect.TypeFor[document]())
	root.Version = jsonschema.Version
	root.Title = "penstock pipeline"
	root.Definitions = jsonschema.Definitions{
		"variable": {Type: "string", Pattern: `\$\{`, Description: "Text with a variable: ${VAR} or ${VAR:-default}."},
		"input":    inputSchema(),
		"column":   columnSchema(),
		"literal":  typed("string", "number", "boolean"),
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // nothing in a schema of ours fails to marshal
	}
	return append(text, '\n')
}

// typed allows values of any of the types.
func typed(types ...string) *jsonschema.Schema {
	if len(types) == 1 {
		return &jsonschema.Schema{Type: types[0]}
	}
	return &jsonschema.Schema{Extras: map[string]any{"type": types}}
}

func reference(definition string) *jsonschema.Schema {
	return &jsonschema.Schema{Ref: "#/$defs/" + definition}
}

func anyOf(choices ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: choices}
}

func described(s *jsonschema.Schema, doc string) *jsonschema.Schema {
	s.Description = doc
	return s
}

// partSchema describes a map with the keys of the struct type t, or what else
// the other types allow in its place.
func partSchema(t reflect.Type, others ...string) *jsonschema.Schema {
	s := typed(append([]string{"object"}, others...)...)
	s.Properties = jsonschema.NewProperties()
	s.AdditionalProperties = jsonschema.FalseSchema
	for _, f := range fields(t) {
		s.Properties.Set(f.key, fieldSchema(f))
		if f.required {
			s.Required = append(s.Required, f.key)
		}
	}
	return s
}

// fieldSchema describes one key's value. A key with nothing after it counts as
// left out, but for parts whose presence means something.
func fieldSchema(f field) *jsonschema.Schema {
	var s *jsonschema.Schema
	if u, ok := reflect.New(f.typ).Interface().(describer); ok {
		s = u.schema()
	} else if sc, ok := scalarOf(f.typ); ok {
		s = scalarSchema(f, sc)
	} else {
		switch f.typ.Kind() {
		case reflect.Pointer:
			s = partSchema(f.typ.Elem())
		case reflect.Slice:
			s = typed("array", "null")
			if f.commas {
				s = typed("array", "null", "string")
			}
			item, _ := scalarOf(f.typ.Elem())
			s.Items = scalarSchema(field{typ: f.typ.Elem(), required: true}, item)
		default:
			s = partSchema(f.typ, "null")
			if f.required {
				s = partSchema(f.typ)
			}
		}
	}
	s.Description = f.doc
	if f.hasDefault {
		s.Default = jsonDefault(f)
	}
	if f.example != "" && f.typ.Kind() == reflect.String {
		s.Examples = []any{f.example}
	}
	return s
}

// describer is a union that knows its own schema.
type describer interface{ schema() *jsonschema.Schema }

func scalarSchema(f field, s scalar) *jsonschema.Schema {
	if len(f.enum) == 0 && s.pattern == "" && s.types[0] == "string" && !f.required {
		return typed(append(s.types, "null")...)
	}
	choices := scalarChoices(f, s)
	if f.required && len(choices) == 1 {
		return choices[0]
	}
	if !f.required {
		choices = append(choices, typed("null"))
	}
	return anyOf(choices...)
}

// scalarChoices are the ways to write a scalar; one is always a variable,
// whatever type it brings in.
func scalarChoices(f field, s scalar) []*jsonschema.Schema {
	switch {
	case len(f.enum) > 0:
		var values []any
		for _, e := range f.enum {
			values = append(values, e)
		}
		return []*jsonschema.Schema{{Enum: values}, reference("variable")}
	case s.pattern != "":
		choices := []*jsonschema.Schema{{Type: "string", Pattern: s.pattern}}
		if f.typ == reflect.TypeFor[Bytes]() {
			choices = append(choices, &jsonschema.Schema{Type: "integer", Minimum: json.Number(f.min)})
		} else if f.typ != reflect.TypeFor[Rate]() {
			choices = append(choices, &jsonschema.Schema{Const: 0})
		}
		return append(choices, reference("variable"))
	case s.types[0] == "string":
		return []*jsonschema.Schema{typed(s.types...)}
	}
	plain := typed(s.types...)
	plain.Minimum, plain.Maximum = json.Number(f.min), json.Number(f.max)
	return []*jsonschema.Schema{plain, reference("variable")}
}

// jsonDefault is a default as JSON writes it.
func jsonDefault(f field) any {
	switch f.typ.Kind() {
	case reflect.Bool:
		return f.def == "true"
	case reflect.Slice:
		return strings.Split(f.def, ",")
	case reflect.Int, reflect.Float64:
		return json.Number(f.def)
	}
	return f.def
}
