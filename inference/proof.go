package inference

import (
	"errors"
	"fmt"
	"time"
)

// A row that fails alone is to blame only when the model is healthy. That is
// shown by a row which the model is known to score, run before every blame, for
// a device may break between two: the warm-up row, if it is an example or has
// succeeded once, else a copy of the first row that was scored.
//
// Until such a row is known, the rows that fail alone are suspects. The first
// success among the rows that follow convicts them; if there is none, nothing
// tells a batch of bad events from a broken runtime, and nobody is blamed.

// proof is the row that shows whether the model is healthy.
type proof struct {
	inputs []*Tensor
	known  bool   // to be good; until then a failure proves nothing
	scores Scores // what it gives; only its fit is looked at
}

// proofRows is how often a run of the proof has the row. Nobody looks at what
// it gives, so that it need not be paired.
func (s *Scorer) proofRows() int { return max(s.static, 1) }

// suspect is a row that failed alone.
type suspect struct {
	row   int
	cause error
}

// try runs the row. The error is ErrMadeUpRow or ErrBroken when the run fails,
// and another one when the config does not fit what the model gives.
func (s *Scorer) try(limit time.Duration) error {
	g := s.proof.scores.next(0, 1)
	if err := s.runner.Run(s.proof.inputs, g.out, limit); err != nil {
		says := ErrBroken
		if !s.proof.known && !errors.Is(err, ErrTimeout) { // no healthy runtime hangs on a made-up row
			says = ErrMadeUpRow
		}
		return fmt.Errorf("%w: %w", says, err)
	}
	if err := s.proof.scores.bind(g, s.proofRows()); err != nil {
		return fmt.Errorf("warm-up row: %w", err)
	}
	s.proof.known = true
	return nil
}

// Probe runs the row that shows whether the model is healthy, after ErrBroken: it
// gives that again as long as the row fails. Where no row is known to be good a
// made-up one is run, of which a failure proves nothing: that is ErrMadeUpRow.
func (s *Scorer) Probe() error { return s.try(s.timeout) }

// blame turns away the row that failed alone, unless it may not be the row's
// fault: then it is a suspect, or the runtime is broken.
func (s *Scorer) blame(row int, cause error) error {
	s.suspects = append(s.suspects, suspect{row, cause})
	known := s.proof.known
	err := s.try(s.timeout)
	switch {
	case err == nil:
		s.convict()
		return nil
	case errors.Is(err, ErrBroken):
		return err
	case known:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// convict turns away all suspects.
func (s *Scorer) convict() {
	for _, p := range s.suspects {
		s.scores.reject(p.row, s.rejection(p.cause))
	}
	s.acquit()
}

// acquit forgets all suspects.
func (s *Scorer) acquit() {
	clear(s.suspects) // lets go of the errors
	s.suspects = s.suspects[:0]
}

// succeeded makes use of the first row of a run that gave predictions while no
// row was known to be good.
func (s *Scorer) succeeded(b *Batch, row int) {
	s.proof.known = true
	s.proof.inputs = nil
	for _, t := range b.Tensors(row, row+1, s.proofRows()) {
		s.proof.inputs = append(s.proof.inputs, t.clone())
	}
	s.convict()
}

// unproven is the error of a batch of which no row could be scored while no row
// is known to be good.
func (s *Scorer) unproven() error {
	return fmt.Errorf("%w; or else every event of this batch is bad: name golden examples under model.examples, so that the two can be told apart: %w",
		ErrBroken, s.suspects[0].cause)
}
