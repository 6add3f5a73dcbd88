package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/internal/web"
)

type runCommand struct {
	Configs  []string `arg:"" name:"config" help:"Pipeline files, each one pipeline."`
	Instance string   `help:"Stable name of this process among its peers, instead of the config's."`
	Stay     bool     `help:"Keep the places in the group when stopped, for a restart within the session timeout."`
	From     string   `help:"Where a partition goes on whose position is lost: earliest or latest." enum:",earliest,latest" default:""`
	UntilEnd bool     `help:"Process what is there now and exit."`
	Debug    bool     `help:"Serve profiles at /debug/pprof."`
	Set      []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the configs, as often as needed."`
}

// Help is the example that --help shows.
func (runCommand) Help() string {
	return `Runs one pipeline a file until SIGTERM or SIGINT. The first signal drains: what was polled is scored, published and committed. A second one aborts, with exit code 1; what was not committed comes again at the next start.

A broker that is away, a topic or a stream that is missing is waited for; /readyz says so. With broker.embedded the broker is in this process too; pipelines that name the same dir share it.

Example:

    penstock run fraud.yaml
    penstock run fraud.yaml --instance b            # a second process on this host
    penstock run fraud.yaml --until-end             # a backfill: ends when all is done`
}

// Run runs the pipelines until ctx ends or one of them cannot go on.
func (c *runCommand) Run(ctx context.Context, s *session) error {
	files, err := c.load(s)
	if err != nil {
		return err
	}
	p := &process{session: s, command: c, started: time.Now()}
	defer p.close()
	for _, f := range files {
		if err := p.add(ctx, f); err != nil {
			return err
		}
	}
	return p.run(ctx)
}

// load reads all configs, and prints the problems of all.
func (c *runCommand) load(s *session) ([]*config.File, error) {
	var files []*config.File
	var bad []error
	for _, path := range c.Configs {
		f, err := s.loadPipeline(path, c.Set)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for _, other := range files {
			if err := together(other, f); err != nil {
				bad = append(bad, err)
			}
		}
		if c.Instance != "" {
			f.Pipeline.Instance = c.Instance
		}
		files = append(files, f)
	}
	return files, errors.Join(bad...)
}

// together tells whether two pipelines may be of one process.
func together(a, b *config.File) error {
	first, second := &a.Pipeline, &b.Pipeline
	switch {
	case first.Name == second.Name:
		return &refusal{fmt.Errorf("%s and %s both name their pipeline %s: names must differ within a process", a.Path, b.Path, first.Name)}
	case first.Source.Group == second.Source.Group && slices.ContainsFunc(addresses(&first.Broker), func(address string) bool {
		return slices.Contains(addresses(&second.Broker), address)
	}):
		// They would throw each other's workers out of it, or share its durable
		// consumers.
		return &refusal{fmt.Errorf("%s and %s both read as group %s (source.group, by default the pipeline's name): give each pipeline a group of its own", a.Path, b.Path, first.Source.Group)}
	}
	return nil
}

// addresses are where the config looks for the broker.
func addresses(b *config.Broker) []string {
	switch {
	case b.Kafka != nil:
		return b.Kafka.BootstrapServers
	case b.NATS != nil:
		return strings.Split(b.NATS.URL, ",")
	}
	return []string{string(b.Embedded.Dir)}
}

// process is the pipelines of one process and what they share.
type process struct {
	session *session
	command *runCommand
	started time.Time

	registry  *telemetry.Registry
	pipelines []*openPipeline
	servers   embeddedServers
	mounts    []web.Mount
	aborted   bool // a worker is still in a run of its model
}

// openPipeline is a pipeline with what it holds.
type openPipeline struct {
	*pipeline.Pipeline
	counts *telemetry.Pipeline
	broker pipeline.Broker
	model  *loadedModel
	drift  *driftWatch // nil where none is watched
}

