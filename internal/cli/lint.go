package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
)

type lintCommand struct {
	Configs []string `arg:"" name:"config" help:"Pipeline files."`
	Live    bool     `help:"Also ask the broker: whether it is there, topics or streams, rights and limits."`
	Set     []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the configs, as often as needed."`
}

// Help is the example that --help shows.
func (lintCommand) Help() string {
	return `The model is loaded and the mapping checked against it; the names of fields are checked against the examples where there are some. All problems are told at once, as FILE:LINE:COL: MESSAGE. Warnings leave the exit code 0.

Example:

    penstock lint fraud.yaml
    penstock lint --live fraud.yaml`
}

// Run checks every config.
func (c *lintCommand) Run(ctx context.Context, s *session) error {
	bad := 0
	for _, path := range c.Configs {
		ok, err := s.lint(ctx, path, c)
		if err != nil {
			return err
		}
		if !ok {
			bad++
		}
	}
	switch {
	case bad == 0:
		return nil
	case len(c.Configs) == 1:
		return &refusal{fmt.Errorf("%s cannot be used; the lines above say why", c.Configs[0])}
	}
	return &refusal{fmt.Errorf("%d of %d configs cannot be used; the lines above say why", bad, len(c.Configs))}
}

// lint checks one config and prints what is wrong with it to stderr, or that
// it is fine to stdout.
func (s *session) lint(ctx context.Context, path string, c *lintCommand) (ok bool, err error) {
	f, err := config.Load(path, config.Options{Purpose: config.ForLint, Set: c.Set, Lookup: s.Lookup})
	if err != nil {
		fmt.Fprintln(s.Err, err)
		return false, nil
	}
	ok = !f.Failed()
	var problems []inference.Problem
	if f.Pipeline.Model.Path != "" {
		problems, err = s.lintModel(ctx, f)
		if err != nil {
			return false, err
		}
	}
	if !f.Failed() {
		problems = append(problems, lintConnection(&f.Pipeline.Broker)...)
		problems = append(problems, lintListener(f)...)
	}
	if c.Live && !f.Failed() {
		more, err := lintLive(ctx, f)
		if err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
		problems = append(problems, more...)
	}
	for _, p := range problems {
		ok = ok && p.Warning
	}
	lines := f.Render(problems)
	for _, line := range lines {
		fmt.Fprintln(s.Err, line)
	}
	switch {
	case ok && len(lines) == 0:
		fmt.Fprintf(s.Out, "%s: ok\n", path)
	case ok:
		fmt.Fprintf(s.Out, "%s: ok, but see the warnings\n", path)
	}
	return ok, nil
}

// lintConnection checks the files and keys that a connection takes.
func lintConnection(b *config.Broker) []inference.Problem {
	var kind string
	var err error
	switch {
	case b.Kafka != nil:
		kind = "kafka"
		_, err = broker.ConnectOptions(b.Kafka)
	case b.Embedded != nil:
		kind = "embedded"
		err = embedded.CheckUsers(string(b.Embedded.UsersFile))
	case b.NATS != nil:
		kind = "nats"
		_, err = broker.NATSOptions(b.NATS)
	}
	if err == nil {
		return nil
	}
	return []inference.Problem{{Path: []string{"broker", kind}, Message: err.Error()}}
}

// lintListener checks the files that secure listen.
func lintListener(f *config.File) []inference.Problem {
	mount := mountOf(f)
	if err := mount.CheckFiles(); err != nil {
		return []inference.Problem{{Path: []string{"http"}, Message: err.Error()}}
	}
	return nil
}

// lintModel checks the mapping against the model and the examples.
func (s *session) lintModel(ctx context.Context, f *config.File) ([]inference.Problem, error) {
	examples, problems := s.lintExamples(f.Pipeline.Model.Examples)
	m, more, err := s.compileModel(ctx, f, examples, fieldPaths(examples))
	problems = append(problems, more...)
	if m == nil {
		return problems, err
	}
	if rows := m.plan.StaticRows(); rows > 0 {
		problems = append(problems, inference.Problem{
			Path: modelPath, Warning: true,
			Message: fmt.Sprintf("the model takes batches of exactly %d, so that each run scores no more than %d events", rows, rows),
			Hint:    "export it with an open batch axis",
		})
	}
	return problems, errors.Join(err, m.close())
}

// lintExamples reads the examples, and prints which of their lines are none.
func (s *session) lintExamples(path string) ([]example, []inference.Problem) {
	if path == "" {
		return nil, nil
	}
	examples, bad, err := readExamples(path)
	for _, line := range bad {
		fmt.Fprintln(s.Err, line)
	}
	at := []string{"model", "examples"}
	switch {
	case err != nil:
		return nil, []inference.Problem{{Path: at, Message: err.Error()}}
	case len(bad) > 0:
		return nil, []inference.Problem{{Path: at, Message: fmt.Sprintf("%d lines of %s are no examples", len(bad), path)}}
	}
	return examples, nil
}
