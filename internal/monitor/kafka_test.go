package monitor

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
)

// kafkaPlace is a cluster with the topics of a pipeline p, whose source has the
// partitions of the tests' stream.
type kafkaPlace struct {
	connect []kgo.Opt
	client  *kgo.Client
	cluster *kfake.Cluster
}

var testTopics = KafkaTopics{Panes: "p.panes", Reports: "p.drift", Alarms: "p.alarms", Latest: "p.drift-latest", State: "p.drift-state", References: "p.state"}

func newKafkaPlace(t *testing.T) *kafkaPlace {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "500"}), kfake.SeedTopics(1, "p.panes", "p.drift", "p.alarms", "p.drift-latest", "p.drift-state", "p.state"), kfake.SeedTopics(testPartitions, "in"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	connect := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DisableClientMetrics()}
	client, err := kgo.NewClient(append(connect, kgo.ProducerLinger(0))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &kafkaPlace{connect, client, cluster}
}

func (k *kafkaPlace) Broker(instance string) Broker {
	return NewKafka(KafkaOptions{
		Session: broker.SessionOptions{
			Connect: k.connect, SessionTimeout: testSession, TransactionTimeout: 10 * time.Second,
			Limits: broker.NewLimits(), Liveness: &broker.Liveness{},
		},
		Group: "p", Instance: instance, Sources: []string{"in"}, Topics: testTopics, Prepare: func(context.Context) error { return nil },
	})
}

func (k *kafkaPlace) Publish(t *testing.T, deltas []Delta) {
	t.Helper()
	var records []*kgo.Record
	for _, d := range deltas {
		records = append(records, &kgo.Record{Topic: "p.panes", Value: d.Value, Timestamp: time.UnixMilli(d.Time)})
	}
	if err := k.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (k *kafkaPlace) Done(t *testing.T, id Identity) bool {
	t.Helper()
	ends, err := broker.Ends(t.Context(), k.client, []string{"p.panes"}, true)
	if err != nil {
		t.Fatal(err)
	}
	done, err := broker.Reached(t.Context(), k.client, GroupName("p", id), ends)
	return err == nil && done
}

func (k *kafkaPlace) Read(t *testing.T, topic string) [][]byte {
	t.Helper()
	ends, err := kadm.NewClient(k.client).ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(append(k.connect, kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var all [][]byte
	end, _ := ends.Lookup(topic, 0)
	for next := int64(0); next < end.Offset; {
		for r := range client.PollFetches(t.Context()).RecordsAll() {
			next = r.Offset + 1
			if !r.Attrs.IsControl() {
				all = append(all, r.Value)
			}
		}
	}
	return all
}

func (k *kafkaPlace) Shutdown() { k.cluster.Close() }

func (k *kafkaPlace) Reports(t *testing.T) [][]byte { return k.Read(t, "p.drift") }
func (k *kafkaPlace) Alarms(t *testing.T) [][]byte  { return k.Read(t, "p.alarms") }

func (k *kafkaPlace) Reader() func(context.Context) (ReportReader, error) {
	return ReadKafka(k.connect, testTopics.Latest)
}

func (k *kafkaPlace) AlarmReader() func(context.Context) (Alarms, error) {
	return KafkaAlarms(k.connect, "p.alarms", WebhookGroup("p"))
}

// die ends the session as the end of the process would: with records in an open
// transaction, and without a word.
func (s *kafkaSession) die(ctx context.Context, out *Output) {
	if out != nil && s.session.Begin(ctx) == nil {
		for _, r := range s.records(out) {
			s.session.Client().Produce(ctx, r, s.promise)
		}
		_ = s.session.Flush(ctx)
	}
}

var quiet = slog.New(slog.DiscardHandler)
