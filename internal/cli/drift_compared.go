package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/driftfile"
)

// compareModel finds the reference for what the model is given and says.
func (c *driftReportCommand) compareModel(ctx context.Context, s *session, p *driftPlan, m *loadedModel, to *driftfile.Comparison) (err error) {
	if c.Compat != "" {
		return &refusal{errors.New("--compat is for files without a pipeline: it computes on a file's own columns")}
	}
	to.Fields = m.observed.Fields
	if len(c.ReferenceData) > 0 {
		var notes *driftfile.Notes
		to.Reference, notes, err = p.scoreReference(ctx, s, m, c.ReferenceData)
		c.note(s, notes)
		return err
	}
	if to.Reference, err = c.readReference(p, m); err != nil {
		return err
	}
	m.normal = to.Reference
	problems := m.compareReference(to.Reference, "the reference")
	if len(problems) == 0 {
		return nil
	}
	for _, line := range p.config.Render(problems) {
		fmt.Fprintln(s.Err, line)
	}
	if slices.ContainsFunc(problems, func(p inference.Problem) bool { return !p.Warning }) {
		return &refusal{errors.New("the reference does not fit the pipeline; the lines above say why")}
	}
	return nil
}

// compare finds the reference and the fields that both sides have.
func (c *driftReportCommand) compare(ctx context.Context, s *session, p *driftPlan, to *driftfile.Comparison) error {
	if c.Compat != "" && len(c.ReferenceData) == 0 {
		return &refusal{errors.New("--compat computes on the values themselves, which a reference does not have: give the data with --reference-data")}
	}
	if len(c.ReferenceData) > 0 {
		return c.compareData(ctx, s, p, to)
	}
	ref, err := c.readReference(p, nil)
	if err != nil {
		return err
	}
	var fields []drift.Field
	for i := range ref.Fields {
		fields = append(fields, ref.Fields[i].Field)
	}
	common, absent, err := p.input.Common(fields)
	if err != nil {
		return driftError(err)
	}
	leftOut(s, absent, "in the reference and not in "+p.input.Files[0])
	columns, nested, err := p.input.Fields(c.choice())
	if err != nil {
		return driftError(err)
	}
	leftOut(s, nested, "lists and maps")
	leftOut(s, without(columns, fields), "not in the reference")
	to.Reference, to.Fields = ref, common
	return nothingInCommon(common)
}

func nothingInCommon(fields []drift.Field) error {
	if len(fields) == 0 {
		return &refusal{errors.New("the reference and the data have no column in common")}
	}
	return nil
}

// without are the names of the fields that others has not.
func without(fields, others []drift.Field) []string {
	known := map[string]bool{}
	for i := range others {
		known[others[i].Name] = true
	}
	var names []string
	for i := range fields {
		if !known[fields[i].Name] {
			names = append(names, fields[i].Name)
		}
	}
	return names
}

// readReference reads the reference that was named, or the config's.
func (c *driftReportCommand) readReference(p *driftPlan, m *loadedModel) (*drift.Reference, error) {
	if c.Reference == "" && m != nil && (p.settings.Reference.Model || p.settings.Reference.File != "") {
		ref, problems := m.reference(p.settings)
		if ref == nil {
			return nil, &refusal{fmt.Errorf("%s; %s", problems[0].Message, problems[0].Hint)}
		}
		return ref, nil
	}
	if c.Reference == "" {
		return nil, &refusal{errors.New("what is normal? Name it with --reference FILE (of penstock drift reference) or --reference-data FILE")}
	}
	data, err := os.ReadFile(c.Reference)
	if err != nil {
		return nil, &refusal{fmt.Errorf("read reference: %w", err)}
	}
	ref, err := drift.ParseReference(data)
	if err != nil {
		return nil, &refusal{fmt.Errorf("read reference %s: %w", c.Reference, err)}
	}
	return ref, nil
}

// compareData builds the reference from data.
func (c *driftReportCommand) compareData(ctx context.Context, s *session, p *driftPlan, to *driftfile.Comparison) error {
	past := p.input
	past.Files = c.ReferenceData
	fields, nested, err := past.Fields(c.choice())
	if err != nil {
		return driftError(err)
	}
	leftOut(s, nested, "lists and maps")
	columns, _, err := p.input.Fields(driftfile.Choice{})
	if err != nil {
		return driftError(err)
	}
	common, absent, err := p.input.Common(fields)
	if err != nil {
		return err
	}
	leftOut(s, absent, "not in "+p.input.Files[0])
	for _, name := range c.Ignore {
		fields = append(fields, drift.Field{Name: name}) // nobody asks for it
	}
	leftOut(s, without(columns, fields), "not in "+past.Files[0])
	if err := nothingInCommon(common); err != nil {
		return err
	}
	ref, notes, err := s.buildReference(ctx, &past, common, c.Quiet)
	c.note(s, notes)
	if err != nil {
		return err
	}
	to.Reference, to.Fields = ref, common
	if to.Compat != "" {
		to.Raw, err = past.Raw(ctx, common)
	}
	return err
}
