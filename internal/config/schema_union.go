package config

import (
	"reflect"

	"github.com/invopop/jsonschema"
)

func (*inputs) schema() *jsonschema.Schema {
	s := typed("object", "null")
	s.AdditionalProperties = reference("input")
	return s
}

// fieldPathSchema describes the path of an event's field. A key may be all
// digits, which YAML reads as a number.
func fieldPathSchema() *jsonschema.Schema { return typed("string", "number") }

func inputSchema() *jsonschema.Schema {
	columns := &jsonschema.Schema{Type: "array", MinItems: new(uint64(1)), Items: reference("column")}
	from := withPolicy()
	from.Properties.Set("from", described(anyOf(fieldPathSchema(), columns), "Path of the field, or a list of columns."))
	from.Properties.Set("pad", described(reference("literal"), "Fills rows of unequal length up to the batch's longest."))
	from.Required = []string{"from"}
	mask := object()
	mask.Properties.Set("mask_of", described(fieldPathSchema(), "Another input: 1 where it has a value, else 0."))
	mask.Required = []string{"mask_of"}
	return anyOf(fieldPathSchema(), columns, from, mask)
}

func columnSchema() *jsonschema.Schema {
	from := withPolicy()
	from.Properties.Set("from", described(fieldPathSchema(), "Path of the field."))
	from.Required = []string{"from"}
	return anyOf(fieldPathSchema(), from)
}

// withPolicy describes a map that may hold missing: and coerce:.
func withPolicy() *jsonschema.Schema {
	s := object()
	s.Properties.Set("missing", described(reference("literal"), "When the field is absent or null: reject (the event becomes a dead letter), nan, or the value to fill in."))
	s.Properties.Set("coerce", described(anyOf(typed("boolean"), reference("variable")), "Also take \"12.5\" for a number."))
	return s
}

func object() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
}

func (*include) schema() *jsonschema.Schema {
	list := typed("array")
	list.Items = fieldPathSchema()
	return anyOf(&jsonschema.Schema{Const: "all"}, list, reference("variable"), typed("null"))
}

func (*Reference) schema() *jsonschema.Schema {
	return anyOf(typed("string"), partSchema(reflect.TypeFor[firstPart]()))
}

func (*Features) schema() *jsonschema.Schema {
	named := typed("object")
	named.AdditionalProperties = partSchema(reflect.TypeFor[Feature](), "null")
	return anyOf(&jsonschema.Schema{Const: "all"}, named, reference("variable"), typed("null"))
}
