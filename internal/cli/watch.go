package cli

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/monitor"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
)

// driftWatch is this process's part in watching a pipeline's drift.
type driftWatch struct {
	wiring  *brokerWiring
	model   *loadedModel
	windows drift.WindowsConfig
	streams *driftStreams
	reports monitor.Reports
	webhook *monitor.Webhook // nil where none is asked for
	monitor atomic.Pointer[monitor.Monitor]
	asked   time.Time // when caughtUp was first asked; zero: it was not
}

// driftStreams are the ways to a pipeline's own streams, on whichever broker.
type driftStreams struct {
	// prepare makes what may be made of the streams, and says what is missing.
	prepare func(ctx context.Context) error
	monitor monitor.Broker
	reports func(ctx context.Context) (monitor.ReportReader, error)
	alarms  func(ctx context.Context) (monitor.Alarms, error)
	// frozen gives the reference that was collected from the stream, encoded; nil as
	// long as there is none.
	frozen func(ctx context.Context) ([]byte, error)
}

// watchDrift makes what watches the drift of a pipeline whose broker is connected;
// nil without drift: in its config. It starts nothing.
func (p *process) watchDrift(w *brokerWiring, connected pipeline.Broker, model *loadedModel) (*driftWatch, error) {
	cfg := &w.file.Pipeline
	if cfg.Drift == nil {
		return nil, nil
	}
	windows, err := windowsSettings(cfg.Drift)
	if err != nil {
		return nil, &refusal{err}
	}
	d := &driftWatch{wiring: w, model: model, windows: windows}
	if d.streams, err = p.driftStreams(w, connected, model.identity); err != nil {
		return nil, err
	}
	d.monitor.Store(d.with(model.normal))
	if hook := &cfg.Drift.Webhook; hook.URL != "" {
		d.webhook, err = monitor.NewWebhook(monitor.WebhookOptions{
			URL: hook.URL, Secret: hook.Secret.Reveal(), Log: w.log,
			Open: func(ctx context.Context) (monitor.Alarms, error) {
				if err := d.streams.prepare(ctx); err != nil {
					return nil, err
				}
				return d.streams.alarms(ctx)
			},
		})
		if err != nil {
			return nil, &refusal{err}
		}
	}
	w.counts.WatchDrift(d.own)
	return d, nil
}

// with is the monitor that compares with a reference; nil: that collects one.
func (d *driftWatch) with(ref *drift.Reference) *monitor.Monitor {
	cfg, windows := &d.wiring.file.Pipeline, d.windows
	collected := ""
	if ref != nil {
		windows.Collect = 0
	}
	if ref != nil && d.model.normal == nil {
		collected = drift.NewSchema(d.model.observed.Fields, nil).Generation
	}
	schema := drift.NewSchema(d.model.observed.Fields, ref)
	return monitor.New(monitor.Options{
		Core: monitor.CoreOptions{
			Pipeline: cfg.Name,
			Identity: monitor.NewIdentity(d.model.identity.Name, d.model.identity.Version, schema.Generation, windows),
			Schema:   schema, Reference: ref, Collected: collected, Fields: d.model.observed.Fields, Block: windows.Pane,
			Windows: windows, Judge: judgeSettings(cfg.Drift, windows.Windows),
		},
		Broker: d.streams.monitor, Timeout: cfg.TransactionTimeout, Log: d.wiring.log, Events: d.wiring.counts.DriftEvents(),
	})
}

// own are the reports that this process is to show as metrics.
func (d *driftWatch) own() []*drift.Report { return d.monitor.Load().Own(d.reports.Latest()) }

// caughtUp tells whether this process has told all of the drift that the events so far
// allow. Where it is not the one that tells it gives it up after a while: another one
// does, or nobody can. One goroutine asks.
func (d *driftWatch) caughtUp() bool {
	if d.asked.IsZero() {
		d.asked = time.Now()
	}
	m := d.monitor.Load()
	if m.CaughtUp() {
		return true
	}
	// Who was killed is followed after the session timeout.
	if m.Owner() || time.Since(d.asked) < 2*d.wiring.file.Pipeline.Source.SessionTimeout {
		return false
	}
	d.wiring.log.Warn("this process does not watch drift: what is left to tell of it is told by another one, or by the next run", "state", m.Status().State, "reason", m.Status().Reason)
	return true
}

// run watches until ctx ends, and then commits what was counted last, which hard
// cuts short.
func (d *driftWatch) run(ctx, hard context.Context) {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { d.reports.Follow(ctx, d.streams.reports, d.wiring.log) })
	if d.webhook != nil {
		parts.Go(func() { d.webhook.Run(ctx, hard) })
	}
	if d.model.normal != nil || d.collect(ctx, hard) {
		_ = d.monitor.Load().Run(ctx, hard) // with a reference nothing but ctx ends it
	}
}

// driftStreams wires the broker that the config names.
func (p *process) driftStreams(w *brokerWiring, connected pipeline.Broker, model penstock.ModelIdentity) (*driftStreams, error) {
	cfg := &w.file.Pipeline
	switch b := &cfg.Broker; {
	case b.NATS != nil:
		connect, err := broker.NATSOptions(b.NATS)
		if err != nil {
			return nil, &refusal{err}
		}
		return w.driftOnNATS(connect, nil, connected, model), nil
	case b.Embedded != nil:
		server, err := p.embeddedServer(w)
		if err != nil {
			return nil, err
		}
		connect, err := server.connect()
		if err != nil {
			return nil, err
		}
		return w.driftOnNATS(connect, server.BeginBatch, connected, model), nil
	}
	return w.driftOnKafka(model)
}

// Drift is the latest that was said of the pipeline's drift.
func (o *openPipeline) Drift() []*drift.Report {
	if o.drift == nil {
		return nil
	}
	return o.drift.reports.Latest()
}

// Status is the pipeline's, with what this process does about drift.
func (o *openPipeline) Status() telemetry.Status {
	s := o.Pipeline.Status()
	if o.drift != nil {
		s.Drift = new(o.drift.monitor.Load().Status())
	}
	return s
}
