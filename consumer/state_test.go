package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
)

// TestStateEndsWithATransaction reads a state topic that ends with the marks of
// transactions, as a redrive leaves them: they are no records, and reading to
// the end must not wait for one.
func TestStateEndsWithATransaction(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "p.state"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	connect := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	client, err := kgo.NewClient(append(connect, kgo.TransactionalID("t"), kgo.DefaultProduceTopic("p.state"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for key, end := range map[string]kgo.TransactionEndTry{"kept": kgo.TryCommit, "dropped": kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key), Value: []byte("{}")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	s, err := OpenState(connect, "p.state", "g")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if s.latest["kept"] == nil || s.latest[""] != nil {
		t.Errorf("got %q", s.latest)
	}
}

// TestStateReset checks that a position which somebody chose is gone on from,
// also when the topic is not the one that was read before.
func TestStateReset(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "p.state"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	s, err := OpenState([]kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}, "p.state", "g")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.put(t.Context(), entry{s.topicKey("in"), knownTopic{ID: "old", Partitions: 1}}, entry{s.positionKey("in", 0), knownPosition{TopicID: "old", Offset: 7}}); err != nil {
		t.Fatal(err)
	}
	positions := broker.Offsets{}
	positions.Set("in", 0, 40)
	if err := s.Reset(t.Context(), map[string]broker.Extent{"in": {ID: [16]byte{1}, Partitions: 3}}, positions); err != nil {
		t.Fatal(err)
	}
	seen, err := get[knownTopic](s, s.topicKey("in"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := get[knownPosition](s, s.positionKey("in", 0))
	if err != nil {
		t.Fatal(err)
	}
	p := place{topic: "in", topicID: "01000000000000000000000000000000", committed: 40, start: 10, end: 50, known: known, seen: seen}
	if b, err := p.begin(Latest, ""); err != nil || b.offset != 40 || seen.Partitions != 3 {
		t.Errorf("begins at %d: %v, %+v", b.offset, err, seen)
	}
}
