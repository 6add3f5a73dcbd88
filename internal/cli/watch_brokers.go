package cli

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/monitor"
	"github.com/penstock/penstock/internal/pipeline"
)

func (w *brokerWiring) driftOnKafka(model penstock.ModelIdentity) (*driftStreams, error) {
	cfg := &w.file.Pipeline
	connect, err := broker.ConnectOptions(cfg.Broker.Kafka)
	if err != nil {
		return nil, &refusal{err}
	}
	connect = append(connect, broker.LogTo(w.log))
	session := sessionOptions(cfg, w.workers, w.limits)
	session.Connect, session.Liveness = connect, &broker.Liveness{}
	topics := monitor.KafkaTopics{
		Panes: broker.PanesTopic(cfg), Reports: broker.ReportsTopic(cfg), Alarms: broker.AlarmsTopic(cfg),
		Latest: broker.LatestTopic(cfg), State: broker.DriftStateTopic(cfg), References: broker.StateTopic(cfg),
	}
	// The workers do not need all of them, so that what is wrong with one that only
	// watching takes keeps nobody from scoring.
	own := w.topics(func(t *broker.Topic) bool { return t.Own })
	prepare := func(ctx context.Context) error {
		client, err := kgo.NewClient(connect...)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		defer client.Close()
		_, err = own.Prepare(ctx, client)
		return err
	}
	return &driftStreams{
		prepare: prepare,
		monitor: monitor.NewKafka(monitor.KafkaOptions{
			Session: session, Group: cfg.Source.Group, Instance: w.instance, Sources: cfg.Source.AllTopics(),
			Topics: topics, Prepare: prepare,
		}),
		reports: monitor.ReadKafka(connect, topics.Latest),
		alarms:  monitor.KafkaAlarms(connect, topics.Alarms, monitor.WebhookGroup(cfg.Source.Group)),
		frozen: func(ctx context.Context) ([]byte, error) {
			references, err := broker.NewReferences(connect, topics.References)
			if err != nil {
				return nil, err
			}
			defer references.Close()
			return references.Of(ctx, model.Name, model.Version)
		},
	}, nil
}

func (w *brokerWiring) driftOnNATS(connect []nats.Option, begin broker.BeginBatch, connected pipeline.Broker, model penstock.ModelIdentity) *driftStreams {
	options := monitor.NATSOptions{NATSPipeline: w.natsPipeline(connect, begin), Prepare: connected.Prepare}
	return &driftStreams{
		prepare: connected.Prepare,
		monitor: monitor.NewNATS(options), reports: monitor.ReadNATS(options), alarms: monitor.NATSAlarms(options),
		frozen: func(ctx context.Context) ([]byte, error) {
			conn, err := broker.ConnectNATS(connect)
			if err != nil {
				return nil, err
			}
			defer conn.Close()
			js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(options.Timeout))
			if err != nil {
				return nil, err
			}
			return broker.NATSReference(ctx, js, options.Own, options.Subjects, model.Name, model.Version)
		},
	}
}
