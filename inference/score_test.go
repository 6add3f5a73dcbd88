package inference

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
)

func TestHealthyBatchIsOneRun(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	s := newTestScorer(t, m, plan, Output{})
	for _, n := range []int{3, 1, 7} {
		m.limits = nil
		scores, err := s.Score(fillBatch(t, plan, numberedEvents(n)...))
		if err != nil {
			t.Fatal(err)
		}
		if len(m.limits) != 1 || m.limits[0] != testTimeout {
			t.Errorf("%d rows: runs with limits %v, want one of %v", n, m.limits, testTimeout)
		}
		for row := range n {
			if got, ok := scores.Headline(row); !ok || got != 2*float64(row+1)+0.5 {
				t.Errorf("row %d of %d: score %v, %v", row, n, got, ok)
			}
		}
	}
}

func TestEmptyBatchIsNoRun(t *testing.T) {
	for _, static := range []int64{0, 4} {
		plan := scoringPlan(t, static)
		m := linear()
		if _, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan)); err != nil || len(m.limits) != 0 {
			t.Errorf("static %d: %v, %d runs", static, err, len(m.limits))
		}
	}
}

// A fixed batch size gets slices of just that size, the last one filled up.
func TestFixedBatchSize(t *testing.T) {
	plan := scoringPlan(t, 4)
	m := linear()
	var sizes []int
	fill := m.fill
	m.fill = func(x, y []float32, out []*Tensor) {
		sizes = append(sizes, len(x))
		fill(x, y, out)
	}
	s := newTestScorer(t, m, plan, Output{})
	if err := s.WarmUp(); err != nil {
		t.Fatal(err)
	}
	scores, err := s.Score(fillBatch(t, plan, numberedEvents(9)...))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sizes); got != "[4 4 4 4]" {
		t.Errorf("runs of %s rows, want the warm-up and three of 4", got)
	}
	for row := range 9 {
		if got, _ := scores.Headline(row); got != 2*float64(row+1)+0.5 {
			t.Errorf("row %d: score %v", row, got)
		}
	}
}

// Runs of one batch may differ in their inner dimensions, and rows may be
// asked for in any order.
func TestRaggedOutputs(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := &fakeModel{
		outputs: []TensorInfo{info("e", Float32, Dynamic, Dynamic)},
		fails:   map[float32]bool{3: true, 6: true},
		fill: func(x, _ []float32, out []*Tensor) { // as wide as the largest x
			width := int(x[len(x)-1])
			out[0].Resize(Float32, int64(len(x)), int64(width))
			for i := range Values[float32](out[0]) {
				Values[float32](out[0])[i] = x[i/max(width, 1)]
			}
		},
	}
	scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(8)...))
	if err != nil {
		t.Fatal(err)
	}
	// Halving 8 rows with the third and the sixth guilty leaves these runs.
	widths := map[int]int{0: 2, 1: 2, 3: 4, 4: 5, 6: 8, 7: 8}
	check := func(row int) {
		width, predicted := widths[row]
		if !predicted {
			return
		}
		want := fmt.Sprintf(`,"outputs":{"e":[%d%s]}`, row+1, strings.Repeat(fmt.Sprintf(",%d", row+1), width-1))
		if got := string(scores.appendPrediction(nil, row)); got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
	for row := range 8 {
		check(row)
	}
	for row := 7; row >= 0; row-- {
		check(row)
	}
	for _, row := range rand.New(rand.NewPCG(1, 1)).Perm(8) {
		check(row)
	}
}

