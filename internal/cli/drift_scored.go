package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/driftfile"
)

// openCounting brings the model of a plan's config into the runtime, with what is
// counted of it. Its reference is not read: it may still be to be made.
func (s *session) openCounting(ctx context.Context, p *driftPlan) (*loadedModel, error) {
	counted := *p.settings
	counted.Reference = config.Reference{}
	p.config.Pipeline.Drift = &counted
	return s.openModel(ctx, p.config)
}

// score runs the model over the files as predict does, each of its workers
// counting with a counter.
func (p *driftPlan) score(ctx context.Context, s *session, m *loadedModel, files []string, workers int, counter func() *scoredCount) (*driftfile.Notes, error) {
	var inputs []input
	for _, path := range files {
		in, _, err := openInput(path, p.input.Format, nil)
		if err != nil {
			return nil, &refusal{err}
		}
		inputs = append(inputs, in)
	}
	bar := s.newDriftProgress(files, p.quiet)
	var total tally
	notes := &driftfile.Notes{}
	engine := &scoring{model: m, workers: workers, count: counter}
	err := engine.run(ctx, inputs, func(j *job) error {
		total.add(&j.tally)
		notes.Join(&j.notes)
		bar.update(total.predicted+total.rejected, j.read)
		return nil
	})
	bar.bar.clear()
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if total.rejected > 0 {
		fmt.Fprintf(s.Err, "%s events were rejected, as predict would; the first is %s\n", count(total.rejected), total.first)
	}
	return notes, err
}

// modelFields are the fields that the model's config has counted, as they are
// counted: an embedding is several.
func modelFields(s *drift.Schema) []drift.Field {
	fields := make([]drift.Field, len(s.Fields))
	for i := range s.Fields {
		fields[i] = s.Fields[i].Field
	}
	return fields
}

// scoreReference builds a reference of what the model is given and says. One worker
// scores, for what a reference keeps depends on the order of the rows.
func (p *driftPlan) scoreReference(ctx context.Context, s *session, m *loadedModel, files []string) (*drift.Reference, *driftfile.Notes, error) {
	b := drift.NewReferenceBuilder(m.observed.Fields, driftfile.Block)
	notes, err := p.score(ctx, s, m, files, 1, func() *scoredCount { return learning(m, &p.input, b) })
	if err != nil {
		return nil, notes, err
	}
	ref, err := b.Build()
	return ref, notes, err
}

// scoreReport compares what the model is given and says with a reference.
func (p *driftPlan) scoreReport(ctx context.Context, s *session, m *loadedModel, c *driftfile.Comparison, give func(*drift.Report, []drift.Counts) error) (*driftfile.Notes, error) {
	tally := driftfile.NewTally(c, p.input.Zone)
	schema := drift.NewSchema(c.Fields, c.Reference)
	pipeline := &p.config.Pipeline
	workers := (&predictCommand{}).workers(pipeline.Workers, pipeline.Model.IntraOpNumThreads)
	notes, err := p.score(ctx, s, m, p.input.Files, workers, func() *scoredCount { return tallying(m, &p.input, tally, schema) })
	if err != nil {
		return nil, err
	}
	return notes, tally.Report(func(r *drift.Report, counts []drift.Counts) error {
		r.Pipeline, r.Model, r.Version = pipeline.Name, m.identity.Name, m.identity.Version
		return give(r, counts)
	})
}
