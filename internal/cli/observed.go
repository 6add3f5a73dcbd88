package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/rollout"
)

// selectionOf is what a config's drift: part says of what is counted.
func selectionOf(d *config.Drift) observe.Selection {
	if d == nil {
		return observe.Selection{}
	}
	s := observe.Selection{All: d.Features.All}
	for _, f := range d.Features.Named {
		s.Named = append(s.Named, observe.Feature{Name: f.Name, Kind: f.Kind, Top: f.Top, From: f.From})
	}
	return s
}

// observes makes the plan of what is counted, and reads the reference.
func (m *loadedModel) observes(s observe.Selection, d *config.Drift) (problems []inference.Problem) {
	m.observed, problems = observe.New(s, m.plan, m.out)
	ref, more := m.reference(d)
	problems = append(problems, more...)
	if ref != nil && m.observed != nil {
		problems = append(problems, m.compareReference(ref, "the reference")...)
		if doubt := ref.Doubt(windowSpecs(d)); doubt != "" {
			p := referenceProblem("the reference "+doubt, "make it of more data, or watch shorter windows")
			p[0].Warning = true
			problems = append(problems, p...)
		}
	}
	m.normal = ref
	return problems
}

// referenceKey is that of the model's metadata which holds a reference, as the JSON
// of a reference file.
const referenceKey = "penstock.drift.reference"

// reference reads what the config calls normal; nil where that is still to be
// collected. Its problems are the config's.
func (m *loadedModel) reference(d *config.Drift) (*drift.Reference, []inference.Problem) {
	var data []byte
	var from string
	switch {
	case d.Reference.Model:
		text, ok := m.model.Metadata()[referenceKey]
		if !ok {
			return nil, referenceProblem("the model's metadata has no "+referenceKey, "name a file that penstock drift reference made")
		}
		data, from = []byte(text), "the model's "+referenceKey
	case d.Reference.File != "":
		var err error
		if data, err = os.ReadFile(string(d.Reference.File)); err != nil {
			return nil, referenceProblem("the reference cannot be read: "+err.Error(), "make it with penstock drift reference")
		}
		from = string(d.Reference.File)
	default:
		return nil, nil
	}
	ref, err := drift.ParseReference(data)
	if err != nil {
		return nil, referenceProblem(fmt.Sprintf("%s: %s", from, err), "make it anew with penstock drift reference")
	}
	return ref, nil
}

func referenceProblem(message, hint string) []inference.Problem {
	return []inference.Problem{{Path: []string{"drift", "reference"}, Message: message, Hint: hint}}
}

// compareReference says which fields the reference does not have, or has as
// something else.
func (m *loadedModel) compareReference(ref *drift.Reference, from string) []inference.Problem {
	var absent, other []string
	for _, f := range m.observed.Fields {
		switch known := ref.Field(f.Name); {
		case known == nil:
			absent = append(absent, f.Name)
		case known.Kind != f.Kind:
			other = append(other, fmt.Sprintf("%s is %s and was %s", f.Name, f.Kind, known.Kind))
		}
	}
	var problems []inference.Problem
	if other != nil {
		problems = append(problems, referenceProblem(from+" was made of other kinds of fields: "+strings.Join(other, ", "), "make it anew, or give the kind in drift.features")...)
	}
	if absent != nil {
		slices.Sort(absent)
		p := referenceProblem(from+" does not have these fields, which go without statistics: "+strings.Join(absent, ", "), "make it anew with this config")
		p[0].Warning = true
		problems = append(problems, p...)
	}
	return problems
}

// counting is what a pipeline's workers count; nil without drift:.
func (m *loadedModel) counting(cfg *config.Pipeline, champion rollout.Variant) *pipeline.Drift {
	d := cfg.Drift
	if d == nil {
		return nil
	}
	schema := drift.NewSchema(m.observed.Fields, m.normal)
	made := &pipeline.Drift{
		Config: observe.Config{
			Pipeline: cfg.Name, Model: champion.Model, Variant: champion.Name,
			Pane: max(d.Pane, time.Millisecond), Lateness: d.Lateness, Plan: m.observed,
			RecordTime: cfg.Source.EventTime == "",
			Schema:     func() *drift.Schema { return schema },
		},
		Panes: panesOf(cfg), JoinEarly: cfg.Broker.Kafka != nil && cfg.Delivery == exactlyOnce, Idle: d.Idle,
	}
	if m.normal == nil {
		made.Freeze = func(encoded []byte) (*drift.Schema, error) {
			ref, err := drift.ParseReference(encoded)
			if err != nil {
				return nil, err
			}
			return drift.NewSchema(m.observed.Fields, ref), nil
		}
	}
	return made
}

// panesOf is the topic or subject that deltas go to.
func panesOf(cfg *config.Pipeline) string {
	if cfg.Broker.Kafka != nil {
		return broker.PanesTopic(cfg)
	}
	return broker.NewSubjects(cfg).Panes()
}
