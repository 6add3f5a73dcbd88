package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/penstock/penstock/internal/eventfile"
)

type predictCommand struct {
	Config string   `arg:"" help:"Pipeline file; only its model: part is needed."`
	Files  []string `arg:"" optional:"" help:"Event files: .jsonl, .csv or .parquet; - or none is stdin."`

	Output     string   `short:"o" placeholder:"FILE" help:"Write predictions to FILE instead of stdout; until all is done it is called FILE.partial."`
	Rejects    string   `placeholder:"FILE" help:"Write rejected events to FILE, as JSON lines with id, class, error and value."`
	MaxRejects *int64   `placeholder:"N" help:"Stop with exit code 1 when more than N events are rejected."`
	Format     string   `placeholder:"FORMAT" help:"Format of the events, whatever the files are called: jsonl, csv or parquet. Stdin is jsonl without it."`
	Workers    int      `placeholder:"N" help:"Workers; default: the config's, else one a core."`
	Set        []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
	Quiet      bool     `short:"q" help:"No progress bar and no summary."`
}

// Help is the example that --help shows.
func (predictCommand) Help() string {
	return `Predictions are JSON lines in the order of the events. An event that cannot be scored is left out and counted; it is no failure.

An id is FILE/0/N: the event is line N of a JSON-lines file, or row N of a CSV or Parquet file, from 0. Blank lines are no events; in JSON lines they count for N.

Example:

    penstock predict fraud.yaml day1.jsonl day2.csv -o predictions.jsonl --rejects rejects.jsonl
    tail -n 100 events.jsonl | penstock predict fraud.yaml`
}

// Run scores the events.
func (c *predictCommand) Run(ctx context.Context, s *session) (err error) {
	inputs, bytes, err := c.inputs(s.In)
	if err != nil {
		return err
	}
	file, err := s.loadConfig(c.Config, c.Set)
	if err != nil {
		return err
	}
	read := append(filesOf(file), c.Files...)
	if len(c.Files) == 0 {
		read = append(read, "-")
	}
	if err := s.keepInputs(read, c.Output, c.Rejects); err != nil {
		return err
	}
	m, err := s.openModel(ctx, withoutDrift(file))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	out, err := c.outputs(s.Out)
	if err != nil {
		return err
	}
	p := &prediction{command: c, session: s, out: out, bar: newProgress(s.Err, out.records.Writer, bytes, time.Now())}
	if c.Quiet || s.logJSON {
		p.bar.w = nil
	}
	m.keepRejects = out.rejects != nil
	engine := &scoring{model: m, workers: c.workers(file.Pipeline.Workers, file.Pipeline.Model.IntraOpNumThreads)}
	err = engine.run(ctx, inputs, p.take)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	p.bar.clear()
	err = out.rejects.finish(out.records.finish(err))
	p.summarize()
	return err
}

// workers is how many workers there are: one a core, or fewer when each run
// uses several cores itself.
func (c *predictCommand) workers(configured, threads int) int {
	switch {
	case c.Workers > 0:
		return c.Workers
	case configured > 0:
		return configured
	}
	return max(1, runtime.GOMAXPROCS(0)/max(1, threads))
}

// inputs checks the files before anything costly is done, and adds up their
// bytes; 0 when that cannot be told.
func (c *predictCommand) inputs(stdin io.Reader) (inputs []input, bytes int64, err error) {
	var format eventfile.Format
	if c.Format != "" {
		if format, err = eventfile.ParseFormat(c.Format); err != nil {
			return nil, 0, &refusal{fmt.Errorf("--format: %w", err)}
		}
	}
	files := c.Files
	if len(files) == 0 {
		files = []string{"-"}
	}
	known := true
	for _, path := range files {
		in, size, err := openInput(path, format, stdin)
		if err != nil {
			return nil, 0, &refusal{err}
		}
		inputs = append(inputs, in)
		bytes += size
		known = known && size > 0
	}
	if !known {
		bytes = 0
	}
	return inputs, bytes, nil
}

// openInput says how path is opened once it is its turn, and its size, 0 when
// it has none.
func openInput(path string, format eventfile.Format, stdin io.Reader) (input, int64, error) {
	if path == "-" {
		if format == 0 {
			format = eventfile.JSONLines
		}
		return func(o eventfile.Options) (*eventfile.Reader, error) {
			return eventfile.NewReader("stdin", stdin, format, o)
		}, eventfile.Size(stdin), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open events: %w", err)
	}
	if info.IsDir() {
		return nil, 0, fmt.Errorf("open events: %s is a folder; name the files in it", path)
	}
	if format == 0 {
		if format, err = eventfile.FormatOf(path); err != nil {
			return nil, 0, err
		}
	}
	return func(o eventfile.Options) (*eventfile.Reader, error) {
		return eventfile.Open(path, format, o)
	}, info.Size(), nil
}

// outputs are where results go.
type outputs struct {
	records *outfile
	rejects *outfile // nil: rejects are only counted
}

func (c *predictCommand) outputs(stdout io.Writer) (outputs, error) {
	if c.Rejects == "-" {
		return outputs{}, &refusal{errors.New("--rejects wants a file's name: predictions have stdout")}
	}
	out := outputs{records: &outfile{Writer: stdout, name: "stdout"}}
	var err error
	if c.Output != "" && c.Output != "-" {
		if out.records, err = createOutfile(c.Output); err != nil {
			return outputs{}, err
		}
	}
	if c.Rejects != "" {
		if out.rejects, err = createOutfile(c.Rejects); err != nil {
			return outputs{}, errors.Join(err, out.records.discard())
		}
		if out.rejects.name == out.records.name && out.rejects.partial != "" {
			err := &refusal{fmt.Errorf("-o and --rejects both name %s; give each a file of its own", out.records.name)}
			return outputs{}, errors.Join(err, out.rejects.file.Close(), out.records.discard())
		}
	}
	return out, nil
}

// prediction is one run of the command.
type prediction struct {
	command *predictCommand
	session *session
	out     outputs
	bar     *progress
	total   tally
}

// take writes one job's results.
func (p *prediction) take(j *job) error {
	p.total.add(&j.tally)
	if _, err := p.out.records.Write(j.records); err != nil {
		return fmt.Errorf("write %s: %w", p.out.records.name, err)
	}
	if p.out.rejects != nil {
		if _, err := p.out.rejects.Write(j.rejects); err != nil {
			return fmt.Errorf("write %s: %w", p.out.rejects.name, err)
		}
	}
	p.bar.update(&p.total, j.read, time.Now())
	if limit := p.command.MaxRejects; limit != nil && p.total.rejected > *limit {
		return fmt.Errorf("more than %d events were rejected (--max-rejects); the first is %s", *limit, p.total.first)
	}
	return nil
}

func (p *prediction) summarize() {
	if p.command.Quiet {
		return
	}
	took := time.Since(p.bar.started)
	if p.session.logJSON {
		logSummary(p.session.log, &p.total, took)
		return
	}
	w := p.session.Err
	fmt.Fprintln(w, summary(&p.total, took))
	if p.total.rejected > 0 && p.out.rejects == nil {
		fmt.Fprintf(w, "first reject: %s; --rejects FILE keeps them all\n", p.total.first)
	}
}
