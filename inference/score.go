package inference

import (
	"fmt"
	"time"
)

// firstRunLimit is the least time that the warm-up at start gets: a first run
// may set up a device or build kernels.
const firstRunLimit = 10 * time.Second

// Scorer runs a model over batches, so that a row which the model fails on
// never spoils its neighbours. It serves one goroutine.
type Scorer struct {
	runner  Runner
	timeout time.Duration // of one run; 0 = none
	static  int           // the model's fixed batch size, 0 when it is open
	least   int           // rows that a run has at least
	scores  Scores

	proof    proof
	suspects []suspect // of the batch at hand, in order
}

// ScorerOptions says how a Scorer runs the model.
type ScorerOptions struct {
	Timeout time.Duration // of one run; 0 = none
	WarmUp  *WarmUp       // nil: the plan's made-up row
	// PairLoneRows runs a row that is alone as two, itself twice, for a model
	// with LoneRowEffect.
	PairLoneRows bool
}

// NewScorer takes a Runner of m.
func NewScorer(m Model, plan *Plan, out *OutputPlan, o ScorerOptions) (*Scorer, error) {
	if o.WarmUp == nil {
		o.WarmUp = plan.WarmUp()
	}
	runner, err := m.NewRunner()
	if err != nil {
		return nil, fmt.Errorf("open runner: %w", err)
	}
	least := 1
	if o.PairLoneRows {
		least = 2
	}
	return &Scorer{
		runner:  runner,
		timeout: o.Timeout,
		static:  plan.StaticRows(),
		least:   least,
		scores:  newScores(out),
		proof:   proof{inputs: o.WarmUp.Inputs, known: !o.WarmUp.MadeUp, scores: newScores(out)},
	}, nil
}

// Close gives the Runner back. It may be called twice.
func (s *Scorer) Close() error { return s.runner.Close() }

// WarmUp runs the warm-up row, so that the first event does not pay for what a
// first run sets up. It gives ErrBroken when the run fails, ErrMadeUpRow when
// that need not mean anything, and another error when the config does not fit
// what the model gives.
func (s *Scorer) WarmUp() error {
	limit := s.timeout
	if limit > 0 {
		limit = max(limit, firstRunLimit)
	}
	return s.try(limit)
}

// Score predicts all rows of b, in one run when all is well. A row that the
// model fails on alone gets a Rejection instead. The error is ErrBroken when
// no row is to blame; the Scores are there all the same and count for the rows
// before Scores.Done, which may be published and committed.
func (s *Scorer) Score(b *Batch) (*Scores, error) {
	s.scores.reset(b)
	s.acquit()
	rows := b.Len()
	step := rows
	if s.static > 0 {
		step = s.static
	}
	for lo, hi := 0, 0; lo < rows; lo = hi {
		hi = b.runEnd(lo, min(lo+step, rows))
		if err := s.predict(b, lo, hi, 0); err != nil {
			return &s.scores, err
		}
	}
	if len(s.suspects) > 0 {
		return &s.scores, s.unproven()
	}
	return &s.scores, nil
}

// run predicts rows lo..hi-1 in one run.
func (s *Scorer) run(b *Batch, lo, hi int, limit time.Duration) error {
	rows := s.runRows(hi - lo)
	g := s.scores.next(lo, hi)
	if err := s.runner.Run(b.Tensors(lo, hi, rows), g.out, limit); err != nil {
		return err
	}
	if err := s.scores.bind(g, rows); err != nil {
		return err
	}
	if !s.proof.known {
		s.succeeded(b, lo)
	}
	s.scores.keep()
	return nil
}

// runRows is how many rows a run of that many events has.
func (s *Scorer) runRows(events int) int {
	if s.static > 0 {
		return s.static
	}
	return max(events, s.least)
}
