package pipeline_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/producer"
)

// kafkaStream is a Kafka cluster, of any kind.
type kafkaStream struct {
	prefix string // of all names
	seed   string // what the pipeline is told
	direct string // what the contract itself uses
	client *kgo.Client
	admin  *kadm.Client
	away   func() (back func())
	fake   *kfake.Cluster // nil on a real one
}

func (s *kafkaStream) Source() string { return s.prefix + "in" }
func (s *kafkaStream) Sink() string   { return s.prefix + "out" }

func (s *kafkaStream) Dead(source string) string { return source + ".dead" }
func (s *kafkaStream) Key(text string) []byte    { return []byte(text) }
func (s *kafkaStream) Missing() string           { return "topic " + s.Source() }

func (s *kafkaStream) ID(partition int32, nth int64) string {
	return fmt.Sprintf("%s/%d/%d", s.Source(), partition, nth)
}

func (s *kafkaStream) Panes() string { return s.prefix + "p.panes" }
func (s *kafkaStream) dead() string  { return s.Source() + ".dead" }
func (s *kafkaStream) group() string { return s.prefix + "p" }
func (s *kafkaStream) state() string { return s.prefix + "p.state" }

// newKfake starts an imitation of Kafka.
func newKfake(t testing.TB) *kafkaStream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gate := &gate{Listener: l}
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(_, _ string) (net.Listener, error) { return gate, nil }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	s := newKafkaStream(t, l.Addr().String())
	s.away, s.fake = gate.shut, fake
	return s
}

// newKafkaStream uses a cluster that runs.
func newKafkaStream(t testing.TB, seed string) *kafkaStream {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(seed), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.MetadataMaxAge(time.Second), kgo.UnknownTopicRetries(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &kafkaStream{seed: seed, direct: seed, client: client, admin: kadm.NewClient(client)}
}

// gate is a listener that can be shut, which also cuts what is connected.
type gate struct {
	net.Listener
	mu     sync.Mutex // guards what follows
	isShut bool
	open   []net.Conn
}

func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g.mu.Lock()
		shut := g.isShut
		if !shut {
			g.open = append(g.open, conn)
		}
		g.mu.Unlock()
		if !shut {
			return conn, nil
		}
		_ = conn.Close()
	}
}

func (g *gate) shut() (back func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = true
	for _, conn := range g.open {
		_ = conn.Close()
	}
	g.open = nil
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.isShut = false
	}
}

func (s *kafkaStream) Away(testing.TB) (back func()) { return s.away() }

func (s *kafkaStream) Create(t testing.TB, source, sinks int) {
	t.Helper()
	s.topic(t, s.Source(), source, nil)
	s.topic(t, s.Sink(), sinks, nil)
	s.topic(t, s.dead(), source, nil)
}

func (s *kafkaStream) topic(t testing.TB, name string, partitions int, configs map[string]*string) {
	t.Helper()
	if _, err := s.admin.CreateTopic(t.Context(), int32(partitions), 1, configs, name); err != nil {
		t.Fatal(err)
	}
}

// recreate deletes the source and makes it again.
func (s *kafkaStream) recreate(t testing.TB) {
	t.Helper()
	before := s.id(t, s.Source())
	if _, err := s.admin.DeleteTopic(t.Context(), s.Source()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic again", func() error {
		_, err := s.admin.CreateTopic(t.Context(), 1, 1, nil, s.Source())
		return err
	})
	// A broker that still knows the old one would take events for it.
	eventually(t, "the new topic's id", func() error {
		if id := s.id(t, s.Source()); id == before || id == (kadm.TopicID{}) {
			return errors.New("it is not known yet")
		}
		return nil
	})
	s.client.PurgeTopicsFromClient(s.Source())
}

func (s *kafkaStream) id(t testing.TB, topic string) kadm.TopicID {
	t.Helper()
	found, err := s.admin.ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return found[topic].ID
}

