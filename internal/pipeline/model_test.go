package pipeline_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
)

var errCulprit = errors.New("indices element out of data bounds")

// doubler is a model in pure Go: it scores 2x. Its faults are told by x, and
// the warm-up row has x = 0.
type doubler struct {
	fails, hangs map[float32]bool

	mu     sync.Mutex // guards what follows
	broken error      // every run fails with it
	runs   [][]float32
	before func(rows []float32) // called with each run
}

func (m *doubler) Inputs() []inference.TensorInfo {
	return []inference.TensorInfo{{Name: "input", Type: inference.Float32, Shape: []int64{inference.Dynamic, 1}}}
}

func (m *doubler) Outputs() []inference.TensorInfo {
	return []inference.TensorInfo{{Name: "score", Type: inference.Float32, Shape: []int64{inference.Dynamic}}}
}
func (m *doubler) Metadata() map[string]string          { return nil }
func (m *doubler) NewRunner() (inference.Runner, error) { return &doublerRunner{m}, nil }
func (m *doubler) Close() error                         { return nil }

// setBroken breaks the runtime, or heals it with nil.
func (m *doubler) setBroken(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// run has the rows of run n; nil before it.
func (m *doubler) run(n int) []float32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n >= len(m.runs) {
		return nil
	}
	return m.runs[n]
}

// scored is how many runs had the row x.
func (m *doubler) scored(x float32) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, run := range m.runs {
		for _, row := range run {
			if row == x {
				n++
			}
		}
	}
	return n
}

// attempts is how many runs there were, up to some thousands.
func (m *doubler) attempts() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.runs)
}

type doublerRunner struct{ *doubler }

func (r *doublerRunner) Run(in, out []*inference.Tensor, limit time.Duration) error {
	rows := inference.Values[float32](in[0])
	r.mu.Lock()
	if len(r.runs) < 1<<12 {
		r.runs = append(r.runs, append([]float32(nil), rows...))
	}
	broken, before, fails := r.broken, r.before, r.fails
	r.mu.Unlock()
	if before != nil {
		before(rows)
	}
	if broken != nil {
		return broken
	}
	for _, x := range rows {
		if r.hangs[x] {
			time.Sleep(limit)
			return inference.ErrTimeout
		}
	}
	for _, x := range rows {
		if fails[x] {
			return errCulprit
		}
	}
	out[0].Resize(inference.Float32, int64(len(rows)))
	for i, x := range rows {
		inference.Values[float32](out[0])[i] = 2 * x
	}
	return nil
}

// modelTimeout is that of the fake's runs.
const modelTimeout = 200 * time.Millisecond

// model makes the pipeline's side of m: {"x":…,"pass":…} gives a score.
func model(t testing.TB, m inference.Model) (*inference.Plan, *inference.OutputPlan, *inference.Encoder) {
	t.Helper()
	cfg := &inference.Config{
		Inputs: []inference.Input{{Name: "input", List: true, Columns: []inference.Column{{From: "x", At: 0}}}},
		Output: inference.Output{Pass: []string{"pass"}},
	}
	plan, problems := inference.Compile(cfg, m.Inputs(), inference.CompileOptions{})
	if plan == nil {
		t.Fatalf("compile: %v", problems)
	}
	out, problems := inference.CompileOutput(&cfg.Output, m.Outputs())
	if out == nil {
		t.Fatalf("compile output: %v", problems)
	}
	return plan, out, inference.NewEncoder(inference.EncoderOptions{Pipeline: "p", Model: identity})
}

var identity = penstock.ModelIdentity{Name: "doubler", Version: "7", Digest: "sha256:00"}
