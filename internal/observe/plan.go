// Package observe counts what a model was given and what it said: which fields a
// pipeline has, how a scored batch adds to their counts, and what an epoch of a
// worker comes to, by partition and pane of event time.
//
// It is pure: no clock, no I/O, no goroutine.
package observe

import (
	"slices"
	"strings"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/nearest"
)

// Feature is one that a config names.
type Feature struct {
	Name string
	Kind string // numeric, categorical; empty: by the type of the model's input, numeric for a watched field
	Top  int    // categories counted by name
	From string // path of a field that the model need not use; empty: the model's field Name
}

// Selection says which of the model's fields are counted: all of them, or those
// that are named. The score and the label always are.
type Selection struct {
	All   bool
	Named []Feature
}

// Watch are the fields that the mapping has to read for a selection besides the
// model's own.
func (s *Selection) Watch() []inference.Watched {
	var all []inference.Watched
	for i := range s.Named {
		if f := &s.Named[i]; f.From != "" {
			all = append(all, inference.Watched{From: f.From, At: featurePath(f.Name, "from")})
		}
	}
	return all
}

// DefaultTop is how many categories are counted by name where nobody says.
const DefaultTop = 100

// mostElements is the longest array whose elements are fields of their own. A
// longer one is an embedding, of which no element means anything by itself.
const mostElements = 16

// The names of what the model says. An input field of the same name keeps it, and
// what the model says is then called after predictionPrefix.
const (
	scoreName        = "score"
	labelName        = "label"
	predictionPrefix = "prediction."
)

// Plan says what is counted of each row. It is immutable and shared by workers.
type Plan struct {
	Fields  []drift.Field
	sources []source
	byPath  map[string][]int // fields by the event's path, for rejections
}

// source is where a field's values come from.
type source struct {
	role    drift.Role
	feature inference.Feature // Input
	watched int               // Watched: number of it
}

// New makes the plan for a compiled model. Problems are the config's, at
// drift.features; the plan is nil when there are any.
func New(s Selection, mapping *inference.Plan, out *inference.OutputPlan) (*Plan, []inference.Problem) {
	p := &Plan{byPath: map[string][]int{}}
	features := mapping.Features()
	var problems []inference.Problem
	if s.All {
		for i := range features {
			p.input(&features[i], Feature{})
		}
	}
	watched := 0
	for i := range s.Named {
		named := &s.Named[i]
		at := slices.IndexFunc(features, func(f inference.Feature) bool { return f.Name == named.Name })
		switch {
		case named.From != "" && has(features, named.Name):
			problems = append(problems, problem(named.Name, "the model has a field "+named.Name+", with whose reference "+named.From+" would be compared", "give what is watched another name, or leave from out", "from"))
		case named.From != "":
			p.watch(named, watched)
			watched++
		case at >= 0 && named.Kind == drift.Numeric.String() && features[at].IsText():
			problems = append(problems, problem(named.Name, "the model takes "+named.Name+" as text, which cannot be counted as numbers", "leave kind out", "kind"))
		case at >= 0:
			p.input(&features[at], *named)
		case named.Name != scoreName && named.Name != labelName:
			problems = append(problems, unknown(named.Name, features))
		}
	}
	if problems != nil {
		return nil, problems
	}
	if out.HasScore() {
		p.add(drift.Field{Name: p.free(scoreName), Role: drift.Score, Kind: drift.Numeric}, source{role: drift.Score})
	}
	if out.HasLabel() {
		p.add(drift.Field{Name: p.free(labelName), Role: drift.Output, Kind: drift.Categorical, Top: s.top(labelName)}, source{role: drift.Output})
	}
	return p, nil
}

// has tells whether a field of the model's, or an element of one, has the name.
func has(features []inference.Feature, name string) bool {
	named := func(f inference.Feature) bool { return f.Name == name }
	return slices.ContainsFunc(features, func(f inference.Feature) bool {
		return named(f) || slices.ContainsFunc(f.Elements(), named)
	})
}

// top is how many categories are counted by name of a field of the model's own.
func (s *Selection) top(name string) int {
	for i := range s.Named {
		if s.Named[i].Name == name && s.Named[i].Top > 0 {
			return s.Named[i].Top
		}
	}
	return DefaultTop
}

func featurePath(name string, more ...string) []string {
	return append([]string{"drift", "features", name}, more...)
}

func problem(name, message, hint string, more ...string) inference.Problem {
	return inference.Problem{Path: featurePath(name, more...), Message: message, Hint: hint}
}

// unknown is the problem of a name that no field of the model's has.
func unknown(name string, features []inference.Feature) inference.Problem {
	names := make([]string, len(features))
	for i := range features {
		names[i] = features[i].Name
	}
	hint := nearest.Hint(name, names, "the model's fields: "+strings.Join(names, ", "))
	return problem(name, "the model has no field "+name+"; one that it does not use is watched with from:", hint)
}

// free is a name that no field has yet.
func (p *Plan) free(name string) string {
	for slices.ContainsFunc(p.Fields, func(f drift.Field) bool { return f.Name == name }) {
		name = predictionPrefix + name
	}
	return name
}

func (p *Plan) add(f drift.Field, s source) {
	p.Fields = append(p.Fields, f)
	p.sources = append(p.sources, s)
}

// input adds a field of the model's, or one for each element of a short array.
func (p *Plan) input(f *inference.Feature, named Feature) {
	path := strings.TrimSuffix(f.Name, ".length")
	if f.Width > 1 && (f.Width <= mostElements || f.IsText() || named.Kind == drift.Categorical.String()) {
		elements := f.Elements()
		for i := range elements {
			p.byPath[path] = append(p.byPath[path], len(p.Fields))
			p.add(inputField(&elements[i], named), source{role: drift.Input, feature: elements[i]})
		}
		return
	}
	p.byPath[path] = append(p.byPath[path], len(p.Fields))
	p.add(inputField(f, named), source{role: drift.Input, feature: *f})
}

func inputField(f *inference.Feature, named Feature) drift.Field {
	field := drift.Field{Name: f.Name, Role: drift.Input, Kind: drift.Numeric}
	switch {
	case named.Kind == drift.Categorical.String(), named.Kind == "" && (f.IsText() || f.Type == inference.Bool && f.Width == 1):
		field.Kind, field.Top = drift.Categorical, topOf(&named)
	case f.Width > 1:
		field.Kind, field.Width = drift.Embedding, f.Width
	}
	return field
}

func topOf(f *Feature) int {
	if f.Top > 0 {
		return f.Top
	}
	return DefaultTop
}

// watch adds a field that the model need not use.
func (p *Plan) watch(f *Feature, number int) {
	field := drift.Field{Name: f.Name, Role: drift.Watched, Kind: drift.Numeric}
	if f.Kind == drift.Categorical.String() {
		field.Kind, field.Top = drift.Categorical, topOf(f)
	}
	p.add(field, source{role: drift.Watched, watched: number})
}
