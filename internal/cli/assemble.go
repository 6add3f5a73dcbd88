package cli

import (
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/rollout"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// assemble wires a config and its model to a pipeline.
func (p *process) assemble(f *config.File, model *loadedModel) (*openPipeline, error) {
	cfg := &f.Pipeline
	name, err := instance(cfg)
	if err != nil {
		return nil, err
	}
	plan := rollout.New(model.identity)
	champion := plan.Champion()
	loaded := time.Now()
	counts := telemetry.NewPipeline(telemetry.PipelineOptions{
		Name: cfg.Name, Model: champion.Model, Variant: champion.Name, LoadedAt: loaded,
	})
	limits := broker.NewLimits()
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	log := p.session.log.With("pipeline", cfg.Name)
	wiring := &brokerWiring{
		file: f, from: p.command.From, instance: name, model: champion.Model.Name,
		workers: workers, limits: limits, counts: counts, log: log,
	}
	connected, err := p.openBroker(wiring)
	if err != nil {
		return nil, err
	}
	watch, err := p.watchDrift(wiring, connected, model)
	if err != nil {
		connected.Close()
		return nil, err
	}
	counting := model.counting(cfg, champion)
	if watch != nil {
		counting.CaughtUp = watch.caughtUp
	}
	sink, deadLetters := sinkTopics(cfg)
	made, err := pipeline.New(pipeline.Config{
		Name: cfg.Name, Instance: name, Delivery: cfg.Delivery,
		Workers: workers, BatchRows: cfg.Batch.MaxRows, BatchWait: cfg.Batch.MaxWait,
		CommitInterval: cfg.CommitInterval, CommitTimeout: cfg.TransactionTimeout,
		SessionTimeout: cfg.Source.SessionTimeout, DrainTimeout: cfg.DrainTimeout,
		MaxDeadShare: cfg.DeadLetter.MaxShare, Stay: p.command.Stay, UntilEnd: p.command.UntilEnd,
		SinkTopic: sink, Limits: limits,
		DeadLetters: &producer.DeadLetters{Pipeline: cfg.Name, Model: champion.Model, Limits: limits, Topic: deadLetters},
		Model: pipeline.Model{
			Identity: champion.Model, Variant: champion.Name, Plan: plan.Version(), LoadedAt: loaded,
			Runtime: model.model, Mapping: model.plan, Output: model.out, Encoder: model.encoder, Scoring: model.scoring,
			Isolated: func() (pipeline.Isolated, error) { return model.isolated(f) },
		},
		Drift:     counting,
		Telemetry: counts, Log: log,
	}, connected)
	if err != nil {
		connected.Close()
		return nil, err
	}
	return &openPipeline{Pipeline: made, counts: counts, broker: connected, model: model, drift: watch}, nil
}

// brokerWiring is what a pipeline's broker is made of, whichever it is.
type brokerWiring struct {
	file     *config.File
	from     string // --from
	instance string
	model    string // its name
	workers  int
	limits   *broker.Limits
	counts   *telemetry.Pipeline
	log      *slog.Logger
	making   sync.Mutex // held by who makes streams: all workers want them first
}

// openBroker makes the broker that the config names. What it makes connects when
// it is first asked for something; one within this process is started.
func (p *process) openBroker(w *brokerWiring) (pipeline.Broker, error) {
	switch b := &w.file.Pipeline.Broker; {
	case b.NATS != nil:
		return w.nats()
	case b.Embedded != nil:
		return p.embedded(w)
	}
	return w.kafka()
}

// sinkTopics are the topic or subject of predictions, and that of a source's dead
// letters.
func sinkTopics(cfg *config.Pipeline) (sink string, deadLetters func(source string) string) {
	if cfg.Broker.Kafka != nil {
		return cfg.Sink.Topic, func(source string) string { return broker.DeadLetterTopic(cfg, source) }
	}
	subjects := broker.NewSubjects(cfg)
	return subjects.Predictions(), func(string) string { return subjects.Dead() }
}
