package cli

import (
	"context"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/embedded"
	"github.com/penstock/penstock/internal/pipeline"
)

// nats makes the pipeline's way to its server.
func (w *brokerWiring) nats() (pipeline.Broker, error) {
	cfg := &w.file.Pipeline
	connect, err := broker.NATSOptions(cfg.Broker.NATS)
	if err != nil {
		return nil, &refusal{err}
	}
	return w.onNATS(connect, nil, func(ctx context.Context, js jetstream.JetStream) (int64, error) {
		return w.prepareStreams(ctx, js, cfg.CreateTopics)
	}), nil
}

// embedded makes the pipeline's way to the server of its dir, which is started
// where no other pipeline has.
func (p *process) embedded(w *brokerWiring) (pipeline.Broker, error) {
	server, err := p.embeddedServer(w)
	if err != nil {
		return nil, err
	}
	connect, err := server.connect()
	if err != nil {
		return nil, err
	}
	// Nobody else could make the source where nobody else gets in.
	prepare := func(ctx context.Context, js jetstream.JetStream) (int64, error) {
		if err := server.readable(w.file.Pipeline.Source.Stream, w.file.Pipeline.Sink.Stream); err != nil {
			return 0, err
		}
		return w.prepareStreams(ctx, js, true)
	}
	return &embeddedBroker{NATS: w.onNATS(connect, server.BeginBatch, prepare), server: server}, nil
}

// embeddedServer is that of the pipeline's dir, the same for all who ask.
func (p *process) embeddedServer(w *brokerWiring) (*embeddedServer, error) {
	return p.servers.start(w.file.Pipeline.Broker.Embedded, embedded.NATSOptions{Log: p.session.log, AwaitRoom: true})
}

func (w *brokerWiring) onNATS(connect []nats.Option, begin broker.BeginBatch, prepare func(context.Context, jetstream.JetStream) (int64, error)) *pipeline.NATS {
	cfg := &w.file.Pipeline
	return pipeline.NewNATS(pipeline.NATSOptions{
		NATSPipeline: w.natsPipeline(connect, begin), Streams: prepare, Workers: w.workers,
		Start: cfg.Source.Start, From: w.from, ExactlyOnce: cfg.Delivery == exactlyOnce,
		FetchMaxBytes: int64(cfg.Source.FetchMaxBytes) / int64(w.workers),
		Model:         w.model, Claims: cfg.Drift != nil, Limits: w.limits, Telemetry: w.counts,
	})
}

func (w *brokerWiring) natsPipeline(connect []nats.Option, begin broker.BeginBatch) broker.NATSPipeline {
	cfg := &w.file.Pipeline
	return broker.NATSPipeline{
		Connect: connect, BeginBatch: begin, Source: cfg.Source.Stream, Filters: cfg.Source.Filters(),
		Own: cfg.Sink.Stream, Subjects: broker.NewSubjects(cfg), Group: cfg.Source.Group, Instance: w.instance,
		SessionTimeout: cfg.Source.SessionTimeout, Timeout: cfg.TransactionTimeout, Log: w.log,
	}
}

// embeddedBroker is a pipeline's broker within this process.
type embeddedBroker struct {
	*pipeline.NATS
	server *embeddedServer
}

// Health says what is wrong with the server, since it knows better than who is
// connected to it.
func (b *embeddedBroker) Health() string {
	if trouble := b.server.health(); trouble != "" {
		return trouble
	}
	return b.NATS.Health()
}

// prepareStreams makes the streams that may be made, all that are missing or the
// pipeline's own alone, and says which are missing or not as they must be. It gives
// the largest message that the pipeline's own takes.
func (w *brokerWiring) prepareStreams(ctx context.Context, js jetstream.JetStream, all bool) (largest int64, err error) {
	cfg := &w.file.Pipeline
	found, err := w.makeStreams(ctx, js, all)
	if err != nil {
		return 0, err
	}
	for _, f := range broker.CompareStreams(cfg, found) {
		switch {
		case f.Missing:
			return 0, broker.ToCreate(f, w.file.Path)
		case !f.Warning:
			return 0, &broker.UnfitError{Finding: f}
		}
	}
	own := slices.IndexFunc(found, func(f broker.FoundStream) bool { return f.Own })
	return found[own].MaxMessage, nil
}

// makeStreams makes streams that are missing, and gives what is there then.
func (w *brokerWiring) makeStreams(ctx context.Context, js jetstream.JetStream, all bool) ([]broker.FoundStream, error) {
	w.making.Lock()
	defer w.making.Unlock()
	needed := broker.NeededStreams(&w.file.Pipeline)
	found, err := broker.InspectStreams(ctx, js, needed)
	if err != nil || !slices.ContainsFunc(found, func(f broker.FoundStream) bool { return !f.Exists() }) {
		return found, err
	}
	made, err := broker.CreateStreams(ctx, js, found, !all)
	for _, s := range made {
		w.log.Info("created a stream", "stream", s.Name, "role", s.Role)
	}
	if err != nil {
		return nil, err
	}
	return broker.InspectStreams(ctx, js, needed)
}
