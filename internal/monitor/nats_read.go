package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
)

// ReadNATS reads reports of the pipeline's own stream: the latest of each window,
// and what follows.
func ReadNATS(o NATSOptions) func(ctx context.Context) (ReportReader, error) {
	return func(ctx context.Context) (ReportReader, error) {
		conn, err := broker.ConnectNATS(o.Connect)
		if err != nil {
			return nil, err
		}
		r := &natsReports{close: conn.Close}
		js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(o.Timeout))
		var reader jetstream.Consumer
		if err == nil {
			reader, err = js.OrderedConsumer(ctx, o.Own, jetstream.OrderedConsumerConfig{
				FilterSubjects: []string{o.Subjects.Latest("*")}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
			})
		}
		if err == nil {
			r.messages, err = reader.Messages(broker.AtMost(jetstream.DefaultMaxMessages, reader))
		}
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("read reports: %w", err)
		}
		return r, nil
	}
}

type natsReports struct {
	messages jetstream.MessagesContext
	close    func()
}

func (r *natsReports) Next(ctx context.Context) ([][]byte, error) {
	m, err := r.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return [][]byte{m.Data()}, nil
}

func (r *natsReports) Close() {
	r.messages.Stop()
	r.close()
}

// NATSAlarms reads alarms of the pipeline's own stream, in one process at a time.
func NATSAlarms(o NATSOptions) func(ctx context.Context) (Alarms, error) {
	batches := &broker.Batches{Begin: o.BeginBatch}
	return func(ctx context.Context) (Alarms, error) {
		share, err := joinNATS(ctx, &o, batches, WebhookGroup(o.Group), o.Subjects.Alarms())
		if err != nil {
			return nil, err
		}
		return &natsAlarms{share}, nil
	}
}

type natsAlarms struct{ share *natsShare }

func (a *natsAlarms) Next(ctx context.Context) ([]byte, time.Time, error) {
	for {
		messages, err := a.share.take(ctx, 1)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, time.Time{}, err
		}
		if len(messages) == 0 {
			continue
		}
		meta, err := messages[0].Metadata()
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("read alarms: %w", err)
		}
		return messages[0].Data(), meta.Timestamp, nil
	}
}

func (a *natsAlarms) Done(ctx context.Context) error { return a.share.commit(ctx, nil, a.share.next) }

func (a *natsAlarms) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	_ = a.share.leave(ctx) // else the lease expires
	a.share.close()
}
