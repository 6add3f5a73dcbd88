package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// lintNATS asks the server whether the pipeline can run on it. The error is for
// one that cannot be asked.
func lintNATS(ctx context.Context, p *config.Pipeline) ([]inference.Problem, error) {
	at := []string{"broker", "nats"}
	server, err := dialNATS(p)
	if _, wrong := errors.AsType[*refusal](err); wrong {
		return nil, nil // told without asking
	}
	var problems []inference.Problem
	if err == nil {
		defer server.close()
		asking, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		problems, err = server.lint(asking)
	}
	switch d := broker.Diagnose(err); {
	case err == nil:
		return problems, nil
	case d.Kind == broker.Denied || d.Kind == broker.Fatal:
		return append(problems, inference.Problem{Path: at, Message: err.Error(), Hint: d.Hint}), nil
	}
	return nil, explained(ctx, err)
}

// lint looks at the permissions first: of what the user may not ask for nothing
// else can be told.
func (s *natsServer) lint(ctx context.Context) ([]inference.Problem, error) {
	var problems []inference.Problem
	permissions := neededPermissions(s.p)
	if err := s.probe(ctx, permissions); err != nil {
		return nil, err
	}
	for i := range permissions {
		if p := &permissions[i]; p.has == verdictMissing {
			problems = append(problems, inference.Problem{
				Path: p.Path, Message: fmt.Sprintf("the user may not %s", p.text()), Hint: "grant it in the permissions of the user, as penstock topics CONFIG prints them",
			})
		}
	}
	found, err := s.inspect(ctx)
	switch {
	case err == nil:
		return append(problems, problemsOf(s.p, broker.CompareStreams(s.p, found))...), nil
	case broker.Diagnose(err).Kind == broker.Denied && len(problems) > 0:
		return problems, nil // they say it
	}
	return problems, err
}
