package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
)

// demoKafka is the demo's Kafka.
type demoKafka struct {
	cfg    *config.Pipeline
	server *embedded.Kafka
	feed   *kgo.Client
	reader *kgo.Client

	published func(error)
}

func startDemoKafka(cfg *config.Pipeline, kept int64) (demoBroker, error) {
	partitions := demoPartitions()
	server, err := embedded.StartKafka(embedded.KafkaOptions{Topics: demoTopics(cfg, partitions), KeepBytes: kept / int64(partitions)})
	if err != nil {
		return nil, err
	}
	cfg.Broker.Kafka.BootstrapServers = []string{server.Addr()}
	return &demoKafka{cfg: cfg, server: server}, nil
}

// demoTopics are those that a user of the pipeline would create, and that of the
// counts for drift, so that it does not grow.
func demoTopics(p *config.Pipeline, partitions int) []embedded.Topic {
	var all []embedded.Topic
	for _, t := range broker.NeededTopics(p) {
		switch {
		case !t.Own:
			all = append(all, embedded.Topic{Name: t.Name, Partitions: int32(partitions)})
		case t.Role == broker.RolePanes:
			all = append(all, embedded.Topic{Name: t.Name, Partitions: t.Partitions})
		}
	}
	return all
}

func (k *demoKafka) places() demoPlaces {
	source, sink := k.cfg.Source.Topic, k.cfg.Sink.Topic
	return demoPlaces{broker: []string{
		fmt.Sprintf("  Kafka         %s, with the topics %s, %s, %s", k.server.Addr(), source, sink, broker.DeadLetterTopic(k.cfg, source)),
		fmt.Sprintf("                kcat -b %s -t %s -C", k.server.Addr(), sink),
	}}
}

func (k *demoKafka) servers() embeddedServers { return nil }

func (k *demoKafka) connect(_ context.Context, published func(error)) error {
	k.published = published
	common := []kgo.Opt{kgo.SeedBrokers(k.server.Addr()), kgo.ClientID("penstock-demo")}
	var err error
	k.feed, err = kgo.NewClient(append(common, kgo.DefaultProduceTopic(k.cfg.Source.Topic),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()))...)
	if err != nil {
		return fmt.Errorf("send the demo's events: %w", err)
	}
	k.reader, err = kgo.NewClient(append(common, kgo.ConsumeTopics(k.cfg.Sink.Topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		k.feed.Close()
		return fmt.Errorf("read the demo's predictions: %w", err)
	}
	return nil
}

func (k *demoKafka) publish(key, value []byte, at time.Time) error {
	k.feed.Produce(context.Background(), &kgo.Record{Key: key, Value: value, Timestamp: at}, func(_ *kgo.Record, err error) { k.published(err) })
	return nil
}

func (k *demoKafka) flush(ctx context.Context) error { return k.feed.Flush(ctx) }

func (k *demoKafka) predictions(ctx context.Context, take func([]byte) error) error {
	for {
		fetches := k.reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		for r := range fetches.RecordsAll() {
			if err := take(r.Value); err != nil {
				return err
			}
		}
	}
}

func (k *demoKafka) ready(ctx context.Context, p *openPipeline) bool {
	group := k.cfg.Source.Group
	described, err := kadm.NewClient(k.feed).DescribeGroups(ctx, group)
	if err != nil {
		return false // what is wrong the pipeline says, which needs the broker too
	}
	busy := 0
	for _, m := range described[group].Members {
		if assigned, ok := m.Assigned.AsConsumer(); ok && len(assigned.Topics) > 0 {
			busy++
		}
	}
	return described[group].State == "Stable" && busy == len(p.Status().Workers)
}

func (k *demoKafka) disconnect() {
	k.feed.Close()
	k.reader.Close()
}

func (k *demoKafka) stop() { k.server.Close() }
