package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/modelgate"
	"github.com/penstock/penstock/internal/runtimelib"
)

// admittedModel is a model's file with the warm-up row that it is tried with.
type admittedModel struct {
	*modelgate.Model
	request []byte
}

// readModel reads the model's file and compiles the mapping against what it
// declares, so that the gate's trial is a run that can succeed.
func readModel(cfg *inference.Config, options inference.CompileOptions, events [][]byte) (*admittedModel, []inference.Problem, error) {
	m, err := modelgate.Read(cfg.Path)
	if err != nil {
		return nil, []inference.Problem{{Path: modelPath, Message: err.Error()}}, nil
	}
	if cfg.SHA256 != "" {
		if err := m.Expect(cfg.SHA256); err != nil {
			return nil, []inference.Problem{{Path: []string{"model", "sha256"}, Message: err.Error()}}, nil
		}
	}
	options.Metadata = m.File.Metadata
	plan, problems := inference.Compile(cfg, m.File.Inputs, options)
	if plan == nil {
		_, more := inference.CompileOutput(&cfg.Output, m.File.Outputs)
		return nil, append(problems, more...), nil
	}
	request, err := trialRequest(plan.WarmUp(events...), m.File.Inputs)
	return &admittedModel{m, request}, problems, err
}

// admit has the gate try the model, unless the process that started this one
// has, and opens it. The problem is the model's or the config's, the error the
// machine's.
func (s *session) admit(ctx context.Context, cfg *inference.Config, m *admittedModel) (inference.Model, *inference.Problem, error) {
	lib, err := runtimelib.Find()
	if err != nil {
		return nil, nil, err
	}
	if err := loadRuntime(lib.Path); err != nil {
		return nil, nil, err
	}
	if s.given == nil {
		err = s.try(ctx, m, lib.Path)
	}
	if refused, ok := errors.AsType[*modelgate.Refusal](err); ok {
		return nil, &inference.Problem{Path: modelPath, Message: refused.Error()}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	runtime, err := openRuntime(m.Bytes, cfg)
	if err != nil {
		path := modelPath
		if errors.Is(err, inference.ErrDevice) {
			path = []string{"model", "device"}
		}
		return nil, &inference.Problem{Path: path, Message: err.Error()}, nil
	}
	return runtime, nil, nil
}

// try has the gate try the model.
func (s *session) try(ctx context.Context, m *admittedModel, library string) error {
	gate, err := newGate(library)
	if err != nil {
		return err
	}
	gate.NotKept = func(err error) { fmt.Fprintf(s.Err, "penstock: %v; the model is tried again at every start\n", err) }
	return gate.Try(ctx, m.Model, m.request)
}
