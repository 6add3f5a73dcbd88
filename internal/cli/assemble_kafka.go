package cli

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/producer"
)

// kafka makes the pipeline's way to its cluster.
func (w *brokerWiring) kafka() (pipeline.Broker, error) {
	cfg := &w.file.Pipeline
	connect, err := broker.ConnectOptions(cfg.Broker.Kafka)
	if err != nil {
		return nil, &refusal{err}
	}
	return pipeline.NewKafka(pipeline.KafkaOptions{
		Connect: append(connect, broker.LogTo(w.log)), State: broker.StateTopic(cfg),
		Topics:  w.topics(func(t *broker.Topic) bool { return !t.Role.Watching() }),
		Workers: w.workers, Instance: w.instance, Start: cfg.Source.Start, From: w.from,
		Session:   sessionOptions(cfg, w.workers, w.limits),
		Telemetry: w.counts, Log: w.log,
	})
}

// topics are those that somebody uses.
func (w *brokerWiring) topics(uses func(*broker.Topic) bool) *broker.Preparation {
	cfg := &w.file.Pipeline
	p := &broker.Preparation{Create: cfg.CreateTopics, Config: w.file.Path, Limits: w.limits, Log: w.log}
	for _, t := range broker.NeededTopics(cfg) {
		if uses(&t) {
			p.Topics = append(p.Topics, t)
		}
	}
	return p
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
