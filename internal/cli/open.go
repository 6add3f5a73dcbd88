package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/eventfile"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/rollout"
)

// digestPrefix begins a digest; the version is made of the digits behind it.
const digestPrefix = "sha256:"

// versionDigits is how many of a digest's digits name a version by default.
const versionDigits = 12

// loadedModel is a config's model, compiled and in the runtime. Workers share
// it.
type loadedModel struct {
	session *session
	model   inference.Model
	plan    *inference.Plan
	out     *inference.OutputPlan
	encoder *inference.Encoder

	scoring     inference.ScorerOptions
	batchRows   int
	identity    penstock.ModelIdentity
	size        int64 // of the file
	keepRejects bool  // workers write the lines of rejected events

	observed *observe.Plan    // what is counted for drift; nil: nothing
	normal   *drift.Reference // nil: not yet known

	batchWarning *inference.Problem // nil: the size of a batch changes nothing
}

// loadConfig reads a config of which only the model: part is needed. When it
// cannot be used, its problems are printed.
func (s *session) loadConfig(path string, set []string) (*config.File, error) {
	f, err := config.Load(path, config.Options{Purpose: config.ForModel, Set: set, Lookup: s.Lookup})
	if err != nil {
		return nil, &refusal{err}
	}
	if f.Failed() {
		return nil, s.refuse(f, nil)
	}
	return f, nil
}

// refuse prints a config's problems and says that it cannot be used.
func (s *session) refuse(f *config.File, more []inference.Problem) error {
	for _, line := range f.Render(more) {
		fmt.Fprintln(s.Err, line)
	}
	return &refusal{fmt.Errorf("%s cannot be used; the lines above say why", f.Path)}
}

// withoutDrift lets what only scores go without a reference.
func withoutDrift(f *config.File) *config.File {
	f.Pipeline.Drift = nil
	return f
}

// openModel brings a config's model into the runtime. When it cannot be used,
// its problems are printed.
func (s *session) openModel(ctx context.Context, f *config.File) (*loadedModel, error) {
	m, problems, err := s.compileModel(ctx, f, s.goldenExamples(f.Pipeline.Model.Examples), nil)
	switch {
	case err != nil:
	case m == nil:
		err = s.refuse(f, problems)
	case m.batchWarning != nil:
		s.log.Info(m.batchWarning.Message, "hint", m.batchWarning.Hint)
	}
	return m, err
}

// goldenExamples reads the examples for their events alone: what is wrong with
// them lint and test tell, and scoring goes without.
func (s *session) goldenExamples(path string) []example {
	if path == "" {
		return nil
	}
	examples, _, err := readExamples(path)
	if err != nil {
		s.log.Warn("the examples cannot be read, so that the model is tried with a made-up row", "error", err)
	}
	return examples
}

// compileModel goes all the way from the model's file to a model that can
// score: the gate, the runtime, the mapping and the output. What is wrong with
// the config or the model comes back as problems, and the model is nil when one
// of them is an error; an error is the machine's. The model is tried with the
// first of the examples that the mapping takes. fields are the paths that the
// mapping is compared with, nil for none.
func (s *session) compileModel(ctx context.Context, f *config.File, examples []example, fields []string) (*loadedModel, []inference.Problem, error) {
	cfg := &f.Pipeline.Model
	selection := selectionOf(f.Pipeline.Drift)
	options := inference.CompileOptions{
		EventTime: f.Pipeline.Source.EventTime, Fields: fields, MaxRows: f.Pipeline.Batch.MaxRows, Watch: selection.Watch(),
	}
	events := make([][]byte, len(examples))
	for i := range examples {
		events[i] = examples[i].Event
	}
	file, problems, err := readModel(cfg, options, events)
	if err != nil || file == nil {
		return nil, problems, err
	}
	runtime, problem, err := s.admit(ctx, cfg, file)
	if err != nil || problem != nil {
		return nil, append(problems, single(problem)...), err
	}
	// What the file declares is a promise; what the runtime made of it counts.
	options.Metadata = runtime.Metadata()
	plan, problems := inference.Compile(cfg, runtime.Inputs(), options)
	out, more := inference.CompileOutput(&cfg.Output, runtime.Outputs())
	problems = append(problems, more...)
	if plan == nil || out == nil {
		return nil, problems, runtime.Close()
	}
	id := identity(cfg, file.Digest)
	m := &loadedModel{
		session: s, model: runtime, plan: plan, out: out, identity: id, encoder: newEncoder(f.Pipeline.Name, id),
		scoring:   inference.ScorerOptions{Timeout: cfg.Timeout, WarmUp: plan.WarmUp(events...)},
		batchRows: f.Pipeline.Batch.MaxRows, size: int64(len(file.Bytes)),
	}
	if s.given != nil {
		m.scoring.PairLoneRows = s.given.PairLoneRows
	}
	if d := f.Pipeline.Drift; d != nil {
		more := m.observes(selection, d)
		problems = append(problems, more...)
		if slices.ContainsFunc(more, func(p inference.Problem) bool { return !p.Warning }) {
			return nil, problems, runtime.Close()
		}
	}
	if problem := m.warmUp(events); problem != nil {
		problems = append(problems, *problem)
		if !problem.Warning {
			return nil, problems, runtime.Close()
		}
	}
	return m, problems, nil
}

// modelPath is the place of the model's file in a config.
var modelPath = []string{"model", "path"}

func single(p *inference.Problem) []inference.Problem {
	if p == nil {
		return nil
	}
	return []inference.Problem{*p}
}

// identity names the model as records show it.
func identity(cfg *inference.Config, digest string) penstock.ModelIdentity {
	id := penstock.ModelIdentity{Name: cfg.Name, Version: cfg.Version, Digest: digest}
	if id.Name == "" {
		base := filepath.Base(cfg.Path)
		id.Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if id.Version == "" {
		id.Version = strings.TrimPrefix(digest, digestPrefix)[:versionDigits]
	}
	return id
}

func newEncoder(pipeline string, id penstock.ModelIdentity) *inference.Encoder {
	plan := rollout.New(id)
	champion := plan.Champion()
	return inference.NewEncoder(inference.EncoderOptions{
		Pipeline: pipeline, Model: champion.Model, Variant: champion.Name, Plan: plan.Version(),
	})
}

// bind connects a file's columns with the mapping, and says which columns the
// mapping misses: each of its rows is going to lack them.
func (m *loadedModel) bind(t *eventfile.Table) *inference.Columns {
	if t == nil {
		return nil
	}
	columns := m.plan.BindColumns(t.Names)
	if missing := columns.Missing(); len(missing) > 0 {
		m.session.log.Warn("the file has no column for some mapped fields", "missing", slices.Clip(missing))
	}
	return columns
}

func (m *loadedModel) newWorker() (*worker, error) {
	scorer, err := inference.NewScorer(m.model, m.plan, m.out, m.scoring)
	if err != nil {
		return nil, err
	}
	return &worker{
		batch: m.plan.NewBatch(m.batchRows), scorer: scorer, encoder: m.encoder, keepRejects: m.keepRejects,
	}, nil
}

func (m *loadedModel) close() error { return m.model.Close() }
