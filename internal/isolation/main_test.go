//go:build unix

package isolation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/isolation"
)

// childName is the argument with which the test binary is the child.
const childName = "isolated-child"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childName {
		if err := isolation.Serve(os.Stdin, os.Stdout, openFake); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// setup is what the tests tell the child.
type setup struct {
	Start string // what goes wrong before the model is ready
	Dir   string // where children leave a mark for their successors
}

func openFake(text []byte) (*isolation.Model, error) {
	var s setup
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	switch s.Start {
	case "refuse":
		return nil, errors.New("no such model")
	case "die":
		fmt.Fprintln(os.Stderr, "terrible things")
		die(syscall.SIGKILL)
	}
	m, err := fakeModel(s.Dir, s.Start == "die while warm")
	if err == nil {
		err = m.Scorer.WarmUp()
	}
	return m, err
}

// fakeModel scores twice x, with a batch of 4 rows.
func fakeModel(dir string, dieWhileWarm bool) (*isolation.Model, error) {
	inputs := []inference.TensorInfo{{Name: "x", Type: inference.Float32, Shape: []int64{inference.Dynamic}}}
	fake := &fake{inputs: inputs, dir: dir, dieWhileWarm: dieWhileWarm}
	plan, problems := inference.Compile(&inference.Config{}, inputs, inference.CompileOptions{EventTime: "ts"})
	out, more := inference.CompileOutput(&inference.Output{}, fake.Outputs())
	if plan == nil || out == nil {
		return nil, fmt.Errorf("%v %v", problems, more)
	}
	scorer, err := inference.NewScorer(fake, plan, out, inference.ScorerOptions{Timeout: timeout})
	if err != nil {
		return nil, err
	}
	encoder := inference.NewEncoder(inference.EncoderOptions{Pipeline: "fraud", Model: penstock.ModelIdentity{Name: "fake", Version: "1"}})
	return &isolation.Model{Batch: plan.NewBatch(batchRows), Scorer: scorer, Encoder: encoder}, nil
}

const (
	batchRows = 4
	timeout   = 10 * time.Millisecond
)

// What the fake does at a row with one of these values.
const (
	kills    = 1001 + iota // ends the process, as a lack of memory does
	segfault               // ends it as a wild pointer does
	panics
	hangs
	fails    // gives an error
	breaks   // gives an error, and from then on for every row
	diesOnce // ends the process, but not its successor
	diesTwice
	diesLater // ends the process when the answer has been given
	chatters  // prints to standard output
	exits     // ends the process with a code
)

// fake is a model in pure Go, with one input x and one output.
type fake struct {
	inputs       []inference.TensorInfo
	dir          string
	dieWhileWarm bool
	broken       bool
}

func (f *fake) Inputs() []inference.TensorInfo { return f.inputs }
func (f *fake) Outputs() []inference.TensorInfo {
	return []inference.TensorInfo{{Name: "score", Type: inference.Float32, Shape: []int64{inference.Dynamic}}}
}
func (f *fake) Metadata() map[string]string          { return nil }
func (f *fake) NewRunner() (inference.Runner, error) { return f, nil }
func (f *fake) Close() error                         { return nil }

func (f *fake) Run(in, out []*inference.Tensor, _ time.Duration) error {
	x := inference.Values[float32](in[0])
	if f.dieWhileWarm {
		die(syscall.SIGKILL)
	}
	for _, v := range x {
		if err := f.row(v); err != nil {
			return err
		}
	}
	out[0].Resize(inference.Float32, int64(len(x)))
	for i := range x {
		inference.Values[float32](out[0])[i] = 2 * x[i]
	}
	return nil
}

func (f *fake) row(x float32) error {
	switch x {
	case kills:
		die(syscall.SIGKILL)
	case segfault:
		die(syscall.SIGSEGV)
	case panics:
		panic("a bug that shows") // the child is there to end so
	case exits:
		os.Exit(7)
	case hangs:
		time.Sleep(time.Hour)
	case breaks:
		f.broken = true
	case diesOnce:
		f.diesAtFirst("once", 1)
	case diesTwice:
		f.diesAtFirst("twice", 2)
	case diesLater:
		time.AfterFunc(100*time.Millisecond, func() { die(syscall.SIGKILL) })
	case chatters:
		fmt.Println("[W:onnxruntime] something is slow")
	}
	if x == fails || f.broken {
		return errors.New("no such category")
	}
	return nil
}

// diesAtFirst ends the first processes that come here. Without a directory there
// are none.
func (f *fake) diesAtFirst(who string, deaths int) {
	for i := range deaths {
		mark := filepath.Join(f.dir, fmt.Sprint(who, i))
		if _, err := os.Stat(mark); err != nil && f.dir != "" {
			_ = os.WriteFile(mark, nil, 0o600)
			die(syscall.SIGKILL)
		}
	}
}

// die ends this process by a signal and does not return.
func die(s syscall.Signal) {
	_ = syscall.Kill(syscall.Getpid(), s)
	time.Sleep(time.Hour)
}
