package cli

import (
	"github.com/nats-io/nats.go"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/monitor"
	"github.com/penstock/penstock/internal/pipeline"
)

func (w *brokerWiring) driftOnKafka(connected pipeline.Broker) (*driftStreams, error) {
	cfg := &w.file.Pipeline
	connect, err := broker.ConnectOptions(cfg.Broker.Kafka)
	if err != nil {
		return nil, &refusal{err}
	}
	connect = append(connect, broker.LogTo(w.log))
	session := sessionOptions(cfg, w.workers, w.limits)
	session.Connect, session.Outputs, session.Liveness = connect, broker.NeededTopics(cfg), &broker.Liveness{}
	topics := monitor.KafkaTopics{
		Panes: broker.PanesTopic(cfg), Reports: broker.ReportsTopic(cfg), Alarms: broker.AlarmsTopic(cfg),
		State: broker.DriftStateTopic(cfg), References: broker.StateTopic(cfg),
	}
	return &driftStreams{
		monitor: monitor.NewKafka(monitor.KafkaOptions{
			Session: session, Group: cfg.Source.Group, Instance: w.instance, Sources: cfg.Source.AllTopics(),
			Topics: topics, Prepare: connected.Prepare,
		}),
		reports: monitor.ReadKafka(connect, topics.Reports),
		alarms:  monitor.KafkaAlarms(connect, topics.Alarms, monitor.WebhookGroup(cfg.Source.Group)),
	}, nil
}

func (w *brokerWiring) driftOnNATS(connect []nats.Option, connected pipeline.Broker) *driftStreams {
	cfg := &w.file.Pipeline
	options := monitor.NATSOptions{
		Connect: connect, Source: cfg.Source.Stream, Filters: cfg.Source.Filters(),
		Own: cfg.Sink.Stream, Subjects: broker.NewSubjects(cfg), Group: cfg.Source.Group, Instance: w.instance,
		Prepare: connected.Prepare, SessionTimeout: cfg.Source.SessionTimeout, Timeout: cfg.TransactionTimeout, Log: w.log,
	}
	return &driftStreams{monitor: monitor.NewNATS(options), reports: monitor.ReadNATS(options), alarms: monitor.NATSAlarms(options)}
}
