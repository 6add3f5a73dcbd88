package cli

import (
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
	connect, err := broker.ConnectOptions(cfg.Broker.Kafka)
	if err != nil {
		return nil, &refusal{err}
	}
	kafka, err := pipeline.NewKafka(pipeline.KafkaOptions{
		Connect: append(connect, broker.LogTo(log)), Topics: broker.NeededTopics(cfg), State: broker.StateTopic(cfg),
		Create: cfg.CreateTopics, Config: f.Path, Workers: workers, Instance: name,
		Start: cfg.Source.Start, From: p.command.From,
		Session:   sessionOptions(cfg, workers, limits),
		Telemetry: counts, Log: log,
	})
	if err != nil {
		return nil, err
	}
	made, err := pipeline.New(pipeline.Config{
		Name: cfg.Name, Instance: name, Delivery: cfg.Delivery,
		Workers: workers, BatchRows: cfg.Batch.MaxRows, BatchWait: cfg.Batch.MaxWait,
		CommitInterval: cfg.CommitInterval, CommitTimeout: cfg.TransactionTimeout,
		SessionTimeout: cfg.Source.SessionTimeout, DrainTimeout: cfg.DrainTimeout,
		MaxDeadShare: cfg.DeadLetter.MaxShare, Stay: p.command.Stay, UntilEnd: p.command.UntilEnd,
		SinkTopic: cfg.Sink.Topic, Limits: limits,
		DeadLetters: &producer.DeadLetters{
			Pipeline: cfg.Name, Model: champion.Model, Limits: limits,
			Topic: func(source string) string { return broker.DeadLetterTopic(cfg, source) },
		},
		Model: pipeline.Model{
			Identity: champion.Model, Variant: champion.Name, Plan: plan.Version(), LoadedAt: loaded,
			Runtime: model.model, Mapping: model.plan, Output: model.out, Encoder: model.encoder, Scoring: model.scoring,
			Isolated: func() (pipeline.Isolated, error) { return model.isolated(f) },
		},
		Telemetry: counts, Log: log,
	}, kafka)
	if err != nil {
		kafka.Close()
		return nil, err
	}
	return &openPipeline{Pipeline: made, counts: counts, broker: kafka, model: model}, nil
}

// sessionOptions are what the sessions of all workers have in common.
func sessionOptions(cfg *config.Pipeline, workers int, limits *broker.Limits) broker.SessionOptions {
	return broker.SessionOptions{
		Topics: cfg.Source.AllTopics(), Group: cfg.Source.Group,
		ExactlyOnce:    cfg.Delivery == exactlyOnce,
		ReadCommitted:  cfg.Source.Isolation == "read_committed",
		SessionTimeout: cfg.Source.SessionTimeout, TransactionTimeout: cfg.TransactionTimeout,
		FetchMaxBytes: int64(cfg.Source.FetchMaxBytes) / int64(workers),
		Compression:   codec(cfg.Sink.Compression), Limits: limits, Partitioner: producer.Partition,
	}
}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "gzip":
		return kgo.GzipCompression()
	}
	return kgo.NoCompression()
}
