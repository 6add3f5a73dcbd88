package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/modelgate"
	"github.com/penstock/penstock/internal/runtimelib"
)

// TrialName is the hidden command that the gate starts this program with, so
// that a model which takes the process down takes only that one. The grammar's tag repeats it.
const TrialName = "model-trial"

// newGate makes the gate that starts this program for its trials, with the
// runtime's library that this process has loaded.
func newGate(library string) (*modelgate.Gate, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to try the model out in a process of its own: %w", err)
	}
	return &modelgate.Gate{
		Child:    []string{self, TrialName},
		Runtime:  runtimeVersion(),
		Version:  version,
		Library:  library,
		CacheDir: modelgate.UserCacheDir(),
	}, nil
}

// trial is the run that a model is tried out with, as the child reads it: the
// warm-up row, which only the mapping can make.
type trial struct {
	Inputs []trialInput
	MadeUp bool // the row, so that a healthy model may fail on it
}

type trialInput struct {
	Name   string
	Tensor *inference.Tensor
}

func trialRequest(w *inference.WarmUp, inputs []inference.TensorInfo) ([]byte, error) {
	request := trial{MadeUp: w.MadeUp}
	for i, t := range w.Inputs {
		request.Inputs = append(request.Inputs, trialInput{inputs[i].Name, t})
	}
	return json.Marshal(request)
}

// trialCommand is the child's side.
type trialCommand struct{}

// Run tries the model that the parent hands over.
func (trialCommand) Run() error {
	setup := func() error {
		lib, err := runtimelib.Find()
		if err != nil {
			return err
		}
		return loadRuntime(lib.Path)
	}
	if code := modelgate.Child(setup, tryModel); code != 0 {
		return &exit{code}
	}
	return nil
}

// exit ends the process with a code and no message: the parent has been told
// in the gate's own way.
type exit struct{ status int }

func (*exit) Error() string { return "" }
func (e *exit) code() int   { return e.status }

// tryModel loads a model on the CPU and runs it once.
func tryModel(model, request []byte) (err error) {
	var row trial
	if err := json.Unmarshal(request, &row); err != nil {
		return fmt.Errorf("read the warm-up row: %w", err)
	}
	m, err := openRuntime(model, &inference.Config{IntraOpNumThreads: 1, Device: "cpu"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	in, err := row.inputs(m.Inputs())
	if err != nil {
		return err
	}
	out := make([]*inference.Tensor, len(m.Outputs()))
	for i := range out {
		out[i] = new(inference.Tensor)
	}
	runner, err := m.NewRunner()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runner.Close()) }()
	err = runner.Run(in, out, 0) // the parent has the clock
	switch {
	case err == nil:
		return nil
	case row.MadeUp:
		return &modelgate.RowError{Err: err}
	default:
		return fmt.Errorf("it fails on the first of model.examples that the mapping takes: %w", err)
	}
}

// inputs puts the tensors in the order of the model's inputs.
func (row *trial) inputs(inputs []inference.TensorInfo) ([]*inference.Tensor, error) {
	in := make([]*inference.Tensor, len(inputs))
	for _, from := range row.Inputs {
		t := new(inference.Tensor) // in memory that is aligned
		t.Resize(from.Tensor.Type, from.Tensor.Shape...)
		copy(t.Data, from.Tensor.Data)
		copy(t.Refs, from.Tensor.Refs)
		t.Text = append(t.Text, from.Tensor.Text...)
		for i := range inputs {
			if inputs[i].Name == from.Name {
				in[i] = t
			}
		}
	}
	for i := range in {
		if in[i] == nil {
			return nil, fmt.Errorf("the runtime wants an input %s that the file does not declare", inputs[i].Name)
		}
	}
	return in, nil
}
