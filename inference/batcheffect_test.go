package inference

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// moves makes linear's scores of runs of that many rows differ in the last bit,
// those of row x alone when only is not 0.
func moves(m *fakeModel, sizes []int, only float32) (seen *[]int) {
	sum := m.fill
	seen = new([]int)
	m.fill = func(x, y []float32, out []*Tensor) {
		*seen = append(*seen, len(x))
		sum(x, y, out)
		if slices.Contains(sizes, len(x)) {
			data := Values[uint32](out[0])
			for i := range data {
				if only == 0 || x[i] == only {
					data[i] ^= 1
				}
			}
		}
	}
	return seen
}

// exampleEvents are events with x = 1, 2, …, n, as the mapping reads them.
func exampleEvents(n int) [][]byte {
	var events [][]byte
	for _, event := range numberedEvents(n) {
		events = append(events, []byte(event))
	}
	return events
}

func TestBatchEffect(t *testing.T) {
	for name, test := range map[string]struct {
		moved    []int   // sizes of runs
		only     float32 // the row
		examples [][]byte
		want     BatchEffect
		runs     []int // sizes, each as often as it takes
	}{
		"none":                     {want: NoEffect, runs: []int{1, 64, 7, 2, 1}},
		"none of the examples":     {examples: exampleEvents(5), want: NoEffect, runs: []int{1, 64, 7, 2, 1}},
		"one":                      {moved: []int{1}, want: LoneRowEffect, runs: []int{1, 64, 7, 2, 1}},
		"one, in the last example": {moved: []int{1}, only: 50, examples: exampleEvents(50), want: LoneRowEffect, runs: []int{1, 64, 7, 2, 1}},
		"two":                      {moved: []int{2}, want: AnyBatchEffect, runs: []int{1, 64, 7, 2}},
		"one and two":              {moved: []int{1, 2}, want: AnyBatchEffect, runs: []int{1, 64, 7, 2}},
		"seven":                    {moved: []int{7}, want: AnyBatchEffect, runs: []int{1, 64, 7}},
		"seven, in the last row":   {moved: []int{7}, only: 64, examples: exampleEvents(64), want: AnyBatchEffect, runs: []int{1, 64, 7}},
		"all but one":              {moved: []int{64}, want: AnyBatchEffect, runs: []int{1, 64, 7}},
		"no good example":          {moved: []int{1}, examples: [][]byte{[]byte(`{"x":"a"}`)}, want: LoneRowEffect, runs: []int{1, 64, 7, 2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m, plan := linear(), scoringPlan(t, 0)
			s := newProvenScorer(t, m, plan, Output{})
			seen := moves(m, test.moved, test.only)
			if got := s.BatchEffect(plan, test.examples...); got != test.want {
				t.Errorf("effect %d, want %d", got, test.want)
			}
			if got := slices.Compact(*seen); !slices.Equal(got, test.runs) {
				t.Errorf("runs of %v, want %v", got, test.runs)
			}
		})
	}
}

// Rows of which the neighbours' number moves a class or a text are not the same.
func TestBatchEffectLooksAtEveryOutput(t *testing.T) {
	for name, change := range map[string]func(out []*Tensor){
		"nothing":       func([]*Tensor) {},
		"keys":          func(out []*Tensor) { out[0].Keys = []string{"b", "a"} },
		"text":          func(out []*Tensor) { out[1].Text[0] = 'z' },
		"inner columns": func(out []*Tensor) { out[2].Resize(Float32, 1, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			m := &fakeModel{
				outputs: []TensorInfo{classMap("p", "a", "b"), info("word", String, Dynamic), info("v", Float32, Dynamic, 2)},
				fill: func(x, _ []float32, out []*Tensor) {
					n := len(x)
					*out[0] = *keyed(floats([]int64{int64(n), 2}, make([]float32, 2*n)...), "a", "b")
					*out[1] = *texts([]int64{int64(n)}, slices.Repeat([]string{"w"}, n)...)
					out[2].Resize(Float32, int64(n), 2)
					clear(out[2].Data)
					if n == 1 {
						change(out)
					}
				},
			}
			want := LoneRowEffect
			if name == "nothing" {
				want = NoEffect
			}
			plan := scoringPlan(t, 0)
			s := newProvenScorer(t, m, plan, copyAll)
			if got := s.BatchEffect(plan); got != want {
				t.Errorf("effect %d, want %d", got, want)
			}
		})
	}
}

