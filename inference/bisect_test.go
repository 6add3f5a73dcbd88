package inference

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
)

const testTimeout = 2 * time.Second // newTestScorer's

// lone gives what each event's record says when it is the only one.
func lone(t *testing.T, plan *Plan, events []string) []string {
	t.Helper()
	s := newTestScorer(t, linear(), plan, Output{})
	var says []string
	for _, event := range events {
		scores, err := s.Score(fillBatch(t, plan, event))
		if err != nil {
			t.Fatal(err)
		}
		says = append(says, string(scores.appendPrediction(nil, 0)))
	}
	return says
}

// culprits has the events 1…n whose bits are set.
func culprits(set uint) map[float32]bool {
	m := map[float32]bool{}
	for i := range bits.Len(set) {
		if set>>i&1 == 1 {
			m[float32(i+1)] = true
		}
	}
	return m
}

// Every set of culprits among 1 to 9 rows, failing or hanging, in models with
// an open batch size and with one of 4: exactly the culprits are turned away,
// all others get what they get alone, and runs and time are bounded.
func TestOneBadRowNeverSpoilsItsNeighbours(t *testing.T) {
	for _, static := range []int64{0, 4} {
		plan := scoringPlan(t, static)
		for n := 1; n <= 9; n++ {
			events := numberedEvents(n)
			alone := lone(t, plan, events)
			b := fillBatch(t, plan, events...)
			for set := range uint(1) << n {
				for _, class := range []penstock.ErrorClass{penstock.ClassModel, penstock.ClassTimeout} {
					m := linear()
					if class == penstock.ClassTimeout {
						m.hangs = culprits(set)
					} else {
						m.fails = culprits(set)
					}
					scores, err := newProvenScorer(t, m, plan, Output{}).Score(b)
					if err != nil {
						t.Fatal(err)
					}
					name := fmt.Sprintf("static %d, %d rows, culprits %b, %s", static, n, set, class)
					checkRows(t, name, scores, alone, set, class)
					checkCost(t, name, m, n, int(static), bits.OnesCount(set))
				}
			}
		}
	}
}

func checkRows(t *testing.T, name string, scores *Scores, alone []string, set uint, class penstock.ErrorClass) {
	t.Helper()
	for row, want := range alone {
		says := scores.Rejection(row)
		if guilty := set>>row&1 == 1; guilty != (says != nil) {
			t.Fatalf("%s: row %d: rejection %v", name, row, says)
		}
		if says == nil {
			if got := string(scores.appendPrediction(nil, row)); got != want {
				t.Fatalf("%s: row %d: got %s, alone %s", name, row, got, want)
			}
		} else if says.Class != class || says.Offset != -1 || says.Field != "" {
			t.Fatalf("%s: row %d: rejection %+v", name, row, says)
		}
	}
}

func checkCost(t *testing.T, name string, m *fakeModel, rows, static, guilty int) {
	t.Helper()
	slices := 1
	if static > 0 {
		slices = (rows + static - 1) / static
		rows = min(rows, static)
	}
	if m.probes != guilty {
		t.Fatalf("%s: the warm-up row was run %d times, want once a culprit", name, m.probes)
	}
	levels := bits.Len(uint(rows - 1)) // halvings until a row is alone
	if most := slices + guilty*(2*levels+1); len(m.limits) > most {
		t.Fatalf("%s: %d runs, want at most %d", name, len(m.limits), most)
	}
	if most := testTimeout * time.Duration(2*guilty); m.spent > most {
		t.Fatalf("%s: %v spent on hanging, want at most %v", name, m.spent, most)
	}
}

// The rule in numbers: one hanging row costs at most two timeouts wherever it
// stands, whatever the size; so do several in one batch less than that each.
func TestOneHangingRowCostsAtMostTwoTimeouts(t *testing.T) {
	plan := scoringPlan(t, 0)
	for _, n := range []int{1, 2, 3, 5, 9, 17, 33, 64, 100, 129, 256, 257} {
		b := fillBatch(t, plan, numberedEvents(n)...)
		for row := range n {
			m := linear()
			m.hangs = map[float32]bool{float32(row + 1): true}
			scores, err := newProvenScorer(t, m, plan, Output{}).Score(b)
			if err != nil || scores.Rejection(row) == nil {
				t.Fatalf("%d rows, culprit %d: %v, %v", n, row, err, scores)
			}
			if m.spent > 2*testTimeout || m.limits[0] != testTimeout {
				t.Fatalf("%d rows, culprit %d: %v in all, first limit %v", n, row, m.spent, m.limits[0])
			}
		}
	}
}

