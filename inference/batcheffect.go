package inference

import (
	"bytes"
	"slices"
	"time"
)

// BatchEffect says what the number of rows that share a run does to a row's
// outputs. Kernels that multiply matrices may add up in another order for
// another number of rows, which moves the last bits; one row alone often takes
// a path of its own. Trees do not care.
type BatchEffect uint8

// The effects.
const (
	// UnknownEffect: the model could not be tried: it is too slow, it fails on
	// made-up rows, or its arrays have any length and there are no examples.
	UnknownEffect BatchEffect = iota
	// NoEffect: each row came out bit for bit the same at every size.
	NoEffect
	// LoneRowEffect: only a row alone came out differently. A Scorer that runs it
	// as two (ScorerOptions.PairLoneRows) gives every row the same outputs always.
	LoneRowEffect
	// AnyBatchEffect: rows came out differently at other sizes too.
	AnyBatchEffect
)

// effectSizes are the sizes at which rows are compared: alone, the least that is
// not, less than a vector and more than many.
var effectSizes = []int{1, 2, 7, 64}

const (
	// effectBudget bounds what the comparison takes. A slow model's rows are
	// compared at fewer sizes.
	effectBudget = 100 * time.Millisecond
	// slowestRun is what one run may take for rows to be compared at all: a lone
	// row and two take four of them.
	slowestRun = 250 * time.Millisecond
)

// BatchEffect runs rows in batches of several sizes and compares their outputs.
// The rows are those of the examples, events as JSON, that the mapping takes;
// when there are none, made-up ones whose floats differ. It is to be called
// after WarmUp. batch.max_rows is not asked: who scores the same events with
// another one is to get the same predictions.
//
// How many rows are compared depends on the time that they take. Two always are,
// alone and together, and a model with an effect shows it in most rows, so that
// a busy machine finds what an idle one does.
func (s *Scorer) BatchEffect(p *Plan, examples ...[]byte) BatchEffect {
	if s.static > 0 {
		return NoEffect // every run has as many rows as every other
	}
	sizes := s.affordableSizes()
	if sizes == nil {
		return UnknownEffect
	}
	count := sizes[len(sizes)-1]
	rows := p.exampleRows(count, examples)
	if rows == nil {
		rows = p.variedRows(count)
	}
	if rows == nil {
		return UnknownEffect
	}
	c := comparison{scorer: s, rows: rows, count: count, out: s.outputs(), reference: s.outputs()}
	if err := s.runner.Run(rows(0, count), c.reference, s.timeout); err != nil || c.misfit(c.reference, count) {
		return UnknownEffect
	}
	return c.effect(sizes[:len(sizes)-1])
}

// affordableSizes are the sizes that there is time for, going by how long the
// warm-up row takes; nil when there is not even time for two.
func (s *Scorer) affordableSizes() []int {
	out := s.outputs()
	fastest := slowestRun
	for range 3 { // the fastest tells least about who else is using the machine
		begin := time.Now()
		if s.runner.Run(s.proof.inputs, out, s.timeout) != nil {
			return nil
		}
		took := time.Since(begin)
		if took > slowestRun {
			return nil
		}
		if fastest = min(fastest, took); took > effectBudget/10 {
			break
		}
	}
	sizes := slices.Clone(effectSizes)
	for n := len(sizes); n > 2; n = len(sizes) {
		// Every row is run once at every size.
		if time.Duration(sizes[n-1]*n)*fastest <= effectBudget {
			break
		}
		sizes = sizes[:n-1]
	}
	return sizes
}

// outputs makes a tensor for every output that is wanted.
func (s *Scorer) outputs() []*Tensor {
	out := make([]*Tensor, len(s.scores.plan.outputs))
	for i := range out {
		if s.scores.plan.outputs[i].wanted {
			out[i] = new(Tensor)
		}
	}
	return out
}

// comparison compares rows with what the largest batch gave them.
type comparison struct {
	scorer         *Scorer
	rows           rowSource
	count          int
	out, reference []*Tensor
}

// effect compares at these sizes, in ascending order; the first is 1.
func (c *comparison) effect(sizes []int) BatchEffect {
	for _, size := range slices.Backward(sizes) {
		same, ok := c.same(size)
		switch {
		case !ok:
			return UnknownEffect
		case same:
		case size == 1:
			return LoneRowEffect
		default:
			return AnyBatchEffect
		}
	}
	return NoEffect
}

// same tells whether all rows are what they were, when run so many at a time;
// ok is false when a run failed.
func (c *comparison) same(size int) (same, ok bool) {
	for lo := 0; lo < c.count; lo += size {
		lo = min(lo, c.count-size) // so that the last run is no smaller one
		if err := c.scorer.runner.Run(c.rows(lo, lo+size), c.out, c.scorer.timeout); err != nil || c.misfit(c.out, size) {
			return false, false
		}
		for i, t := range c.out {
			if t != nil && !equalRows(t, c.reference[i], size, lo, c.count) {
				return false, true
			}
		}
	}
	return true, true
}

// misfit tells whether an output is not one of so many rows.
func (c *comparison) misfit(out []*Tensor, rows int) bool {
	for i, t := range out {
		if t != nil && c.scorer.scores.plan.outputs[i].check(t, rows) != nil {
			return true
		}
	}
	return false
}

// equalRows tells whether t, of so many rows, has what reference, of count rows,
// has from row lo on, bit for bit.
func equalRows(t, reference *Tensor, rows, lo, count int) bool {
	width := t.Count() / rows
	if width != reference.Count()/count || !slices.Equal(t.Keys, reference.Keys) {
		return false
	}
	if t.Type != String {
		size := width * t.Type.Size()
		return bytes.Equal(t.Data, reference.Data[lo*size:(lo+rows)*size])
	}
	for i := range t.Refs {
		if !bytes.Equal(t.TextAt(i), reference.TextAt(lo*width+i)) {
			return false
		}
	}
	return true
}
