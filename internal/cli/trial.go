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

// trialTensor is one input of the run that a model is tried out with.
type trialTensor struct {
	Name  string
	Type  inference.ElementType
	Shape []int64
	Data  []byte // nil for strings, which are all empty
}

// trialRequest is the plan's warm-up row, as the child reads it. It is made
// here because only the mapping knows how long a row of open length is.
func trialRequest(plan *inference.Plan, inputs []inference.TensorInfo) ([]byte, error) {
	var request []trialTensor
	for i, t := range plan.WarmUp() {
		request = append(request, trialTensor{inputs[i].Name, t.Type, t.Shape, t.Data})
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
	var tensors []trialTensor
	if err := json.Unmarshal(request, &tensors); err != nil {
		return fmt.Errorf("read the warm-up row: %w", err)
	}
	m, err := openRuntime(model, &inference.Config{IntraOpNumThreads: 1, Device: "cpu"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	in, err := trialInputs(m.Inputs(), tensors)
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
	return runner.Run(in, out, 0) // the parent has the clock
}

// trialInputs puts the tensors in the order of the model's inputs.
func trialInputs(inputs []inference.TensorInfo, tensors []trialTensor) ([]*inference.Tensor, error) {
	in := make([]*inference.Tensor, len(inputs))
	for _, from := range tensors {
		t := new(inference.Tensor)
		t.Resize(from.Type, from.Shape...)
		copy(t.Data, from.Data)
		clear(t.Refs)
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
