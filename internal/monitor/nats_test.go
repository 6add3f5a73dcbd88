package monitor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
)

// natsPlace is a server with the streams of a pipeline p.
type natsPlace struct {
	options NATSOptions
	js      jetstream.JetStream
	server  *server.Server
}

func newNATSPlace(t *testing.T, changes ...func(*server.Options)) *natsPlace {
	t.Helper()
	s := natstest.InProcess(t, changes...)
	conn, err := nats.Connect("", nats.InProcessServer(s))
	js := natstest.JetStream(t, conn, err)
	p := &config.Pipeline{Name: "p", Source: config.Source{Group: "p", Stream: "IN"}, Sink: config.Sink{Stream: "OUT"}}
	for _, stream := range broker.NeededStreams(p) {
		if !stream.Own {
			stream.Settings.Subjects = []string{"in.*"}
		}
		if _, err := js.CreateStream(t.Context(), stream.Settings); err != nil {
			t.Fatal(err)
		}
	}
	return &natsPlace{js: js, server: s, options: NATSOptions{
		NATSPipeline: broker.NATSPipeline{
			Connect: []nats.Option{nats.InProcessServer(s)}, Source: "IN", Filters: []string{"in.0", "in.1", "in.2"}, Own: "OUT",
			Subjects: broker.NewSubjects(p), Group: "p", SessionTimeout: testSession, Timeout: 10 * time.Second, Log: quiet,
		},
		Prepare: func(context.Context) error { return nil },
	}}
}

func (n *natsPlace) Broker(instance string) Broker {
	o := n.options
	o.Instance = instance
	return NewNATS(o)
}

func (n *natsPlace) Publish(t *testing.T, deltas []Delta) {
	t.Helper()
	for _, d := range deltas {
		// The partitions go by other names here.
		delta := decoded(t, d.Value)
		delta.Source, delta.Partition = broker.DriftPartition("IN", n.options.Filters[delta.Partition], delta.Partition)
		if _, err := n.js.PublishAsync(n.options.Subjects.Panes(), delta.Encode()[0]); err != nil {
			t.Fatal(err)
		}
	}
	<-n.js.PublishAsyncComplete()
}

func (n *natsPlace) own(t *testing.T) jetstream.Stream {
	t.Helper()
	stream, err := n.js.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func (n *natsPlace) Done(t *testing.T, id Identity) bool {
	t.Helper()
	last, err := n.own(t).GetLastMsgForSubject(t.Context(), n.options.Subjects.Panes())
	if err != nil {
		t.Fatal(err)
	}
	at, err := broker.Last[broker.Position](t.Context(), n.own(t), n.options.Subjects.ForGroup(GroupName("p", id)).Position(natsWhat))
	return err == nil && at != nil && at.Value.Next > last.Sequence
}

func (n *natsPlace) Read(t *testing.T, subject string) [][]byte {
	t.Helper()
	reader, err := n.own(t).OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := reader.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	if info.NumPending == 0 {
		return nil
	}
	messages, err := reader.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for range info.NumPending {
		m, err := messages.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Data())
	}
	return all
}

func (n *natsPlace) Shutdown() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

func (n *natsPlace) Reports(t *testing.T) [][]byte { return n.Read(t, "p.drift") }
func (n *natsPlace) Alarms(t *testing.T) [][]byte  { return n.Read(t, "p.alarms") }

func (n *natsPlace) Reader() func(context.Context) (ReportReader, error) { return ReadNATS(n.options) }

func (n *natsPlace) AlarmReader() func(context.Context) (Alarms, error) {
	o := n.options
	o.Instance = "a"
	return NATSAlarms(o)
}

// die ends the session as the end of the process would: with a batch that is not
// complete.
func (s *natsSession) die(_ context.Context, out *Output) {
	if out == nil {
		return
	}
	for i, m := range s.messages(out) {
		m.Header.Set("Nats-Batch-Id", "torn")
		m.Header.Set("Nats-Batch-Sequence", strings.Repeat("1", i+1)[:1])
		_ = s.Conn.PublishMsg(m)
		break
	}
	_ = s.Conn.Flush()
}
