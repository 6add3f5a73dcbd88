package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/childproc"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/isolation"
)

// IsolatedName is the hidden command that a pipeline starts this program with,
// so that an event which takes the process down takes only that one. The
// grammar's tag repeats it.
const IsolatedName = "isolated-score"

// isolatedModel is what the child needs to score as this process does: the parts
// of the config that scoring depends on, as they are in effect, and what this
// process found out of the model. Secrets are not among them, and a config that
// was edited meanwhile changes nothing.
type isolatedModel struct {
	Pipeline  string
	EventTime string
	MaxRows   int
	Model     inference.Config // its SHA256 is that of the model that was loaded
	// Path and Examples are the Model's: file names that JSON would not keep if
	// they are no UTF-8.
	Path, Examples []byte
	PairLoneRows   bool
}

// isolated makes the Scorer of a config's model in a child process. It starts
// the child when it is first used.
func (m *loadedModel) isolated(f *config.File) (*isolation.Scorer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to score events in a process of its own: %w", err)
	}
	given := isolatedModel{
		Pipeline: f.Pipeline.Name, EventTime: f.Pipeline.Source.EventTime, MaxRows: f.Pipeline.Batch.MaxRows,
		Model: f.Pipeline.Model, Path: []byte(f.Pipeline.Model.Path), Examples: []byte(f.Pipeline.Model.Examples),
		PairLoneRows: m.scoring.PairLoneRows,
	}
	given.Model.SHA256 = strings.TrimPrefix(m.identity.Digest, digestPrefix)
	setup, err := json.Marshal(given)
	if err != nil {
		return nil, fmt.Errorf("describe the model to a process of its own: %w", err)
	}
	return isolation.New(isolation.Options{
		Command: []string{self, IsolatedName}, Setup: setup, Timeout: f.Pipeline.Model.Timeout, Log: m.session.log,
	}), nil
}

// isolatedCommand is the child's side.
type isolatedCommand struct{}

// Run scores what the parent hands over, until it has had enough.
func (isolatedCommand) Run(ctx context.Context, s *session) error {
	var m *loadedModel
	var w *worker
	err := isolation.Serve(s.In, s.Out, func(setup []byte) (*isolation.Model, error) {
		var given isolatedModel
		err := json.Unmarshal(setup, &given)
		if err != nil {
			return nil, fmt.Errorf("read the setup: %w", err)
		}
		if m, w, err = s.openIsolated(ctx, &given); err != nil {
			return nil, err
		}
		return &isolation.Model{Batch: w.batch, Scorer: w.scorer, Encoder: w.encoder}, nil
	})
	if m != nil {
		err = errors.Join(err, w.scorer.Close(), m.close())
	}
	return err
}

// openIsolated opens the model by the same code as the parent, less what the
// parent has found out.
func (s *session) openIsolated(ctx context.Context, given *isolatedModel) (*loadedModel, *worker, error) {
	s.given = given
	_ = childproc.VolunteerForKilling() // where it may not, the limit below has to do
	f := &config.File{}
	f.Pipeline.Name = given.Pipeline
	f.Pipeline.Source.EventTime = given.EventTime
	f.Pipeline.Batch.MaxRows = given.MaxRows
	f.Pipeline.Model = given.Model
	f.Pipeline.Model.Path, f.Pipeline.Model.Examples = string(given.Path), string(given.Examples)
	m, problems, err := s.compileModel(ctx, f, s.goldenExamples(f.Pipeline.Model.Examples), nil)
	if err != nil {
		return nil, nil, err
	}
	if m == nil {
		return nil, nil, refusedBy(problems)
	}
	w, err := m.newWorker()
	if err != nil {
		return nil, nil, errors.Join(err, m.close())
	}
	if err = m.limitMemory(given.Model.Device); err == nil {
		err = w.scorer.WarmUp()
	}
	if err != nil && !errors.Is(err, inference.ErrMadeUpRow) {
		return nil, nil, errors.Join(err, w.scorer.Close(), m.close())
	}
	return m, w, nil
}

// refusedBy says why a model that the parent has opened does not open here.
func refusedBy(problems []inference.Problem) error {
	for _, p := range problems {
		if !p.Warning {
			return fmt.Errorf("%s: %s", strings.Join(p.Path, "."), p.Message)
		}
	}
	return errors.New("the model cannot be used")
}

const (
	// isolatedMemory is what scoring may add to the child at least, as in the
	// gate's trial: an event that takes the machine's memory is to fail before it
	// has taken it. A large model may take isolatedPerByte times its file's size.
	isolatedMemory  = 1 << 30
	isolatedPerByte = 6
)

// limitMemory bounds what scoring may add to this process. A GPU's runtime maps
// memory as it likes, so there it is left alone.
func (m *loadedModel) limitMemory(device string) error {
	if device != "cpu" {
		return nil
	}
	if err := childproc.LimitMemory(max(isolatedMemory, isolatedPerByte*m.size)); err != nil {
		return fmt.Errorf("limit the memory: %w", err)
	}
	return nil
}
