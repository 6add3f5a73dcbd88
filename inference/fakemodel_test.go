package inference

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

var errCulprit = errors.New("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT :\n  indices element out of data bounds\x00")

// fakeModel is a model in pure Go. Its input is a float32 matrix whose first
// column, x, tells what a row is; the warm-up row has x = 0.
type fakeModel struct {
	outputs []TensorInfo
	// fill makes the outputs of a run; x is the first column, y the second.
	fill func(x, y []float32, out []*Tensor)
	// fails and hangs are the rows, by x, that spoil a run. A hanging run ends
	// at its limit, on the fake's own clock.
	fails, hangs map[float32]bool
	// broken, when set, is asked before each run, counted from 1.
	broken func(run int) error

	limits []time.Duration // of all runs
	probes int             // runs that begin with the made-up row
	spent  time.Duration
	closed int
}

func (m *fakeModel) Inputs() []TensorInfo {
	return []TensorInfo{{Name: "input", Type: Float32, Shape: []int64{Dynamic, 2}}}
}
func (m *fakeModel) Outputs() []TensorInfo       { return m.outputs }
func (m *fakeModel) Metadata() map[string]string { return nil }
func (m *fakeModel) NewRunner() (Runner, error)  { return &fakeRunner{fakeModel: m}, nil }
func (m *fakeModel) Close() error                { return nil }

type fakeRunner struct {
	*fakeModel
	x, y []float32
	out  []*Tensor
}

func (r *fakeRunner) Close() error { r.closed++; return nil }

func (r *fakeRunner) Run(in, out []*Tensor, limit time.Duration) error {
	r.limits = append(r.limits, limit)
	r.x, r.y = r.x[:0], r.y[:0]
	for i, v := range Values[float32](in[0]) {
		if i%2 == 0 {
			r.x = append(r.x, v)
		} else {
			r.y = append(r.y, v)
		}
	}
	if r.x[0] == 0 {
		r.probes++
	}
	if r.broken != nil {
		if err := r.broken(len(r.limits)); err != nil {
			return err
		}
	}
	for _, x := range r.x {
		if r.hangs[x] {
			r.spent += limit
			return ErrTimeout
		}
	}
	for _, x := range r.x {
		if r.fails[x] {
			return errCulprit
		}
	}
	r.fill(r.x, r.y, r.all(out))
	return nil
}

// all gives fill a tensor for every output, those that nobody wants included.
func (r *fakeRunner) all(out []*Tensor) []*Tensor {
	r.out = append(r.out[:0], out...)
	for i := range r.out {
		if r.out[i] == nil {
			r.out[i] = new(Tensor)
		}
	}
	return r.out
}

// linear is a regressor: score [N] = 2x + y.
func linear() *fakeModel {
	return &fakeModel{
		outputs: []TensorInfo{{Name: "score", Type: Float32, Shape: []int64{Dynamic}}},
		fill: func(x, y []float32, out []*Tensor) {
			out[0].Resize(Float32, int64(len(x)))
			for i := range x {
				Values[float32](out[0])[i] = 2*x[i] + y[i]
			}
		},
	}
}

// canned is a model that answers its rows with these tensors, whatever they
// are; the warm-up row gets their first row.
func canned(infos []TensorInfo, tensors []*Tensor) *fakeModel {
	return &fakeModel{
		outputs: infos,
		fill: func(x, _ []float32, out []*Tensor) {
			for i, t := range tensors {
				copyRows(out[i], t, len(x))
			}
		},
	}
}

// copyRows copies the first rows of t; a tensor without that many is copied
// whole.
func copyRows(dst, t *Tensor, rows int) {
	*dst = *t
	if len(t.Shape) == 0 || t.Shape[0] < int64(rows) {
		return
	}
	width := columns(t)
	dst.Shape = append([]int64{int64(rows)}, t.Shape[1:]...)
	if t.Type == String {
		dst.Refs = t.Refs[:rows*width]
		return
	}
	dst.Data = t.Data[:rows*width*t.Type.Size()]
}

// tensorOf makes a tensor of the values.
func tensorOf[T Element](typ ElementType, shape []int64, values ...T) *Tensor {
	t := new(Tensor)
	t.Resize(typ, shape...)
	copy(Values[T](t), values)
	return t
}

