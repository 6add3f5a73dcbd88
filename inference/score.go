package inference

import (
	"errors"
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
	scores  Scores
	warmUp  []*Tensor
	healthy Scores // what the warm-up row gives; only its fit is looked at
}

// NewScorer takes a Runner of m. A run may last timeout, or as long as it
// likes when that is 0.
func NewScorer(m Model, plan *Plan, out *OutputPlan, timeout time.Duration) (*Scorer, error) {
	runner, err := m.NewRunner()
	if err != nil {
		return nil, fmt.Errorf("open runner: %w", err)
	}
	return &Scorer{
		runner:  runner,
		timeout: timeout,
		static:  plan.StaticRows(),
		scores:  newScores(out),
		warmUp:  plan.WarmUp(),
		healthy: newScores(out),
	}, nil
}

// Close gives the Runner back. It may be called twice.
func (s *Scorer) Close() error { return s.runner.Close() }

// WarmUp runs the warm-up row, so that the first event does not pay for what a
// first run sets up. It gives ErrBroken when the run fails, and another error
// when the config does not fit what the model gives.
func (s *Scorer) WarmUp() error {
	limit := s.timeout
	if limit > 0 {
		limit = max(limit, firstRunLimit)
	}
	return s.runWarmUp(limit)
}

func (s *Scorer) runWarmUp(limit time.Duration) error {
	g := s.healthy.next(0, 1)
	if err := s.runner.Run(s.warmUp, g.out, limit); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if err := s.healthy.bind(g, max(s.static, 1)); err != nil {
		return fmt.Errorf("warm-up row: %w", err)
	}
	return nil
}

// Score predicts all rows of b, in one run when all is well. A row that the
// model fails on alone gets a Rejection instead. The error is ErrBroken when
// the model fails on its warm-up row too: then no row is to blame, and none of
// the Scores count.
func (s *Scorer) Score(b *Batch) (*Scores, error) {
	s.scores.reset(b)
	rows := b.Len()
	step := rows
	if s.static > 0 {
		step = s.static
	}
	for lo, hi := 0, 0; lo < rows; lo = hi {
		hi = b.runEnd(lo, min(lo+step, rows))
		if err := s.predict(b, lo, hi, 0); err != nil {
			return nil, err
		}
	}
	return &s.scores, nil
}

// run predicts rows lo..hi-1 in one run.
func (s *Scorer) run(b *Batch, lo, hi int, limit time.Duration) error {
	rows := hi - lo
	if s.static > 0 {
		rows = s.static
	}
	g := s.scores.next(lo, hi)
	if err := s.runner.Run(b.Tensors(lo, hi, rows), g.out, limit); err != nil {
		return err
	}
	if err := s.scores.bind(g, rows); err != nil {
		return err
	}
	s.scores.used++
	return nil
}

// broken tells whether the model fails on its warm-up row too.
func (s *Scorer) broken() error {
	err := s.runWarmUp(s.timeout)
	if err != nil && !errors.Is(err, ErrBroken) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}
