package pipeline_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/brokertest"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
	"github.com/penstock/penstock/internal/pipeline"
)

// natsStream is a nats-server with a source stream of a filter a partition.
type natsStream struct {
	proxy      *brokertest.Proxy // the pipeline's way to the server
	js         jetstream.JetStream
	subjects   broker.Subjects
	partitions int
	filters    []string // empty: one a partition
	retention  jetstream.RetentionPolicy
	restAfter  time.Duration
	fetch      int64
	// streams stands for prepare where it is not nil, every so often.
	streams      func(ctx context.Context, js jetstream.JetStream) (largest int64, err error)
	compareAfter time.Duration
}

func newNATS(t testing.TB) stream { return newLimitedNATS(t, server.JSLimitOpts{}) }

func newLimitedNATS(t testing.TB, limits server.JSLimitOpts) *natsStream {
	t.Helper()
	return newNATSWith(t, func(o *server.Options) { o.JetStreamLimits = limits })
}

func newNATSWith(t testing.TB, change func(*server.Options)) *natsStream {
	t.Helper()
	s := natstest.InProcess(t, change)
	conn, err := nats.Connect("", nats.InProcessServer(s))
	js := natstest.JetStream(t, conn, err)
	proxy := brokertest.ProxyForTest(t, s.Addr().String())
	return &natsStream{
		proxy: proxy, js: js, partitions: 2,
		subjects: broker.NewSubjects(&config.Pipeline{Name: "p", Source: config.Source{Group: "p"}}),
	}
}

func (s *natsStream) Source() string        { return "in" }
func (s *natsStream) Sink() string          { return s.subjects.Predictions() }
func (s *natsStream) Dead(string) string    { return s.subjects.Dead() }
func (s *natsStream) Panes() string         { return s.subjects.Panes() }
func (s *natsStream) Key(string) []byte     { return nil }
func (s *natsStream) Missing() string       { return "stream in" }
func (s *natsStream) filter(p int32) string { return fmt.Sprintf("in.%d", p) }

func (s *natsStream) ID(partition int32, nth int64) string {
	return fmt.Sprintf("in/%s/%d", s.filter(partition), nth+1)
}

func (s *natsStream) Create(t testing.TB, source, _ int) {
	t.Helper()
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "in", Subjects: []string{"in.*"}, Retention: s.retention, MaxConsumers: 4000}); err != nil {
		t.Fatal(err)
	}
	s.partitions = source
}

func (s *natsStream) Publish(t testing.TB, records ...record) {
	t.Helper()
	for _, r := range records {
		m := nats.NewMsg(s.filter(r.Partition))
		m.Data = r.Value
		for _, h := range r.Headers {
			m.Header[h.Key] = append(m.Header[h.Key], string(h.Value))
		}
		if r.Value == nil {
			m.Header.Set("KV-Operation", "DEL")
		}
		if _, err := s.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *natsStream) Read(t testing.TB, what side, n int) []record {
	t.Helper()
	subject := map[side]string{sink: s.Sink(), deadLetters: s.Dead(""), panes: s.Panes()}[what]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []record
	var own jetstream.Stream
	eventually(t, "the pipeline's own stream", func() (err error) {
		own, err = s.js.Stream(ctx, "OUT")
		return err
	})
	c, err := own.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := c.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for {
		wait := patience
		if len(all) >= n {
			wait = lookLonger
		}
		m, err := messages.Next(jetstream.NextMaxWait(wait))
		if err != nil {
			if len(all) < n {
				t.Fatalf("%s has %d records, want %d: %v", subject, len(all), n, err)
			}
			return all
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, natsRecord(m, int64(meta.Sequence.Stream)))
	}
}

// natsRecord is a message without what is JetStream's own.
func natsRecord(m jetstream.Msg, sequence int64) record {
	r := record{Offset: sequence, Value: m.Data()}
	headers := m.Headers()
	own := func(key string) bool { return strings.HasPrefix(key, "penstock-") }
	keys := slices.Collect(maps.Keys(headers))
	slices.SortFunc(keys, func(a, b string) int {
		if own(a) != own(b) {
			return map[bool]int{true: 1, false: -1}[own(a)]
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		for _, value := range headers[key] {
			if !strings.HasPrefix(key, "Nats-") {
				r.Headers = append(r.Headers, penstock.Header{Key: key, Value: []byte(value)})
			}
		}
	}
	if len(r.Value) == 0 {
		r.Value = []byte{}
		if r.header("penstock-truncated") != "" {
			r.Value = nil // a message without a body says no more
		}
	}
	return r
}

func (s *natsStream) Positions(t testing.TB) map[int32]int64 {
	t.Helper()
	all := map[int32]int64{}
	for p := range int32(s.partitions) {
		positions := consumer.NATSPositions{JS: s.js, Source: "in", Own: "OUT", Subjects: s.subjects, Group: "p"}
		next, ok, err := positions.Of(t.Context(), s.filter(p))
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			all[p] = int64(next) - 1
		}
	}
	return all
}

func (s *natsStream) Away(t testing.TB) (back func()) {
	s.proxy.Cut()
	return func() {
		if err := s.proxy.Restore(); err != nil {
			t.Error(err)
		}
	}
}

func (s *natsStream) Open(t testing.TB, o openOptions) pipeline.Broker {
	t.Helper()
	filters := s.filters
	if filters == nil {
		for i := range s.partitions {
			filters = append(filters, s.filter(int32(i)))
		}
	}
	connect, err := broker.NATSOptions(&config.NATS{URL: "nats://" + s.proxy.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	streams := s.prepare
	if s.streams != nil {
		streams = s.streams
	}
	return pipeline.NewNATS(pipeline.NATSOptions{
		NATSPipeline: broker.NATSPipeline{
			Connect: connect, Source: "in", Filters: filters, Own: "OUT", Subjects: s.subjects, Group: "p", Instance: o.Instance,
			SessionTimeout: min(o.SessionTimeout, 3*time.Second), Timeout: 5 * time.Second, Log: o.Log,
		},
		Streams: streams, CompareAfter: s.compareAfter,
		Workers: o.Workers, Start: o.Start, From: o.From, ExactlyOnce: o.ExactlyOnce,
		FetchMaxBytes: cmp.Or(s.fetch, 8<<20), RestAfter: s.restAfter,
		Claims: o.Counts, Model: identity.Name, Limits: o.Limits, Telemetry: o.Telemetry,
	})
}

func (s *natsStream) prepare(ctx context.Context, js jetstream.JetStream) (largest int64, err error) {
	if _, err := js.Stream(ctx, "in"); err != nil {
		return 0, fmt.Errorf("stream in (source) is missing: %w", errors.Join(broker.ErrMissing, err))
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "OUT", Subjects: s.subjects.All(), AllowAtomicPublish: true, AllowRollup: true, AllowMsgTTL: true, AllowDirect: true,
	})
	return js.Conn().MaxPayload(), err
}

// TestNATS runs what a pipeline promises on a nats-server.
func TestNATS(t *testing.T) {
	runContract(t, false, newNATS)
}
