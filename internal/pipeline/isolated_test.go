package pipeline_test

import (
	"context"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/pipeline"
)

// inProcess scores as a child process would, without one.
type inProcess struct {
	plan    *inference.Plan
	scorer  *inference.Scorer
	encoder *inference.Encoder
}

func newInProcess(m inference.Model, plan *inference.Plan, out *inference.OutputPlan, encoder *inference.Encoder) (pipeline.Isolated, error) {
	scorer, err := inference.NewScorer(m, plan, out, inference.ScorerOptions{Timeout: modelTimeout})
	return &inProcess{plan, scorer, encoder}, err
}

func (p *inProcess) Close() error { return p.scorer.Close() }

func (p *inProcess) Score(_ context.Context, events []penstock.Event, wall int64, out func(i int, record []byte, why *penstock.Rejection)) error {
	batch := p.plan.NewBatch(1)
	for i := range events {
		batch.Reset()
		if why := batch.DecodeJSON(events[i].Value); why != nil {
			out(i, nil, why)
			continue
		}
		scores, err := p.scorer.Score(batch)
		if err != nil {
			return err
		}
		if why := scores.Rejection(0); why != nil {
			out(i, nil, why)
			continue
		}
		out(i, p.encoder.Append(nil, &inference.Stamp{ID: events[i].ID, Record: events[i].Time, Time: wall}, scores, 0), nil)
	}
	return nil
}