// What does not fit its rows is the run's failure, never a panic: the event's
// when the warm-up row is fine, else nobody's.
func TestOutputsThatDoNotFitTheirRows(t *testing.T) {
	y := []TensorInfo{info("y", Float32, Dynamic)}
	short := floats([]int64{2}, 1, 2)
	short.Data = short.Data[:4]
	for name, test := range map[string]struct {
		infos  []TensorInfo
		tensor *Tensor
		cfg    Output
		want   string
	}{
		"too many rows":   {y, floats([]int64{3}, 1, 2, 3), Output{}, "output y is float32[3] for 1 rows: its first dimension must be the rows"},
		"no rows":         {y, floats([]int64{0}), Output{}, "output y is float32[0] for 1 rows"},
		"another type":    {y, integers([]int64{1}, 1), Output{}, "output y is declared float32, but the model gives int64"},
		"short data":      {y, &Tensor{Type: Float32, Shape: []int64{1, 2}, Data: short.Data}, Output{}, "output y is float32[1,2] but has 1 elements"},
		"short text":      {[]TensorInfo{info("w", String, Dynamic)}, &Tensor{Type: String, Shape: []int64{1}}, Output{}, "output w is string[1] but has 0 elements"},
		"map of no keys":  {[]TensorInfo{classMap("p")}, floats([]int64{1, 2}, 1, 2), Output{}, "output p is float32[1,2] but has 2 elements and 0 classes"},
		"map of rank 1":   {[]TensorInfo{classMap("p")}, keyed(floats([]int64{1}, 1), "a"), Output{}, "output p is float32[1] but has 1 elements and 1 classes"},
		"no such column":  {[]TensorInfo{info("p", Float32, Dynamic, Dynamic)}, floats([]int64{1, 2}, 1, 2), Output{Score: "p[2]"}, "model.output.score: output p is float32[1,2]; a score is its one value a row or a column of a matrix, such as p[0]"},
		"no single value": {[]TensorInfo{info("p", Float32, Dynamic, Dynamic)}, floats([]int64{1, 2}, 1, 2), Output{Score: "p"}, "output p is float32[1,2]"},
		"no matrix":       {[]TensorInfo{{Name: "p", Type: Float32}}, floats([]int64{1, 2, 2}, 1, 2, 3, 4), Output{Score: "p[0]"}, "output p is float32[1,2,2]"},
		"no such class":   {[]TensorInfo{classMap("p")}, keyed(floats([]int64{1, 2}, 1, 2), "a", "b"), Output{Score: "p['c']"}, `model.output.score: output p has no class "c"; its classes are a, b`},
		"no such place":   {[]TensorInfo{classMap("p")}, keyed(floats([]int64{1, 2}, 1, 2), "a", "b"), Output{Score: "p[2]"}, `output p has no class "2"`},
		"label a matrix":  {[]TensorInfo{info("l", Int64, Dynamic, Dynamic)}, integers([]int64{1, 2}, 1, 2), Output{Label: "l"}, "output l, which model.output.label names, is int64[1,2]"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := scoringPlan(t, 0)
			m := &fakeModel{outputs: test.infos}
			m.fill = func(_ []float32, _ []float32, out []*Tensor) { *out[0] = *test.tensor }
			s := newTestScorer(t, m, plan, test.cfg)
			if err := s.WarmUp(); err == nil || errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("warm-up: %v, want %q", err, test.want)
			}
			if _, err := s.Score(fillBatch(t, plan, `{"x":1}`)); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("score: %v, want ErrBroken and %q", err, test.want)
			}
		})
	}
}

// Outputs that are no part of predictions are not asked for, and their shape is
// their own affair: an LSTM's state is [layers,N,hidden], a loss has no axis.
func TestUnwantedOutputsAreNotLookedAt(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := &fakeModel{outputs: []TensorInfo{
		info("h_n", Float32, 2, Dynamic, 4), info("score", Float32, Dynamic), info("loss", Float32), info("note", Float32, Dynamic),
	}}
	m.fill = func(x, _ []float32, out []*Tensor) {
		out[0].Resize(Float32, 2, int64(len(x)), 4)
		for _, o := range []int{1, 3} {
			out[o].Resize(Float32, int64(len(x)))
			copy(Values[float32](out[o]), x)
		}
		out[2].Resize(Float32)
	}
	s := newTestScorer(t, m, plan, Output{Score: "score", Include: &Include{Names: []string{"note"}}})
	if err := s.WarmUp(); err != nil {
		t.Error(err)
	}
	m.limits = nil
	if _, err := s.Score(fillBatch(t, plan, numberedEvents(64)...)); err != nil {
		t.Fatal(err)
	}
	if len(m.limits) != 1 {
		t.Errorf("%d runs for a healthy batch", len(m.limits))
	}
	for i, want := range []bool{false, true, false, true} {
		if got := s.scores.segments[0].out[i] != nil; got != want {
			t.Errorf("output %s is wanted: %v", m.outputs[i].Name, got)
		}
	}
}

// What detection may still copy in the headline's place is asked for.
func TestDetectedHeadlinesAreWanted(t *testing.T) {
	members := []TensorInfo{info("label", String, Dynamic), info("p_a", Float32, Dynamic), info("p_b", Float32, Dynamic), info("p_c", Float32, Dynamic)}
	for name, test := range map[string]struct {
		outputs []TensorInfo
		cfg     Output
		want    string
	}{
		"all members":       {members, Output{Include: &Include{}}, "[true true true true]"},
		"configured":        {members, Output{Score: "p_b", Label: "label", Include: &Include{}}, "[true false true false]"},
		"nothing included":  {[]TensorInfo{info("label", Int64, Dynamic), classMap("p")}, Output{Include: &Include{}}, "[true true]"},
		"all included":      {members, Output{Score: "p_b", Include: &Include{All: true}}, "[true true true true]"},
		"embedding, copied": {[]TensorInfo{info("e", Float32, Dynamic, 8), info("f", Float32, Dynamic, 8)}, Output{}, "[true true]"},
	} {
		plan, problems := CompileOutput(&test.cfg, test.outputs)
		if plan == nil {
			t.Fatal(name, problems)
		}
		var wanted []bool
		for _, o := range plan.outputs {
			wanted = append(wanted, o.wanted)
		}
		if got := fmt.Sprint(wanted); got != test.want {
			t.Errorf("%s: wanted %s, want %s", name, got, test.want)
		}
	}
}

