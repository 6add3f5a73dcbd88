package cli

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
	"github.com/penstock/penstock/internal/telemetry"
)

// demoOnNATS are the settings that have the example run on an embedded server,
// with as many filters as there are partitions.
func demoOnNATS(dir string) []string {
	return []string{
		fmt.Sprintf("broker={embedded: {dir: %q, listen: '127.0.0.1:0'}}", dir),
		fmt.Sprintf("source={stream: TRANSACTIONS, filter_subjects: ['transactions.{0..%d}'], event_time: event_time}", demoPartitions()-1),
		"sink={stream: CARD_FRAUD}",
	}
}

// demoNATS is the demo's NATS.
type demoNATS struct {
	cfg      *config.Pipeline
	all      embeddedServers
	server   *embeddedServer
	subjects broker.Subjects
	filters  []string
	kept     int64

	conn *nats.Conn
	js   jetstream.JetStream
}

func startDemoNATS(cfg *config.Pipeline, kept int64, s *session) (demoBroker, error) {
	d := &demoNATS{cfg: cfg, all: embeddedServers{}, subjects: broker.NewSubjects(cfg), filters: cfg.Source.Filters(), kept: kept}
	var err error
	// The folder is temporary: a crash leaves nobody to want it back.
	d.server, err = d.all.start(cfg.Broker.Embedded, embedded.NATSOptions{Log: s.quiet(), Unsynced: true})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *demoNATS) places() demoPlaces {
	return demoPlaces{broker: []string{
		fmt.Sprintf("  NATS          %s, with the subjects transactions.*, %s, %s", d.server.Addr(), d.subjects.Predictions(), d.subjects.Dead()),
		fmt.Sprintf("                nats -s %s sub --new %s", d.server.Addr(), d.subjects.Predictions()),
	}}
}

func (d *demoNATS) servers() embeddedServers { return d.all }

func (d *demoNATS) connect(ctx context.Context, published func(error)) error {
	options, err := d.server.connect()
	if err != nil {
		return err
	}
	if d.conn, err = broker.ConnectNATS(options); err != nil {
		return err
	}
	d.js, err = jetstream.New(d.conn, jetstream.WithPublishAsyncMaxPending(sendPending),
		jetstream.WithPublishAsyncAckHandler(func(jetstream.JetStream, *nats.Msg, *jetstream.PubAck) { published(nil) }),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) { published(err) }))
	if err == nil {
		err = d.makeStreams(ctx)
	}
	if err != nil {
		d.conn.Close()
		return fmt.Errorf("make the demo's streams: %w", err)
	}
	return nil
}

// makeStreams makes those that a pipeline needs, so that they do not grow.
func (d *demoNATS) makeStreams(ctx context.Context) error {
	for _, stream := range broker.NeededStreams(d.cfg) {
		settings := stream.Settings
		if stream.Own {
			settings.MaxAge = historySeconds * time.Second
		} else {
			settings.MaxBytes = d.kept
		}
		if _, err := d.js.CreateStream(ctx, settings); err != nil {
			return err
		}
	}
	return nil
}

func (d *demoNATS) publish(key, value []byte, _ time.Time) error {
	card := fnv.New32a()
	_, _ = card.Write(key) // it never fails
	m := &nats.Msg{Subject: d.filters[card.Sum32()%uint32(len(d.filters))], Data: value}
	_, err := d.js.PublishMsgAsync(m, jetstream.WithStallWait(flushTime), jetstream.WithRetryAttempts(0))
	return err
}

func (d *demoNATS) flush(ctx context.Context) error {
	select {
	case <-d.js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *demoNATS) predictions(ctx context.Context, take func([]byte) error) error {
	c, err := d.js.OrderedConsumer(ctx, d.cfg.Sink.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{d.subjects.Predictions()}})
	if err != nil {
		return err
	}
	messages, err := c.Messages(broker.AtMost(jetstream.DefaultMaxMessages, c))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(m.Data()); err != nil {
			return err
		}
	}
}

func (d *demoNATS) ready(_ context.Context, p *openPipeline) bool {
	return !slices.ContainsFunc(p.Checks(), func(c telemetry.Check) bool { return !c.OK })
}

func (d *demoNATS) disconnect() { d.conn.Close() }

// stop has nothing to do: the process closes its servers.
func (d *demoNATS) stop() {}