// add loads a pipeline's model and makes the pipeline, which does not touch the
// broker yet.
func (p *process) add(ctx context.Context, f *config.File) error {
	model, err := p.session.openModel(ctx, f)
	if err != nil {
		return err
	}
	if p.registry == nil {
		p.registry = telemetry.NewRegistry(telemetry.BuildInfo{
			Version: version, GoVersion: runtime.Version(), ONNXRuntime: runtimeVersion(),
		})
	}
	o, err := p.assemble(f, model)
	if err != nil {
		return errors.Join(err, model.close())
	}
	p.pipelines = append(p.pipelines, o)
	if err := p.registry.Add(o.counts); err != nil {
		return &refusal{err}
	}
	mount := mountOf(f)
	mount.Pipeline = o
	p.mounts = append(p.mounts, mount)
	return nil
}

// mountOf is where a pipeline is to be found over HTTP.
func mountOf(f *config.File) web.Mount {
	cfg := &f.Pipeline
	return web.Mount{
		File: f.Path, Listen: cfg.Listen, MetricsListen: cfg.MetricsListen,
		Cert: string(cfg.HTTP.TLS.Cert), Key: string(cfg.HTTP.TLS.Key), KeysFile: string(cfg.HTTP.KeysFile),
	}
}

func (p *process) close() {
	if p.aborted {
		return // the process ends, and with it all that it holds
	}
	for _, o := range p.pipelines {
		o.broker.Close()
		if err := o.model.close(); err != nil {
			p.session.log.Warn("the model was not closed", "error", err)
		}
	}
	p.servers.close() // those who use them are gone
}

// run serves and works until ctx ends, all is done, or one cannot go on, which
// drains the others.
func (p *process) run(ctx context.Context) error {
	collect := spareCollections(p.session.Lookup)
	defer collect()
	server := web.New(web.Options{
		Version: version, Started: p.started, Metrics: p.registry.Handler(), Mounts: p.mounts,
		Debug: p.command.Debug, Log: p.session.log,
	})
	if err := server.Listen(); err != nil {
		if _, ok := errors.AsType[*web.ConfigError](err); ok {
			return &refusal{err}
		}
		return err
	}
	for _, url := range server.URLs() {
		p.session.log.Info("listening", "address", url)
	}
	serving, stopServing := context.WithCancel(context.Background())
	defer stopServing()
	served := make(chan error, 1)
	go func() { served <- server.Run(serving) }()

	ctx, drain := context.WithCancel(ctx)
	defer drain()
	endWatch := p.watch(ctx)
	defer endWatch()
	ends := make([]error, len(p.pipelines))
	var running sync.WaitGroup
	for i, o := range p.pipelines {
		running.Go(func() {
			ends[i] = o.Run(ctx)
			if ends[i] != nil {
				drain()
				ends[i] = fmt.Errorf("%s: %w", o.Name(), ends[i])
			}
			p.summarize(o)
		})
	}
	running.Wait()
	drain()    // where all ended by themselves, what is left of a drain is all of it
	endWatch() // the last counts of the workers are there now
	stopServing()
	err := errors.Join(append(ends, <-served)...)
	p.aborted = errors.Is(err, pipeline.ErrAborted)
	return err
}

// watch watches the drift of all pipelines until end is called, which returns
// when that is over: at the latest when the drain, which begins when draining
// ends, has taken its time.
func (p *process) watch(draining context.Context) (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	for _, o := range p.pipelines {
		if o.drift != nil {
			watching.Go(func() {
				hard, cut := after(draining, o.drift.wiring.file.Pipeline.DrainTimeout)
				defer cut()
				o.drift.run(ctx, hard)
			})
		}
	}
	return func() {
		stop()
		watching.Wait()
	}
}

// after gives a context that ends some time after another one did.
func after(first context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	forget := context.AfterFunc(first, func() {
		late := time.AfterFunc(d, cancel)
		context.AfterFunc(ctx, func() { late.Stop() })
	})
	return ctx, func() {
		forget()
		cancel()
	}
}

// summarize logs what a pipeline did.
func (p *process) summarize(o *openPipeline) {
	t := o.counts.Totals()
	p.session.log.Info("the pipeline has stopped", "pipeline", o.Name(),
		"predicted", t.Predicted, "dead_lettered", t.DeadLettered, "skipped", t.Skipped,
		"commits", t.Committed, "aborts", t.Aborted)
}

// instance names this process among its peers.
func instance(cfg *config.Pipeline) (string, error) {
	if cfg.Instance != "" {
		return cfg.Instance, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("ask for the host name: %w; name this process with --instance", err)
	}
	return name, nil
}
