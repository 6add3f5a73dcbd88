package embedded_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/embedded"
)

// start starts a broker that is closed at the test's end.
func start(t *testing.T, o embedded.KafkaOptions) *embedded.Kafka {
	t.Helper()
	k, err := embedded.StartKafka(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// within is a context that ends in time to tell what hangs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestExactlyOnce moves records as a worker does: a static member of a group
// reads, and an aborted and a committed transaction publish; a reader of
// committed records sees the second alone, and the group stands behind it.
func TestExactlyOnce(t *testing.T) {
	ctx := within(t)
	k := start(t, embedded.KafkaOptions{Topics: []embedded.Topic{{Name: "in", Partitions: 2}, {Name: "out", Partitions: 1}}})
	client := open(t, kgo.SeedBrokers(k.Addr()), kgo.DefaultProduceTopic("in"))
	if err := client.ProduceSync(ctx, kgo.StringRecord("a"), kgo.StringRecord("b")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	worker, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(k.Addr()), kgo.ConsumerGroup("g"), kgo.InstanceID("g-0"),
		kgo.TransactionalID("g-0"), kgo.ConsumeTopics("in"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DefaultProduceTopic("out"))
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	for _, attempt := range []struct {
		prefix string
		end    kgo.TransactionEndTry
	}{{"aborted ", kgo.TryAbort}, {"committed ", kgo.TryCommit}} {
		if err := worker.Begin(); err != nil {
			t.Fatal(err)
		}
		for polled := 0; polled < 2; {
			for _, r := range poll(ctx, t, worker.PollFetches) {
				polled++
				worker.Produce(ctx, kgo.StringRecord(attempt.prefix+r), nil)
			}
		}
		if committed, err := worker.End(ctx, attempt.end); err != nil || committed != bool(attempt.end) {
			t.Fatalf("%s: committed %t, %v", attempt.prefix, committed, err)
		}
	}
	reader := open(t, kgo.SeedBrokers(k.Addr()), kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var got []string
	for len(got) < 2 {
		got = append(got, poll(ctx, t, reader.PollFetches)...)
	}
	for _, r := range got {
		if !strings.HasPrefix(r, "committed ") {
			t.Errorf("a reader of committed records sees %q", r)
		}
	}
	offsets, err := kadm.NewClient(client).FetchOffsets(ctx, "g")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	if sum != 2 {
		t.Errorf("the group's offsets add up to %d, want 2", sum)
	}
}

func open(t *testing.T, o ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func poll(ctx context.Context, t *testing.T, fetch func(context.Context) kgo.Fetches) []string {
	t.Helper()
	fetches := fetch(ctx)
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, r := range fetches.Records() {
		values = append(values, string(r.Value))
	}
	return values
}

func TestOldRecordsGo(t *testing.T) {
	ctx := within(t)
	k := start(t, embedded.KafkaOptions{Topics: []embedded.Topic{{Name: "in", Partitions: 1}}, KeepBytes: 64 << 10})
	client := open(t, kgo.SeedBrokers(k.Addr()), kgo.DefaultProduceTopic("in"), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for range 256 {
		if err := client.ProduceSync(ctx, kgo.SliceRecord(make([]byte, 1<<10))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	admin := kadm.NewClient(client)
	for {
		starts, err := admin.ListStartOffsets(ctx, "in")
		if err != nil {
			t.Fatal(err)
		}
		first, _ := starts.Lookup("in", 0)
		if first.Offset > 180 && first.Offset < 200 { // what is left is 64 KiB with its frames
			return
		}
		if first.Offset >= 200 {
			t.Fatalf("the first record left is %d of 256, want about 192", first.Offset)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the first record left is %d of 256, want about 192", first.Offset)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestListen(t *testing.T) {
	taken := start(t, embedded.KafkaOptions{Listen: "localhost:0"})
	if host, _, err := net.SplitHostPort(taken.Addr()); err != nil || host != "127.0.0.1" && host != "::1" {
		t.Errorf("it listens on %s", taken.Addr())
	}
	for address, want := range map[string]string{
		taken.Addr(): "is in use by another process",
		"0.0.0.0:0":  "names no host that clients could connect to",
		":0":         "names no host that clients could connect to",
		"127.0.0.1":  "missing port",
	} {
		k, err := embedded.StartKafka(embedded.KafkaOptions{Listen: address})
		if err == nil {
			k.Close()
			t.Errorf("it listens on %s", address)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	address := taken.Addr()
	taken.Close()
	taken.Close()
	start(t, embedded.KafkaOptions{Listen: address}) // the port is free again
}

func TestTopicTwice(t *testing.T) {
	_, err := embedded.StartKafka(embedded.KafkaOptions{Topics: []embedded.Topic{{Name: "in", Partitions: 1}, {Name: "in", Partitions: 2}}})
	if err == nil || !strings.Contains(err.Error(), "create topic in on the embedded Kafka: ") {
		t.Errorf("%v, want a word on the topic", err)
	}
}
