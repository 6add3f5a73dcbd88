package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
)

// TestWhatFitsIsTaken produces records just within Fits, of many shapes, with a
// client that has the same limit: it must take them all, or they would be
// refused for ever.
func TestWhatFitsIsTaken(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []int32{leastBatch, 1500, 20_000, defaultBatch} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			l := NewLimits()
			l.Set("out", limit)
			client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DisableClientMetrics(), kgo.ProducerLinger(0),
				l.Option(), kgo.ProducerBatchCompression(kgo.NoCompression()))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			longest := make([]byte, limit)
			for range 40 {
				r := penstock.Record{Topic: "out", Key: make([]byte, random.IntN(100))}
				for range random.IntN(12) {
					r.Headers = append(r.Headers, penstock.Header{Key: "header", Value: make([]byte, random.IntN(40))})
				}
				for r.Value = longest; !l.Fits(&r); { // down to the longest that does
					r.Value = r.Value[1:]
				}
				record := &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}
				for _, h := range r.Headers {
					record.Headers = append(record.Headers, kgo.RecordHeader(h))
				}
				if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
					t.Fatalf("key %d, value %d, %d headers: %v", len(r.Key), len(r.Value), len(r.Headers), err)
				}
				if len(r.Value) < int(limit)-1000 {
					t.Errorf("of %d bytes only %d are used", limit, len(r.Value))
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	l := NewLimits()
	expect := func(what string, want int32) {
		t.Helper()
		if got := l.batch("out"); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	expect("nobody said", defaultBatch)
	l.Set("out", 4000)
	l.Set("other", 99)
	expect("told", 4000)
	l.Halve("out")
	expect("refused", 2000)
	l.Set("out", 4000)
	expect("told the same again", 2000)
	l.Set("out", 5000)
	expect("told another", 5000)
	for range 40 {
		l.Halve("out")
	}
	expect("refused for ever", leastBatch)
	l.Set("out", 100)
	l.Halve("out")
	expect("a topic that takes less than anybody needs", 100)
	l.Set("out", 1<<30)
	expect("told more than the client holds", maxBuffered)
}

// TestExcess names what is too large with its size, as the broker counts: a
// prediction of some bytes may have a key or headers of many.
func TestExcess(t *testing.T) {
	l := NewLimits()
	l.Set("out", 2000)
	r := penstock.Record{Topic: "out", Key: make([]byte, 1500), Value: make([]byte, 345), Headers: []penstock.Header{{Key: "trace", Value: make([]byte, 95)}}}
	if got := l.Excess(&r); l.Fits(&r) || got != "with key and headers it has 2052 bytes, and out takes 2000" {
		t.Error(got)
	}
	l.SetHeaders(100)
	if got := l.Excess(&r); l.Fits(&r) || got != "its headers have 110 bytes, and the broker takes 100" {
		t.Error(got)
	}
}
