package cli

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/monitor"
	"github.com/penstock/penstock/internal/pipeline"
)

func (w *brokerWiring) driftOnKafka(connected pipeline.Broker, model penstock.ModelIdentity) (*driftStreams, error) {
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
	return &driftStreams{
		monitor: monitor.NewKafka(monitor.KafkaOptions{
			Session: session, Group: cfg.Source.Group, Instance: w.instance, Sources: cfg.Source.AllTopics(),
			Topics: topics, Prepare: connected.Prepare,
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
