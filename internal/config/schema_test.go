package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pipeline.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pipeline.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as an editor's schema check does.
func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	asText, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v, err = jsonschema.UnmarshalJSON(bytes.NewReader(asText))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaAcceptsWhatLoadAccepts tries every good scenario, and what each
// is in effect.
func TestSchemaAcceptsWhatLoadAccepts(t *testing.T) {
	s := compiledSchema(t)
	for _, path := range scenarioFiles(t) {
		f := scenario(t, path)
		if f.Failed() || strings.Contains(path, "set_good") { // valid by its --set only
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{text, f.Effective()} {
			if err := s.Validate(asJSON(t, text)); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
		}
	}
}

// TestExampleIsGood holds the example that the documentation starts from to the
// loader and the schema.
func TestExampleIsGood(t *testing.T) {
	text, err := os.ReadFile("../../examples/card-fraud/pipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := load(t, string(text), Options{Purpose: ForRun})
	if lines := f.Render(nil); len(lines) > 0 {
		t.Errorf("problems:\n%s", strings.Join(lines, "\n"))
	}
	for _, text := range [][]byte{text, f.Effective()} {
		if err := compiledSchema(t).Validate(asJSON(t, text)); err != nil {
			t.Error(err)
		}
	}
}

// TestSchemaRefusesWhatTheDecoderRefuses: unknown keys and wrong types, one
// by one.
func TestSchemaRefusesWhatTheDecoderRefuses(t *testing.T) {
	s := compiledSchema(t)
	for _, text := range []string{
		"name: x", // model is missing
		"model: {}",
		"model: {path: }",
		"model:",
		"model: {path: [m]}",
		"model: {path: true}",
		"model: {path: m, nam: x}",
		"model: {path: m, timeout: 2}",
		"model: {path: m, timeout: 1d}",
		"model: {path: m, timeout: [2s]}",
		"model: {path: m, intra_op_num_threads: 1.5}",
		"model: {path: m, intra_op_num_threads: 0}",
		"model: {path: m, runtime: native}",
		"model: {path: m, inputs: [a]}",
		"model: {path: m, inputs: {x: }}",
		"model: {path: m, inputs: {x: []}}",
		"model: {path: m, inputs: {x: true}}",
		"model: {path: m, inputs: {x: {}}}",
		"model: {path: m, inputs: {x: {frm: a}}}",
		"model: {path: m, inputs: {x: {from: {a: b}}}}",
		"model: {path: m, inputs: {x: {from: a, missing: [1]}}}",
		"model: {path: m, inputs: {x: {from: a, missing: }}}",
		"model: {path: m, inputs: {x: {from: a, coerce: maybe}}}",
		"model: {path: m, inputs: {x: {from: a, pad: {}}}}",
		"model: {path: m, inputs: {x: {mask_of: a, from: b}}}",
		"model: {path: m, inputs: {x: {mask_of: }}}",
		"model: {path: m, inputs: {x: [[a]]}}",
		"model: {path: m, inputs: {x: [{from: [a]}]}}",
		"model: {path: m, inputs: {x: [{from: a, pad: 0}]}}",
		"model: {path: m, output: {include: some}}",
		"model: {path: m, output: {pass: tx_id}}",
		"model: {path: m, output: {pass: [[a]]}}",
		"model: {path: m, output: {pass: [~]}}",
		"model: {path: m, output: {score: {}}}",
		"{model: {path: m}, nme: x}",
		"{model: {path: m}, name: [x]}",
		"{model: {path: m}, broker: {kafka: }}",
		"{model: {path: m}, broker: {kafka: {tls: }}}",
		"{model: {path: m}, broker: {kafka: {tls: true}}}",
		"{model: {path: m}, broker: {kafka: {bootstrap_servers: true}}}",
		"{model: {path: m}, source: {topics: a}}",
		"{model: {path: m}, broker: {kafka: {sasl: {mechanism: md5}}}}",
		"{model: {path: m}, broker: {embedded: {max_bytes: lots}}}",
		"{model: {path: m}, broker: {embedded: {max_bytes: 0}}}",
		"{model: {path: m}, batch: 5}",
		"{model: {path: m}, batch: {max_rows: 65537}}",
		"{model: {path: m}, batch: {max_rows: many}}",
		"{model: {path: m}, workers: -1}",
		"{model: {path: m}, create_topics: yes please}",
		"{model: {path: m}, dead_letter: {max_share: 2}}",
		"{model: {path: m}, delivery: exactly-once}",
		"{model: {path: m}, drift: {}}",
		"{model: {path: m}, drift: }",
		"{model: {path: m}, drift: {reference: [a]}}",
		"{model: {path: m}, drift: {reference: {fist: 1h}}}",
		"{model: {path: m}, drift: {reference: {first: soon}}}",
		"{model: {path: m}, drift: {reference: {first: }}}",
		"{model: {path: m}, drift: {reference: r, features: some}}",
		"{model: {path: m}, drift: {reference: r, features: {a: {kind: text}}}}",
		"{model: {path: m}, drift: {reference: r, false_alarms: often}}",
	} {
		if f := read("c.yaml", []byte(text), Options{Purpose: ForModel}); !f.Failed() {
			t.Errorf("%s: Load accepts it", text)
		}
		if s.Validate(asJSON(t, []byte(text))) == nil {
			t.Errorf("%s: the schema accepts it", text)
		}
	}
}

// TestSchemaAcceptsVariablesEverywhere: for every key, a variable in quotes
// may stand where a number, a bool or a choice belongs.
func TestSchemaAcceptsVariablesEverywhere(t *testing.T) {
	s := compiledSchema(t)
	var walk func(typ reflect.Type, around func(inner string) string)
	tried := 0
	walk = func(typ reflect.Type, around func(inner string) string) {
		for _, f := range fields(typ) {
			within := func(inner string) string { return around(f.key + ": " + inner) }
			inner := f.typ
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if _, ok := scalarOf(inner); ok {
				tried++
				text := within(`"${V:-x}"`)
				if err := s.Validate(asJSON(t, []byte(text))); err != nil {
					t.Errorf("%s: %v", text, err)
				}
			} else if _, isUnion := reflect.New(inner).Interface().(union); !isUnion && inner.Kind() == reflect.Struct {
				walk(inner, func(s string) string {
					if f.required && f.key == "model" && !strings.HasPrefix(s, "path:") {
						s += ", path: m"
					}
					if f.key == "drift" && !strings.HasPrefix(s, "reference:") {
						s += ", reference: r"
					}
					return within("{" + s + "}")
				})
			}
		}
	}
	walk(reflect.TypeFor[document](), func(inner string) string {
		if !strings.HasPrefix(inner, "model:") {
			inner += ", model: {path: m}"
		}
		return "{" + inner + "}"
	})
	if tried < 60 {
		t.Errorf("only %d keys tried", tried)
	}
}

// TestSchemaSaysWhatKeysMean: every key has a description, and its default.
func TestSchemaSaysWhatKeysMean(t *testing.T) {
	var s struct {
		Properties map[string]struct {
			Description string
			Default     any
			Properties  map[string]struct {
				Description string
				Default     any
			}
		}
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	for key, p := range s.Properties {
		if p.Description == "" {
			t.Errorf("%s has no description", key)
		}
		for inner, q := range p.Properties {
			if q.Description == "" {
				t.Errorf("%s.%s has no description", key, inner)
			}
		}
	}
	if got := s.Properties["batch"].Properties["max_rows"].Default; got != 256.0 {
		t.Errorf("default of batch.max_rows is %v", got)
	}
	if got, ok := s.Properties["create_topics"].Default.(bool); !ok || got {
		t.Errorf("default of create_topics is %v", got)
	}
}
