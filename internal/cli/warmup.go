package cli

import (
	"errors"

	"github.com/penstock/penstock/inference"
)

// warmUp runs the model once, so that a config that does not fit what the
// model really gives is told before the first event, and then finds out what
// the size of a batch does to it. That a made-up row fails is a warning: so it
// may on a model that knows its categories.
func (m *loadedModel) warmUp(examples [][]byte) *inference.Problem {
	scorer, err := inference.NewScorer(m.model, m.plan, m.out, m.scoring)
	if err != nil {
		return &inference.Problem{Path: modelPath, Message: err.Error()}
	}
	err = scorer.WarmUp()
	effect, known := inference.UnknownEffect, m.session.given != nil
	if err == nil && !known {
		effect = scorer.BatchEffect(m.plan, examples...)
	}
	err = errors.Join(err, scorer.Close())
	switch {
	case err == nil && known:
		return nil
	case err == nil:
		return m.settle(effect)
	}
	problem := &inference.Problem{Path: modelPath, Message: err.Error()}
	if errors.Is(err, inference.ErrMadeUpRow) {
		problem.Warning = true
		problem.Hint = "name golden examples under model.examples, so that a broken runtime can be told from a bad event"
	}
	return problem
}

// settle has lone rows run as two where that makes every row's prediction the
// same whatever its neighbours, and says where nothing does.
func (m *loadedModel) settle(effect inference.BatchEffect) *inference.Problem {
	m.scoring.PairLoneRows = effect == inference.LoneRowEffect
	if m.batchRows == 1 {
		return nil // there are no neighbours
	}
	warning := inference.Problem{Path: modelPath, Warning: true}
	switch effect {
	case inference.AnyBatchEffect:
		warning.Message = "the last bits of this model's predictions depend on how many events share a run, so that an event that is scored again may differ by some 1e-7"
		warning.Hint = "trees and linear models do not; or set batch.max_rows to 1"
	case inference.UnknownEffect:
		warning.Message = "whether this model's predictions depend on how many events share a run could not be tried out"
		warning.Hint = "name golden examples under model.examples; a model that takes more than 250ms a run is not tried"
	default:
		return nil
	}
	m.batchWarning = &warning
	return &warning
}
