package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/driftfile"
)

type driftReferenceCommand struct {
	driftInput
	Output string `short:"o" placeholder:"FILE" help:"Write the reference to FILE instead of stdout."`
}

// Help is the example that --help shows.
func (driftReferenceCommand) Help() string {
	return `A reference says what is normal: for each column its missing values and how its numbers or names are distributed. Without a pipeline file numbers are numeric, text and booleans categorical. With one, the model is run, as predict does, and its inputs as mapped, its outputs and what drift.features names are counted.

With an event time, the reference also says how much each column varies from one time to another where nothing drifts, and alarms are calibrated with that: give it whole days or weeks.

Example:

    penstock drift reference fraud.yaml june.parquet -o reference.json
    penstock drift reference june.csv --event-time ts --categorical mcc -o reference.json`
}

// Run builds the reference.
func (c *driftReferenceCommand) Run(ctx context.Context, s *session) error {
	p, err := c.plan(s)
	if err != nil {
		return err
	}
	if err := s.keepInputs(p.reads(), c.Output); err != nil {
		return err
	}
	out := &outfile{Writer: s.Out, name: "stdout"}
	if c.Output != "" && c.Output != "-" {
		if out, err = createOutfile(c.Output); err != nil {
			return err
		}
	}
	started := time.Now()
	ref, notes, err := c.build(ctx, s, p)
	c.note(s, notes)
	if err != nil {
		return errors.Join(err, out.discard())
	}
	data, err := ref.Encode()
	if err == nil {
		_, err = out.Write(data)
	}
	if err := out.finish(err); err != nil {
		return err
	}
	if !c.Quiet {
		took := time.Since(started)
		fmt.Fprintf(s.Err, "%s rows, %d fields in %s: %s\n", count(ref.Rows), len(ref.Fields), took.Round(time.Millisecond), ref.Digest())
	}
	s.doubt(ref.Doubt(p.windows()))
	return nil
}

// doubt says why a reference may not be trusted, if there is a reason.
func (s *session) doubt(why string) {
	if why != "" {
		fmt.Fprintf(s.Err, "the reference %s\n", why)
	}
}

func (c *driftReferenceCommand) build(ctx context.Context, s *session, p *driftPlan) (*drift.Reference, *driftfile.Notes, error) {
	if p.config != nil {
		return c.scored(ctx, s, p)
	}
	fields, nested, err := p.input.Fields(c.choice())
	if err != nil {
		return nil, nil, driftError(err)
	}
	leftOut(s, nested, "lists and maps")
	return s.buildReference(ctx, &p.input, fields, c.Quiet)
}

func (c *driftReferenceCommand) scored(ctx context.Context, s *session, p *driftPlan) (ref *drift.Reference, notes *driftfile.Notes, err error) {
	m, err := s.openCounting(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	return p.scoreReference(ctx, s, m, p.input.Files)
}

// buildReference builds a reference with a progress bar.
func (s *session) buildReference(ctx context.Context, in *driftfile.Input, fields []drift.Field, quiet bool) (*drift.Reference, *driftfile.Notes, error) {
	bar := s.newDriftProgress(in.Files, quiet)
	in.Progress = bar.update
	ref, notes, err := in.Reference(ctx, fields)
	bar.bar.clear()
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	return ref, notes, driftError(err)
}

// leftOut says which columns are not counted.
func leftOut(s *session, names []string, why string) {
	if len(names) > 0 {
		fmt.Fprintf(s.Err, "left out, %s: %s\n", why, strings.Join(names, ", "))
	}
}
