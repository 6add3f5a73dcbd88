package inference

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/penstock/penstock"
)

// Every set of culprits among 1 to 7 rows for a model that fails on the made-up
// row, as an encoder of known categories does: exactly the culprits are turned
// away, whatever stands first; and nobody is where nothing could be scored.
func TestSuspectsWaitForASuccess(t *testing.T) {
	for _, static := range []int64{0, 3} {
		plan := scoringPlan(t, static)
		for n := 1; n <= 7; n++ {
			events := numberedEvents(n)
			alone := lone(t, plan, events)
			b := fillBatch(t, plan, events...)
			for set := range uint(1) << n {
				for _, class := range []penstock.ErrorClass{penstock.ClassModel, penstock.ClassTimeout} {
					m := linear()
					m.fails = map[float32]bool{}
					if class == penstock.ClassTimeout {
						m.hangs = culprits(set)
					} else {
						m.fails = culprits(set)
					}
					m.fails[0] = true // the made-up row
					name := fmt.Sprintf("static %d, %d rows, culprits %b, %s", static, n, set, class)
					scores, err := newTestScorer(t, m, plan, Output{}).Score(b)
					if bits.OnesCount(set) == n {
						checkNobodyBlamed(t, name, scores, err)
						continue
					}
					if err != nil || scores.Done() != n {
						t.Fatalf("%s: %v, %d rows are settled", name, err, scores.Done())
					}
					checkRows(t, name, scores, alone, set, class)
				}
			}
		}
	}
}

func checkNobodyBlamed(t *testing.T, name string, scores *Scores, err error) {
	t.Helper()
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "model.examples") {
		t.Fatalf("%s: error %v, want ErrBroken and what to do", name, err)
	}
	if scores.Done() != 0 || len(scores.rejected) != 0 {
		t.Fatalf("%s: %d rows are settled, %d turned away", name, scores.Done(), len(scores.rejected))
	}
}

// The first row that was scored is good for all batches that follow, also when
// its own batch is gone: bad events are blamed without any success beside them,
// and a broken runtime is told from them.
func TestFirstScoredRowIsTheProof(t *testing.T) {
	for _, static := range []int64{0, 2} {
		plan := scoringPlan(t, static)
		m := linear()
		m.fails = map[float32]bool{0: true, 7: true, 8: true}
		s := newTestScorer(t, m, plan, Output{})
		b := fillBatch(t, plan, `{"x":5}`, `{"x":6}`)
		if _, err := s.Score(b); err != nil {
			t.Fatal(err)
		}
		if got := Values[float32](s.proof.inputs[0])[0]; got != 5 || s.proof.inputs[0].Shape[0] != max(static, 1) {
			t.Fatalf("static %d: the proof is %v of x = %v", static, s.proof.inputs[0].Shape, got)
		}
		b.Reset()
		decodeAll(t, b, `{"x":7}`, `{"x":8}`)
		scores, err := s.Score(b)
		if err != nil || scores.Rejection(0) == nil || scores.Rejection(1) == nil {
			t.Fatalf("static %d: %v; bad events were not turned away", static, err)
		}
		m.broken = func(int) error { return errors.New("CUDA failure 719") }
		m.limits = nil
		if scores, err = s.Score(b); !errors.Is(err, ErrBroken) || scores.Done() != 0 {
			t.Fatalf("static %d: %v, %d rows are settled", static, err, scores.Done())
		}
		if len(m.limits) != 3 { // both rows, one row, the proof
			t.Errorf("static %d: %d runs until the runtime was known to be broken", static, len(m.limits))
		}
	}
}

// Once a row is known to be good, another is never copied.
func TestProofIsCopiedOnce(t *testing.T) {
	plan := scoringPlan(t, 0)
	s := newTestScorer(t, linear(), plan, Output{})
	for range 2 {
		b := fillBatch(t, plan, numberedEvents(3)...)
		before := s.proof.inputs[0]
		copied := !s.proof.known
		if _, err := s.Score(b); err != nil {
			t.Fatal(err)
		}
		if (s.proof.inputs[0] != before) != copied {
			t.Errorf("a row was copied: %v, want %v", !copied, copied)
		}
	}
}

// An example is good by definition: a batch of nothing but bad events is blamed
// at once, and a runtime that fails on it is broken.
func TestAnExampleIsTheProofFromTheStart(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	m.fails = map[float32]bool{0: true, 1: true, 2: true}
	out, _ := CompileOutput(&Output{}, m.Outputs())
	s, err := NewScorer(m, plan, out, ScorerOptions{Timeout: testTimeout, WarmUp: plan.WarmUp([]byte(`{"x":9}`))})
	if err != nil {
		t.Fatal(err)
	}
	b := fillBatch(t, plan, numberedEvents(2)...)
	scores, err := s.Score(b)
	if err != nil || scores.Rejection(0) == nil || scores.Rejection(1) == nil {
		t.Fatalf("%v; bad events were not turned away", err)
	}
	m.fails[9] = true
	m.limits = nil
	if _, err := s.Score(b); !errors.Is(err, ErrBroken) || len(m.limits) != 3 {
		t.Errorf("%v after %d runs, want ErrBroken after both rows, one row and the example", err, len(m.limits))
	}
}

// A runtime that hangs from the start must not cost half a timeout for every
// row of the batch.
func TestHangingFromTheStartIsFoundEarly(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	m.hangs = map[float32]bool{0: true}
	for x := range 256 {
		m.hangs[float32(x)] = true
	}
	scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(200)...))
	if !errors.Is(err, ErrBroken) || !errors.Is(err, ErrTimeout) || scores.Done() != 0 {
		t.Fatalf("%v, %d rows are settled", err, scores.Done())
	}
	if m.spent > 3*testTimeout {
		t.Errorf("%v spent until the runtime was known to be broken", m.spent)
	}
}

// What precedes the rows that fail with the runtime counts and can be read.
func TestRowsBeforeABreakdownAreDone(t *testing.T) {
	plan := scoringPlan(t, 2)
	for breaks, want := range map[int]int{1: 0, 2: 2, 3: 4} {
		m := linear()
		m.broken = func(run int) error { return map[bool]error{true: errCulprit}[run >= breaks] }
		scores, err := newProvenScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(5)...))
		if !errors.Is(err, ErrBroken) || scores.Done() != want {
			t.Fatalf("broken at run %d: %v, %d rows are settled, want %d", breaks, err, scores.Done(), want)
		}
		for row := range want {
			if got, _ := scores.Headline(row); got != 2*float64(row+1)+0.5 {
				t.Errorf("broken at run %d: row %d: score %v", breaks, row, got)
			}
		}
	}
}

func TestCloneKeepsNothingOfTheOriginal(t *testing.T) {
	words := texts([]int64{3}, "one", "", "three")
	words.Text = append(words.Text, "what no element has"...)
	for _, original := range []*Tensor{floats([]int64{2, 2}, 1, 2, 3, 4), words} {
		want := fmt.Sprint(original.Shape, tensorBits(original))
		c := original.clone()
		clear(original.Data)
		clear(original.Text)
		clear(original.Refs)
		original.Shape[0] = 9
		if got := fmt.Sprint(c.Shape, tensorBits(c)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if len(c.Text) > len("onethree") {
			t.Errorf("%d bytes of text were copied", len(c.Text))
		}
	}
}