func (s *kafkaStream) Publish(t testing.TB, records ...record) {
	t.Helper()
	s.publish(t, s.client, records...)
}

func (s *kafkaStream) publish(t testing.TB, client *kgo.Client, records ...record) {
	t.Helper()
	made := make([]*kgo.Record, len(records))
	for i, r := range records {
		made[i] = &kgo.Record{Topic: s.Source(), Partition: r.Partition, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			made[i].Headers = append(made[i].Headers, kgo.RecordHeader(h))
		}
	}
	if err := client.ProduceSync(t.Context(), made...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (s *kafkaStream) Read(t testing.TB, what side, n int) []record {
	t.Helper()
	name := map[side]string{sink: s.Sink(), deadLetters: s.dead(), panes: s.Panes()}[what]
	client, err := kgo.NewClient(kgo.SeedBrokers(s.direct), kgo.DisableClientMetrics(), kgo.ConsumeTopics(name), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var all []record
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		poll, stop := ctx, context.CancelFunc(func() {})
		if len(all) >= n { // a little longer: what must not be there is seen too
			poll, stop = context.WithTimeout(ctx, lookLonger)
		}
		fetches := client.PollFetches(poll)
		stop()
		if ctx.Err() != nil {
			t.Fatalf("%s has %d records, want %d", name, len(all), n)
		}
		if fetches.NumRecords() == 0 && len(all) >= n {
			break
		}
		fetches.EachRecord(func(r *kgo.Record) {
			all = append(all, recordOf(r))
		})
	}
	slices.SortFunc(all, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return all
}

// lookLonger is how long a stream that has what it must is watched for what it
// must not have.
const lookLonger = 100 * time.Millisecond

func recordOf(r *kgo.Record) record {
	got := record{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		got.Headers = append(got.Headers, penstock.Header(h))
	}
	return got
}

func (s *kafkaStream) Positions(t testing.TB) map[int32]int64 {
	t.Helper()
	committed, err := s.admin.FetchOffsets(t.Context(), s.group())
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		t.Fatal(err)
	}
	all := map[int32]int64{}
	committed.Each(func(o kadm.OffsetResponse) {
		if o.Topic == s.Source() && o.At >= 0 {
			all[o.Partition] = o.At
		}
	})
	return all
}

func (s *kafkaStream) Open(t testing.TB, o openOptions) pipeline.Broker {
	t.Helper()
	topics := []broker.Topic{
		{Name: s.Source(), Role: broker.RoleSource, Partitions: -1},
		{Name: s.Sink(), Role: broker.RoleSink, Like: []string{s.Source()}},
		{Name: s.dead(), Role: broker.RoleDead, Like: []string{s.Source()}},
		{Name: s.state(), Role: broker.RoleState, Own: true, Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact"}},
	}
	if o.Counts {
		topics = append(topics, broker.Topic{Name: s.Panes(), Role: broker.RolePanes, Own: true, Partitions: 1})
	}
	k, err := pipeline.NewKafka(pipeline.KafkaOptions{
		Connect: []kgo.Opt{kgo.SeedBrokers(s.seed), kgo.DialTimeout(time.Second), kgo.DisableClientMetrics(), broker.LogTo(o.Log)},
		Topics:  &broker.Preparation{Topics: topics, Create: o.Create, Config: "p.yaml", Limits: o.Limits, Log: o.Log},
		State:   s.state(), Workers: o.Workers, Instance: o.Instance,
		Start: o.Start, From: o.From,
		Session: broker.SessionOptions{
			Topics: []string{s.Source()}, Group: s.group(), ExactlyOnce: o.ExactlyOnce, ReadCommitted: true,
			SessionTimeout: o.SessionTimeout, TransactionTimeout: 10 * time.Second, FetchMaxBytes: 8 << 20,
			Compression: kgo.Lz4Compression(), Limits: o.Limits, Partitioner: producer.Partition,
		},
		Telemetry: o.Telemetry, Log: o.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}