func floats(shape []int64, values ...float32) *Tensor { return tensorOf(Float32, shape, values...) }
func integers(shape []int64, values ...int64) *Tensor { return tensorOf(Int64, shape, values...) }

// texts makes a string tensor whose bytes lie in another order than its
// elements, as they may.
func texts(shape []int64, values ...string) *Tensor {
	t := new(Tensor)
	t.Resize(String, shape...)
	for i, v := range slices.Backward(values) {
		t.Refs[i] = TextRef{uint32(len(t.Text)), uint32(len(v))}
		t.Text = append(t.Text, v...)
	}
	return t
}

// keyed makes a map output's tensor.
func keyed(t *Tensor, keys ...string) *Tensor {
	t.Keys = keys
	return t
}

// scoringPlan maps {"x":…,"y":…,"ts":…,"tx_id":…}; y is 0 when it is missing.
func scoringPlan(t testing.TB, static int64) *Plan {
	t.Helper()
	fill := Missing{Policy: MissingFill, Fill: Literal{Kind: NumberLiteral, Text: "0"}}
	cfg := &Config{
		Inputs: []Input{{Name: "input", List: true, Columns: []Column{
			{From: "x", At: 0}, {From: "y", At: 1, Missing: fill},
		}}},
		Output: Output{Pass: []string{"tx_id"}},
	}
	rows := Dynamic
	if static > 0 {
		rows = static
	}
	inputs := []TensorInfo{{Name: "input", Type: Float32, Shape: []int64{rows, 2}}}
	plan, problems := Compile(cfg, inputs, CompileOptions{EventTime: "ts"})
	if plan == nil {
		t.Fatalf("compile: %v", problems)
	}
	return plan
}

// untimedPlan maps {"x":…,"y":…} and no event time.
func untimedPlan(t testing.TB) *Plan {
	t.Helper()
	cfg := &Config{Inputs: []Input{{Name: "input", List: true, Columns: []Column{{From: "x", At: 0}, {From: "y", At: 1}}}}}
	plan, problems := Compile(cfg, []TensorInfo{{Name: "input", Type: Float32, Shape: []int64{Dynamic, 2}}}, CompileOptions{})
	if plan == nil {
		t.Fatalf("compile: %v", problems)
	}
	return plan
}

// fillBatch decodes the events into a new batch.
func fillBatch(t testing.TB, plan *Plan, events ...string) *Batch {
	t.Helper()
	b := plan.NewBatch(max(len(events), 1))
	for _, event := range events {
		if says := b.DecodeJSON([]byte(event)); says != nil {
			t.Fatalf("decode %s: %v", event, says)
		}
	}
	return b
}

// numberedEvents are n events with x = 1, 2, …, n.
func numberedEvents(n int) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = fmt.Sprintf(`{"x":%d,"y":0.5,"ts":"2026-11-21T09:00:00Z"}`, i+1)
	}
	return events
}

// newProvenScorer makes one whose model is known to score the made-up row; the
// fake has forgotten that run.
func newProvenScorer(t testing.TB, m *fakeModel, plan *Plan, cfg Output) *Scorer {
	t.Helper()
	s := newTestScorer(t, m, plan, cfg)
	broken := m.broken
	m.broken = nil
	if err := s.WarmUp(); err != nil {
		t.Fatal(err)
	}
	m.broken, m.limits, m.probes = broken, nil, 0
	return s
}

// newTestScorer makes a Scorer over m with a timeout of 2 s.
func newTestScorer(t testing.TB, m *fakeModel, plan *Plan, cfg Output) *Scorer {
	t.Helper()
	out, problems := CompileOutput(&cfg, m.Outputs())
	if out == nil {
		t.Fatalf("compile output: %v", problems)
	}
	s, err := NewScorer(m, plan, out, ScorerOptions{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// predictions gives what the records of the rows say after their stamps.
func predictions(t testing.TB, cfg Output, infos []TensorInfo, tensors []*Tensor, rows int) []string {
	t.Helper()
	plan := scoringPlan(t, 0)
	scores, err := newTestScorer(t, canned(infos, tensors), plan, cfg).Score(fillBatch(t, plan, numberedEvents(rows)...))
	if err != nil {
		t.Fatal(err)
	}
	var says []string
	for row := range rows {
		if r := scores.Rejection(row); r != nil {
			t.Fatalf("row %d: %v", row, r)
		}
		says = append(says, string(scores.appendPrediction(nil, row)))
	}
	return says
}