func TestBatchEffectOfFixedBatchSize(t *testing.T) {
	m, plan := linear(), scoringPlan(t, 4)
	s := newProvenScorer(t, m, plan, Output{})
	if got := s.BatchEffect(plan); got != NoEffect || len(m.limits) != 0 {
		t.Errorf("effect %d after %d runs, want %d after none", got, len(m.limits), NoEffect)
	}
}

// A slow model is compared at fewer sizes, a very slow one not at all.
func TestBatchEffectTakesLittleTime(t *testing.T) {
	for _, test := range []struct {
		takes time.Duration
		want  BatchEffect
		runs  []int
	}{
		{20 * time.Millisecond, LoneRowEffect, []int{1, 2, 1}},
		{slowestRun + time.Millisecond, UnknownEffect, []int{1}},
	} {
		t.Run(fmt.Sprint(test.takes), func(t *testing.T) {
			m, plan := linear(), scoringPlan(t, 0)
			s := newProvenScorer(t, m, plan, Output{})
			seen := moves(m, []int{1}, 0)
			fill := m.fill
			m.fill = func(x, y []float32, out []*Tensor) {
				time.Sleep(test.takes)
				fill(x, y, out)
			}
			if got := s.BatchEffect(plan); got != test.want || !slices.Equal(*seen, test.runs) {
				t.Errorf("effect %d after runs of %v, want %d after %v", got, *seen, test.want, test.runs)
			}
		})
	}
}

func TestBatchEffectThatCannotBeKnown(t *testing.T) {
	for name, breaks := range map[string]int{"before": 1, "at the largest": 4, "on the way": 5} {
		t.Run(name, func(t *testing.T) {
			m, plan := linear(), scoringPlan(t, 0)
			s := newProvenScorer(t, m, plan, Output{})
			m.broken = func(run int) error {
				if run == breaks {
					return errors.New("no such category")
				}
				return nil
			}
			if got := s.BatchEffect(plan); got != UnknownEffect {
				t.Errorf("effect %d, want %d", got, UnknownEffect)
			}
		})
	}
	t.Run("arrays without examples", func(t *testing.T) {
		plan := tokensPlan(t)
		if rows := plan.variedRows(2); rows != nil {
			t.Error("made-up rows stand for arrays of any length")
		}
		rows := plan.exampleRows(3, [][]byte{[]byte(tokens(3)), []byte(tokens(1))})
		if rows == nil {
			t.Fatal("the examples give no rows")
		}
		if got := rows(1, 3)[1]; !slices.Equal(got.Shape, []int64{2, 3}) || !slices.Equal(Values[int64](got), []int64{1, 0, 0, 1, 1, 1}) {
			t.Errorf("rows 1 and 2 are %v %v", got.Shape, Values[int64](got))
		}
	})
}

// A lone row is run as two, wherever it comes to be alone, and its prediction is
// the first one's.
func TestLoneRowsArePaired(t *testing.T) {
	m, plan := linear(), scoringPlan(t, 0)
	seen := moves(m, []int{1}, 0)
	m.fails = map[float32]bool{3: true}
	out, _ := CompileOutput(&Output{}, m.Outputs())
	s, err := NewScorer(m, plan, out, ScorerOptions{Timeout: testTimeout, PairLoneRows: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	scores, err := s.Score(fillBatch(t, plan, numberedEvents(1)...))
	if got, _ := scores.Headline(0); err != nil || got != 2.5 || scores.Done() != 1 || !slices.Equal(*seen, []int{2}) {
		t.Errorf("score %v, %v, runs of %v, want 2.5 of one run of 2", got, err, *seen)
	}
	if scores, err = s.Score(fillBatch(t, plan, numberedEvents(3)...)); err != nil {
		t.Fatal(err)
	}
	for row, want := range []float64{2.5, 4.5} {
		if got, _ := scores.Headline(row); got != want {
			t.Errorf("row %d: score %v, want %v", row, got, want)
		}
	}
	if scores.Rejection(0) != nil || scores.Rejection(1) != nil || scores.Rejection(2) == nil {
		t.Errorf("rejected: %v, %v, %v; want the third alone", scores.Rejection(0), scores.Rejection(1), scores.Rejection(2))
	}
}
