//go:build kafka

package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/kafkatest"
)

// sharedKafka is started by the first test that needs it.
var sharedKafka = sync.OnceValues(func() (*kafkatest.Broker, error) {
	b, err := kafkatest.Start(context.Background(), kafkatest.Options{Properties: map[string]string{
		"group.min.session.timeout.ms":                                "500",
		"offsets.topic.num.partitions":                                "4",
		"transaction.state.log.num.partitions":                        "4",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
	}})
	if err == nil {
		shared.brokers = append(shared.brokers, b.Close)
	}
	return b, err
})

// onKafka is a stage's side at a real Apache Kafka.
type onKafka struct {
	*kafkatest.Broker
	st *stage
}

const sinkPartitions = 5

// kafka is the opener.
func kafka(st *stage) broker {
	st.Helper()
	b, err := sharedKafka()
	if err == nil && b.PID() == 0 { // an earlier test failed with it down
		err = b.Restart(st.Context())
	}
	if err != nil {
		st.Fatal(err)
	}
	k := &onKafka{b, st}
	k.createTopic(k.source(), sourcePartitions)
	k.createTopic(k.sink(), sinkPartitions)
	k.createTopic(k.dead(), 3)
	return k
}

func (k *onKafka) source() string { return k.st.name + ".events" }
func (k *onKafka) sink() string   { return k.st.name + ".predictions" }
func (k *onKafka) dead() string   { return k.st.name + ".dead" }

func (k *onKafka) createTopic(name string, partitions int32) {
	k.st.Helper()
	if err := k.CreateTopic(k.st.Context(), name, partitions); err != nil {
		k.st.Fatal(err)
	}
}

func (k *onKafka) config() string {
	return fmt.Sprintf(`broker: {kafka: {bootstrap_servers: ["%s"]}}
source: {topic: %s, event_time: event_time, session_timeout: %s}
sink: {topic: %s}
dead_letter: {topic: %s}
`, k.Addr(kafkatest.Plaintext), k.source(), k.st.sessionTimeout, k.sink(), k.dead())
}

func (k *onKafka) beside(pipeline string) []string {
	return []string{"name=" + pipeline, "sink.topic=" + pipeline + ".predictions", "dead_letter.topic=" + pipeline + ".dead", "create_topics=true"}
}

func (k *onKafka) client(opts ...kgo.Opt) *kgo.Client {
	k.st.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(k.Addr(kafkatest.Plaintext)),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))...)
	if err != nil {
		k.st.Fatal(err)
	}
	return client
}

// open asks for transactions that are open, exactly once. The dead commit
// nothing, so that after a kill this has no race.
func (k *onKafka) open(instance string) bool {
	if k.st.atLeastOnce {
		return k.st.noted(instance)
	}
	ctx, cancel := context.WithTimeout(k.st.Context(), 5*time.Second)
	defer cancel()
	all, err := k.Admin().ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil {
		return false
	}
	for id := range all {
		member, ours := strings.CutPrefix(id, "penstock-"+k.st.name+"/")
		if ours && (instance == "" || strings.HasPrefix(member, instance+"-")) {
			return true
		}
	}
	return false
}

func (k *onKafka) members() (members []string, atRest bool) {
	ctx, cancel := context.WithTimeout(k.st.Context(), 5*time.Second)
	defer cancel()
	groups, err := k.Admin().DescribeGroups(ctx, k.st.name)
	if err != nil {
		return nil, false
	}
	g := groups[k.st.name]
	for _, m := range g.Members {
		if m.InstanceID != nil {
			members = append(members, strings.TrimPrefix(*m.InstanceID, k.st.name+"-"))
		}
	}
	return members, g.State == "Stable"
}

func (k *onKafka) stands() (at, ends int64) {
	ctx, cancel := context.WithTimeout(k.st.Context(), 5*time.Second)
	defer cancel()
	committed, err := k.Admin().FetchOffsets(ctx, k.st.name)
	all, err2 := k.Admin().ListEndOffsets(ctx, k.source())
	if err != nil || err2 != nil {
		return 0, 0
	}
	for p := range int32(sourcePartitions) {
		if o, ok := committed.Lookup(k.source(), p); ok {
			at += o.At
		}
		if o, ok := all.Lookup(k.source(), p); ok {
			ends += o.Offset
		}
	}
	return at, ends
}

// settled waits until no transaction is open in the topics.
func (k *onKafka) settled() {
	k.st.Helper()
	topics := []string{k.source(), k.sink(), k.dead()}
	k.st.eventually(settleTime+k.st.transactionTimeout, "the last transaction ends", func() bool {
		ctx, cancel := context.WithTimeout(k.st.Context(), 5*time.Second)
		defer cancel()
		stable, err := k.Admin().ListCommittedOffsets(ctx, topics...)
		ends, err2 := k.Admin().ListEndOffsets(ctx, topics...)
		return err == nil && err2 == nil && same(stable, ends)
	})
}

// same tells whether a's topics end where b's do.
func same(a, b kadm.ListedOffsets) bool {
	for topic, partitions := range b {
		for p, end := range partitions {
			if a[topic][p].Offset != end.Offset {
				return false
			}
		}
	}
	return true
}

// kafkaPublisher gives each event its partition.
type kafkaPublisher struct {
	k      *onKafka
	client *kgo.Client
	failed atomic.Pointer[error]
}

func (k *onKafka) publisher() publisher {
	k.st.Helper()
	return &kafkaPublisher{k: k, client: k.client(kgo.DefaultProduceTopic(k.source()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))}
}

func (p *kafkaPublisher) publish(e *newEvent) {
	r := &kgo.Record{Partition: int32(e.partition), Key: e.key, Value: e.value}
	if e.traced {
		r.Headers = []kgo.RecordHeader{{Key: "trace", Value: []byte{0, 1, 254}}, {Key: "trace", Value: nil}}
	}
	p.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			p.failed.Store(&err)
		}
	})
}

func (p *kafkaPublisher) flush() error {
	if err := p.client.Flush(p.k.st.Context()); err != nil {
		return err
	}
	if err := p.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (p *kafkaPublisher) close() { p.client.Close() }

// TestKafka puts a real Apache Kafka to the suite.
func TestKafka(t *testing.T) {
	trial{on: kafka, part: 1, points: []string{"drift-published:kill:0.3"}, mutants: map[string]plan{
		"commit-before-publish": kills(),
		"no-fencing":            zombies(),
		"mark-after-revoke":     rebalances().atLeastOnce(),
	}}.run(t)
}
