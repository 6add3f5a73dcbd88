package inference

import (
	"fmt"
	"slices"
	"strings"
)

// bind checks what a run gave back and finds the headline in it. An error says
// that the outputs do not fit the rows or the config; it counts as the run's.
// Outputs that nobody wants have not been asked for: many have no batch axis,
// such as an LSTM's state.
func (s *Scores) bind(g *segment, rows int) error {
	for i, t := range g.out {
		if t == nil {
			continue
		}
		if err := s.plan.outputs[i].check(t, rows); err != nil {
			return err
		}
		if t.Keys != nil {
			g.keys[i].refresh(t.Keys)
		}
	}
	g.copied = append(g.copied[:0], s.plan.include...)
	if err := s.bindLabel(g); err != nil {
		return err
	}
	return s.bindScore(g)
}

// check tells whether t is a whole output over that many rows. A scalar is the
// value of a lone row: models with a batch axis of one lose it on the way.
func (o *plannedOutput) check(t *Tensor, rows int) error {
	if t.Type != o.info.Type {
		return fmt.Errorf("output %s is declared %v, but the model gives %v", o.info.Name, o.info.Type, t.Type)
	}
	if len(t.Shape) == 0 && rows != 1 || len(t.Shape) > 0 && t.Shape[0] != int64(rows) {
		return fmt.Errorf("output %s is %s for %d rows: its first dimension must be the rows",
			o.info.Name, formOf(t), rows)
	}
	held := len(t.Refs)
	if t.Type != String {
		held = len(t.Data) / max(t.Type.Size(), 1)
	}
	if held != t.Count() || o.info.Map && (len(t.Shape) != 2 || len(t.Keys) != columns(t)) {
		return fmt.Errorf("output %s is %s but has %d elements and %d classes",
			o.info.Name, formOf(t), held, len(t.Keys))
	}
	return nil
}

func formOf(t *Tensor) string { return TensorInfo{Type: t.Type, Shape: t.Shape}.String() }

func (s *Scores) bindLabel(g *segment) error {
	pick := s.plan.label
	g.label = pick.output
	if pick.output < 0 || columns(g.out[pick.output]) == 1 {
		return nil
	}
	if pick.configured {
		return fmt.Errorf("output %s, which model.output.label names, is %s: a label is one value a row",
			s.plan.outputs[pick.output].info.Name, formOf(g.out[pick.output]))
	}
	g.label = -1
	s.copyInstead(g, pick.output)
	return nil
}

func (s *Scores) bindScore(g *segment) error {
	g.score = s.plan.score
	k := &g.score
	if k.kind == noScore {
		return nil
	}
	if k.kind == memberScore {
		g.width = 1
		if slices.ContainsFunc(k.members, func(o int) bool { return columns(g.out[o]) != 1 }) {
			k.kind = noScore
			s.copyInstead(g, k.members...)
		}
		return nil
	}
	t := g.out[k.output]
	g.width = columns(t)
	fits := len(t.Shape) <= 2 || g.width == 1
	switch k.kind {
	case plainScore:
		fits = g.width == 1
	case classScore:
		if at := slices.Index(t.Keys, k.class); at >= 0 {
			k.column = at
		}
		fits = fits && k.column >= 0 && k.column < g.width
		k.kind = columnScore
	case columnScore:
		fits = fits && k.column < g.width
	case predictedScore:
		fits = fits && g.width > 0
		if g.width <= 2 {
			k.kind, k.column = columnScore, g.width-1
		}
	}
	if fits {
		return nil
	}
	if !k.configured {
		k.kind = noScore
		s.copyInstead(g, k.output)
		return nil
	}
	return s.misfit(g)
}

// misfit says why the configured score is not in the outputs.
func (s *Scores) misfit(g *segment) error {
	k, t := &s.plan.score, g.out[g.score.output]
	name := s.plan.outputs[k.output].info.Name
	if k.kind == classScore {
		return fmt.Errorf("model.output.score: output %s has no class %q; its classes are %s",
			name, k.class, strings.Join(t.Keys, ", "))
	}
	return fmt.Errorf("model.output.score: output %s is %s; a score is its one value a row or a column of a matrix, such as %s[0]",
		name, formOf(t), name)
}

// copyInstead copies what detection took for the headline, unless the config
// says what to copy.
func (s *Scores) copyInstead(g *segment, outputs ...int) {
	if s.plan.detected {
		g.copied = append(g.copied, outputs...)
		slices.Sort(g.copied)
	}
}
