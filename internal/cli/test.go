package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
)

type testCommand struct {
	Configs []string `arg:"" name:"config" help:"Pipeline files; only their model: part is needed."`
	Set     []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the configs, as often as needed."`
}

// Help is the example that --help shows.
func (testCommand) Help() string {
	return `Each line of the file that model.examples names is an event and the part of its prediction that is expected:

    {"event": {"amount": 12.5}, "expect": {"score": 0.93, "label": 1}, "tolerance": 1e-4}

Numbers may be off by the tolerance, absolute plus relative to the expected one; integers and all the rest must be equal.

Example:

    penstock test fraud.yaml`
}

// Run runs the examples of every config.
func (c *testCommand) Run(ctx context.Context, s *session) error {
	passed, failed := 0, 0
	for _, path := range c.Configs {
		p, f, err := s.testConfig(ctx, path, c.Set)
		if err != nil {
			return err
		}
		passed, failed = passed+p, failed+f
	}
	fmt.Fprintf(s.Out, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d examples failed", failed, passed+failed)
	}
	return nil
}

func (s *session) testConfig(ctx context.Context, path string, set []string) (passed, failed int, err error) {
	file, err := s.loadConfig(path, set)
	if err != nil {
		return 0, 0, err
	}
	name := file.Pipeline.Model.Examples
	if name == "" {
		return 0, 0, &refusal{fmt.Errorf("%s names no examples; add model.examples: golden.jsonl, one "+
			`{"event": …, "expect": {"label": 1}} a line`, path)}
	}
	examples, bad, err := readExamples(name)
	if err = errors.Join(errors.Join(bad...), err); err != nil {
		return 0, 0, &refusal{err}
	}
	m, err := s.openModel(ctx, withoutDrift(file))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	w, err := m.newWorker()
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, w.scorer.Close()) }()
	for i := range examples {
		diffs, err := w.check(&examples[i])
		if err != nil {
			return 0, 0, err
		}
		if len(diffs) == 0 {
			passed++
			continue
		}
		failed++
		printFailure(s.Out, name, examples[i].line, diffs)
	}
	return passed, failed, nil
}

func printFailure(w io.Writer, file string, line int64, diffs []difference) {
	fmt.Fprintf(w, "%s:%d: failed\n", file, line)
	for _, d := range diffs {
		fmt.Fprintf(w, "  %s\n", d)
	}
}

// check scores one example alone and tells what is not as it should be.
func (w *worker) check(e *example) ([]difference, error) {
	w.batch.Reset()
	if r := w.batch.DecodeJSON(e.Event); r != nil {
		return rejectedDifference(r), nil
	}
	scores, err := w.scorer.Score(w.batch)
	if err != nil {
		return nil, err
	}
	if r := scores.Rejection(0); r != nil {
		return rejectedDifference(r), nil
	}
	stamp := inference.Stamp{ID: penstock.EventID{Source: "example", Offset: e.line - 1}, Time: time.Now().UnixNano(), Record: inference.NoTime}
	record := w.encoder.Append(nil, &stamp, scores, 0)
	d := json.NewDecoder(bytes.NewReader(record))
	d.UseNumber()
	var got map[string]any
	if err := d.Decode(&got); err != nil {
		return nil, fmt.Errorf("read back the prediction %s: %w", record, err)
	}
	return differences("", e.Expect, got, e.tolerance()), nil
}

func rejectedDifference(r *penstock.Rejection) []difference {
	return []difference{{"event", fmt.Sprintf("rejected as %s: %s", r.Class, r.Error())}}
}