func TestTimeLimits(t *testing.T) {
	s := &Scorer{timeout: 2 * time.Second}
	for _, test := range []struct {
		rows, cut int
		want      time.Duration
	}{
		{256, 0, 2 * time.Second}, // the first run
		{1, 0, 2 * time.Second},   // alone from the start
		{1, 0, 2 * time.Second},   // alone after other failures
		{1, 2, time.Second},
		{1, 256, time.Second},
		{6, 11, time.Second / 2},
		{2, 101, time.Second / 100},
	} {
		if got := s.limit(test.rows, test.cut); got != test.want {
			t.Errorf("%d rows after a cut at %d: %v, want %v", test.rows, test.cut, got, test.want)
		}
	}
	s.timeout = 1
	if s.limit(1, 9) <= 0 || s.limit(2, 9) <= 0 {
		t.Error("a tiny timeout must not turn into no limit")
	}
	s.timeout = 0
	if s.limit(9, 0) != 0 {
		t.Error("no timeout must stay no limit")
	}
}

// An error costs no time, so the slices after it keep the whole timeout: a
// slow but innocent half must not suffer for it.
func TestLimitsShrinkOnlyAfterATimeout(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	m.fails = map[float32]bool{3: true}
	if _, err := newProvenScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(8)...)); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(m.limits, func(d time.Duration) bool { return d != testTimeout }); i >= 0 {
		t.Errorf("run %d got %v, want %v", i, m.limits[i], testTimeout)
	}
	m = linear()
	m.hangs = map[float32]bool{2: true}
	if _, err := newProvenScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(4)...)); err != nil {
		t.Fatal(err)
	}
	third := testTimeout / 6 // of the half timeout, for the second of three more rows
	want := []time.Duration{testTimeout, third, testTimeout / 2, testTimeout / 2, testTimeout, third}
	if !slices.Equal(m.limits, want) {
		t.Errorf("limits %v, want %v", m.limits, want)
	}
}

// A batch that is merely slow as a whole times out on the way down, and then
// every row is predicted alone.
func TestASlowBatchIsNobodysFault(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	s := newProvenScorer(t, m, plan, Output{})
	s.runner = slowRunner{s.runner, 600 * time.Millisecond}
	scores, err := s.Score(fillBatch(t, plan, numberedEvents(8)...))
	if err != nil {
		t.Fatal(err)
	}
	for row := range 8 {
		if says := scores.Rejection(row); says != nil {
			t.Errorf("row %d: %v", row, says)
		}
	}
}

// slowRunner takes so long for each row.
type slowRunner struct {
	Runner
	row time.Duration
}

func (r slowRunner) Run(in, out []*Tensor, limit time.Duration) error {
	if time.Duration(in[0].Shape[0])*r.row > limit {
		return ErrTimeout
	}
	return r.Runner.Run(in, out, limit)
}

func TestRejectionsSayWhy(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := linear()
	m.fails, m.hangs = culprits(0b010), culprits(0b001)
	scores, err := newProvenScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, numberedEvents(3)...))
	if err != nil {
		t.Fatal(err)
	}
	want := "the model does not answer in time on this event alone (model.timeout is 2s)"
	if got := scores.Rejection(0); got.Class != penstock.ClassTimeout || got.Error() != want {
		t.Errorf("hanging row: %s %q", got.Class, got)
	}
	want = "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : indices element out of data bounds"
	if got := scores.Rejection(1); got.Class != penstock.ClassModel || got.Error() != want {
		t.Errorf("failing row: %s %q", got.Class, got)
	}
}

func TestReasonsAreOneShortLine(t *testing.T) {
	got := oneLine("aa\r\n\tb\x00\xff " + strings.Repeat("ü", 400))
	if !strings.HasPrefix(got, "aa b \uFFFD ü") || !strings.HasSuffix(got, "ü…") || len(got) > reasonBytes+len("…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if exact := strings.Repeat("x", reasonBytes); oneLine(exact) != exact {
		t.Error("a reason of just the length that is allowed was cut")
	}
}

func TestABrokenRuntimeBlamesNobody(t *testing.T) {
	device := errors.New("CUDA failure 719")
	done := map[string]int{"after one blame": 1}
	for name, broken := range map[string]func(run int) error{
		"from the start":   func(int) error { return device },
		"timing out":       func(int) error { return ErrTimeout },
		"after one blame":  func(run int) error { return map[bool]error{true: device}[run > 4] },
		"only the warm-up": func(run int) error { return map[bool]error{true: device}[run == 4] },
	} {
		t.Run(name, func(t *testing.T) {
			plan := scoringPlan(t, 0)
			m := linear()
			m.fails, m.broken = culprits(0b1001), broken
			s := newProvenScorer(t, m, plan, Output{})
			b := fillBatch(t, plan, numberedEvents(4)...)
			scores, err := s.Score(b)
			if !errors.Is(err, ErrBroken) || scores.Done() != done[name] {
				t.Fatalf("%d rows are settled, want %d; error %v", scores.Done(), done[name], err)
			}
			if !errors.Is(err, device) && !errors.Is(err, ErrTimeout) {
				t.Errorf("the runtime's error is lost: %v", err)
			}
			// Mended, the same batch comes through.
			m.broken = nil
			if scores, err = s.Score(b); err != nil {
				t.Fatal(err)
			}
			checkRows(t, name, scores, lone(t, plan, numberedEvents(4)), 0b1001, penstock.ClassModel)
		})
	}
}
