package inference

import (
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/penstock/penstock"
)

// Scores is what the model said about the rows of one batch. It belongs to a
// Scorer, serves one goroutine and is valid until the Scorer's next Score or
// the Batch's next Reset.
type Scores struct {
	plan  *OutputPlan
	batch *Batch
	// segments cover the predicted rows in order, one a run; those beyond used
	// keep their memory for later batches.
	segments []segment
	used     int
	// rejected holds the rows without a prediction, in order.
	rejected []rejectedRow
	done     int // leading rows that are settled

	current   int    // the segment that was asked for last
	nonFinite []bool // one an output: scratch of the row being written
	labelText []byte // scratch
	eventTime clockText
	wallTime  clockText
}

// segment is the outputs of one run, over rows lo..hi-1, and where in them the
// headline stands. Runs may differ in the outputs' inner dimensions, and in the
// classes of their maps.
type segment struct {
	lo, hi int
	out    []*Tensor   // one an output of the model, nil where nobody wants it
	keys   []classKeys // one an output: the classes of map outputs
	score  scorePick   // never classScore: the column is known by now
	width  int         // columns of the score's output
	label  int         // output, -1 for none
	copied []int       // outputs to copy
}

type rejectedRow struct {
	row  int
	says *penstock.Rejection
}

// classKeys are a map output's classes and their JSON texts with colons.
type classKeys struct {
	classes, texts []string
}

func newScores(p *OutputPlan) Scores {
	return Scores{plan: p, nonFinite: make([]bool, len(p.outputs))}
}

func (s *Scores) reset(b *Batch) {
	s.batch, s.used, s.done, s.current = b, 0, 0, 0
	clear(s.rejected) // lets go of the rejections
	s.rejected = s.rejected[:0]
}

// next is the segment for the coming run. It counts only when it is kept.
func (s *Scores) next(lo, hi int) *segment {
	if s.used == len(s.segments) {
		g := segment{out: make([]*Tensor, len(s.plan.outputs)), keys: make([]classKeys, len(s.plan.outputs))}
		for i := range g.out {
			if s.plan.outputs[i].wanted {
				g.out[i] = new(Tensor)
			}
		}
		s.segments = append(s.segments, g)
	}
	g := &s.segments[s.used]
	g.lo, g.hi = lo, hi
	return g
}

// keep makes the segment that next gave last count.
func (s *Scores) keep() {
	s.done = s.segments[s.used].hi
	s.used++
}

// reject settles a row without a prediction; all rows before it are settled.
func (s *Scores) reject(row int, says *penstock.Rejection) {
	s.rejected = append(s.rejected, rejectedRow{row: row, says: says})
	s.done = row + 1
}

// Done is the number of leading rows that are settled, each with a prediction
// or a Rejection: all rows of the batch, unless Score gave an error. Nothing is
// to be asked about the others.
func (s *Scores) Done() int { return s.done }

// Rejection says why the row has no prediction; nil when it has one.
func (s *Scores) Rejection(row int) *penstock.Rejection {
	at := sort.Search(len(s.rejected), func(i int) bool { return s.rejected[i].row >= row })
	if at < len(s.rejected) && s.rejected[at].row == row {
		return s.rejected[at].says
	}
	return nil
}

// Headline is the score of a row that has a prediction, NaN and infinities as
// they are; ok is false when predictions have no score.
func (s *Scores) Headline(row int) (score float64, ok bool) {
	g := s.segment(row)
	if g.score.kind == noScore {
		return 0, false
	}
	output, at := s.locateScore(g, row-g.lo)
	return numberAt(g.out[output], at), true
}

// Label is the label of a row that has a prediction, as text, valid until the next
// call; ok is false when predictions have no label.
func (s *Scores) Label(row int) (label []byte, ok bool) {
	g := s.segment(row)
	if g.label < 0 {
		return nil, false
	}
	return s.readLabel(g, row-g.lo), true
}

// segment finds the run that a row was in. Rows are mostly asked for in order.
func (s *Scores) segment(row int) *segment {
	for range 2 {
		if g := &s.segments[s.current]; g.lo <= row && row < g.hi {
			return g
		}
		if s.current+1 == s.used {
			break
		}
		s.current++
	}
	s.current = sort.Search(s.used, func(i int) bool { return s.segments[i].hi > row })
	return &s.segments[s.current]
}

// locateScore finds the output and the element that are the score of the run's
// r-th row.
func (s *Scores) locateScore(g *segment, r int) (output, at int) {
	switch k := &g.score; k.kind {
	case predictedScore:
		return k.output, r*g.width + s.predictedColumn(g, r)
	case memberScore:
		return k.members[s.predictedMember(g, r)], r
	default:
		return k.output, r*g.width + k.column
	}
}

// predictedColumn is the column of the class that is the row's label; without
// a label or where the classes are not known, the column of the highest value.
func (s *Scores) predictedColumn(g *segment, r int) int {
	classes := s.plan.outputs[g.score.output].info.Classes
	if g.out[g.score.output].Keys != nil {
		classes = g.keys[g.score.output].classes
	}
	if g.label >= 0 && len(classes) == g.width {
		label := s.readLabel(g, r)
		for i, class := range classes {
			if class == string(label) {
				return i
			}
		}
	}
	t, best := g.out[g.score.output], 0
	for i := 1; i < g.width; i++ {
		if v := numberAt(t, r*g.width+i); v > numberAt(t, r*g.width+best) {
			best = i
		}
	}
	return best
}

// predictedMember is the output of the class that is the row's label. Names
// end in the class's text; where several do, the shortest is the class itself
// ("p1" and "p11" for 1). Without such a name it is the highest output.
func (s *Scores) predictedMember(g *segment, r int) int {
	members := g.score.members
	best := -1
	if g.label >= 0 {
		label := s.readLabel(g, r)
		for i, o := range members {
			name := s.plan.outputs[o].info.Name
			if cut := len(name) - len(label); cut < 0 || name[cut:] != string(label) {
				continue
			}
			if best < 0 || len(name) < len(s.plan.outputs[members[best]].info.Name) {
				best = i
			}
		}
	}
	if best >= 0 {
		return best
	}
	best = 0
	for i, o := range members {
		if numberAt(g.out[o], r) > numberAt(g.out[members[best]], r) {
			best = i
		}
	}
	return best
}

// readLabel is the label's text, valid until the next call.
func (s *Scores) readLabel(g *segment, r int) []byte {
	switch t := g.out[g.label]; t.Type {
	case String:
		return t.TextAt(r)
	case Int64:
		s.labelText = strconv.AppendInt(s.labelText[:0], Values[int64](t)[r], 10)
	default:
		s.labelText, _ = appendElements(s.labelText[:0], t, r, r+1)
	}
	return s.labelText
}

// refresh takes over a run's classes; mostly they are those of the run before.
func (k *classKeys) refresh(classes []string) {
	if slices.Equal(k.classes, classes) {
		return
	}
	k.classes, k.texts = slices.Clone(classes), nil
	for _, class := range classes {
		k.texts = append(k.texts, fmt.Sprintf("%s:", appendText(nil, []byte(class))))
	}
}