func TestAScalarForManyRowsIsNoPrediction(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := canned([]TensorInfo{{Name: "y", Type: Float32}}, []*Tensor{floats(nil, 5)})
	scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(3)...))
	if err != nil {
		t.Fatal(err)
	}
	for row := range 3 { // alone, each row's scalar is its value
		if got, ok := scores.Headline(row); got != 5 || !ok {
			t.Errorf("row %d: %v, %v", row, got, ok)
		}
	}
	if len(m.limits) != 1+2+2 { // 3; 1, 2; 1, 1
		t.Errorf("%d runs, want 5", len(m.limits))
	}
}

func TestOneRowOfAnOddShapeIsTurnedAwayAlone(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	fill := m.fill
	m.fill = func(x, y []float32, out []*Tensor) {
		fill(x, y, out)
		for _, v := range x {
			if v == 2 {
				out[0].Resize(Float32, int64(len(x)+1))
			}
		}
	}
	scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(3)...))
	if err != nil {
		t.Fatal(err)
	}
	says := scores.Rejection(1)
	if says == nil || says.Class != penstock.ClassModel || says.Reason != "output score is float32[2] for 1 rows: its first dimension must be the rows" {
		t.Errorf("row 1: %v", says)
	}
	if scores.Rejection(0) != nil || scores.Rejection(2) != nil {
		t.Error("its neighbours were turned away")
	}
}

func TestWarmUp(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	s := newTestScorer(t, m, plan, Output{})
	if err := s.WarmUp(); err != nil {
		t.Fatal(err)
	}
	if m.probes != 1 || m.limits[0] != firstRunLimit {
		t.Errorf("%d probes, limits %v", m.probes, m.limits)
	}
	m.broken = func(int) error { return errCulprit }
	if err := s.WarmUp(); !errors.Is(err, ErrBroken) || errors.Is(err, ErrMadeUpRow) {
		t.Errorf("a row that has succeeded: %v", err)
	}
	unproven := newTestScorer(t, m, plan, Output{})
	if err := unproven.WarmUp(); !errors.Is(err, ErrMadeUpRow) || errors.Is(err, ErrBroken) || !errors.Is(err, errCulprit) {
		t.Errorf("a made-up row: %v", err)
	}
	m.limits = m.limits[:1]
	s.timeout = time.Minute
	m.broken = func(int) error { return ErrTimeout }
	if err := s.WarmUp(); !errors.Is(err, ErrBroken) || !errors.Is(err, ErrTimeout) || m.limits[1] != time.Minute {
		t.Errorf("%v, limits %v", err, m.limits)
	}
	s.timeout = 0
	if _ = s.WarmUp(); m.limits[2] != 0 {
		t.Errorf("no timeout must be no limit, got %v", m.limits[2])
	}
}

// TestProbe: a row that has succeeded tells a broken runtime from a mended one, in
// the time of any other run; a made-up one that fails tells nothing.
func TestProbe(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	s := newTestScorer(t, m, plan, Output{})
	s.timeout = time.Second
	m.broken = func(int) error { return errCulprit }
	if err := s.Probe(); !errors.Is(err, ErrMadeUpRow) || errors.Is(err, ErrBroken) {
		t.Errorf("a made-up row: %v", err)
	}
	m.broken = nil
	if err := s.Probe(); err != nil {
		t.Errorf("a mended runtime: %v", err)
	}
	m.broken = func(int) error { return errCulprit }
	if err := s.Probe(); !errors.Is(err, ErrBroken) || !errors.Is(err, errCulprit) {
		t.Errorf("a row that has succeeded: %v", err)
	}
	if m.limits[2] != time.Second {
		t.Errorf("limits %v", m.limits)
	}
}

func TestScorerOwnsItsRunner(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	out, _ := CompileOutput(&Output{}, m.Outputs())
	s, err := NewScorer(m, plan, out, ScorerOptions{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil || m.closed != 2 {
		t.Errorf("%v, closed %d times", err, m.closed)
	}
	if _, err := NewScorer(noRunners{m}, plan, out, ScorerOptions{Timeout: time.Second}); !errors.Is(err, errNoRunner) {
		t.Errorf("got %v", err)
	}
}

var errNoRunner = errors.New("no memory for a runner")

type noRunners struct{ *fakeModel }

func (noRunners) NewRunner() (Runner, error) { return nil, errNoRunner }

// Rows of earlier batches must not show through in later, smaller ones.
func TestScoresStartAfresh(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	m.fails = culprits(0b1101)
	s := newTestScorer(t, m, plan, Output{})
	for _, n := range []int{8, 2, 5} {
		scores, err := s.Score(fillBatch(t, plan, numberedEvents(n)...))
		if err != nil {
			t.Fatal(err)
		}
		checkRows(t, fmt.Sprintf("%d rows", n), scores, lone(t, plan, numberedEvents(n)), 0b1101, penstock.ClassModel)
	}
	m.fails = nil
	scores, err := s.Score(fillBatch(t, plan, numberedEvents(5)...))
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, "healthy again", scores, lone(t, plan, numberedEvents(5)), 0, "")
}
