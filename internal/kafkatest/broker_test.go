//go:build kafka

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/brokertest"
)

func newClient(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// produce writes one record in a transaction of its own.
func produce(ctx context.Context, client *kgo.Client, topic, value string) error {
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr()
	return errors.Join(err, client.EndTransaction(ctx, kgo.TransactionEndTry(err == nil)))
}

// committed reads n records of the topic as a read_committed consumer.
func committed(t *testing.T, b *Broker, topic string, n int) []string {
	t.Helper()
	client := newClient(t, kgo.SeedBrokers(b.Addr(Plaintext)), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var values []string
	for len(values) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read %d of %d records of %s: %v", len(values), n, topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// TestBrokerLivesDiesAndReturns: what was committed right before a stop or a
// kill, its markers written or not, is there afterwards, at the same address.
func TestBrokerLivesDiesAndReturns(t *testing.T) {
	t.Parallel()
	b := ForTest(t, Options{})
	ctx := t.Context()
	if err := b.CreateTopic(ctx, "kept", 1, "retention.ms=-1"); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, kgo.SeedBrokers(b.Addr(Plaintext)), kgo.TransactionalID("writer"))
	stop := func() error { return b.Stop(ctx) }
	down := []func() error{b.Kill, stop, b.Kill, b.Kill}
	var want []string
	for i, end := range down {
		value := fmt.Sprintf("before end %d", i)
		want = append(want, value)
		if err := produce(ctx, client, "kept", value); err != nil {
			t.Fatal(err)
		}
		pid := b.PID()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if brokertest.Alive(pid) {
			t.Errorf("process %d is still there", pid)
		}
		if conn, err := net.Dial("tcp", b.Addr(Plaintext)); err == nil {
			conn.Close()
			t.Error("somebody answers for a broker that is down")
		}
		if err := b.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		if got := committed(t, b, "kept", len(want)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("after restart %d there is %q, want %q", i, got, want)
		}
	}
	b.Close()
	b.Close()
	if _, err := os.Stat(b.Dir); err == nil {
		t.Errorf("Close left %s", b.Dir)
	}
}

// TestFrozenBroker: a frozen broker answers nobody and goes on where it was.
func TestFrozenBroker(t *testing.T) {
	t.Parallel()
	b := ForTest(t, Options{})
	ping := func(limit time.Duration) error {
		client := newClient(t, kgo.SeedBrokers(b.Addr(Plaintext)))
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return client.Ping(ctx)
	}
	if err := b.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := ping(500 * time.Millisecond); err == nil {
		t.Error("a frozen broker answered")
	}
	if err := b.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := ping(30 * time.Second); err != nil {
		t.Errorf("after Resume: %v", err)
	}
}

// TestProxiedListener: everything that a client of Proxied does goes through
// the proxy, also after it has learned the broker's addresses.
func TestProxiedListener(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	b := ForTest(t, Options{Delay: delay})
	ctx := t.Context()
	if err := b.CreateTopic(ctx, "far", 1); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, kgo.SeedBrokers(b.Addr(Proxied)), kgo.TransactionalID("far-writer"), kgo.RecordDeliveryTimeout(time.Minute))
	if err := produce(ctx, client, "far", "warm"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := produce(ctx, client, "far", "delayed"); err != nil {
		t.Fatal(err)
	}
	// A produce and the end of the transaction, a round trip each.
	if took := time.Since(start); took < 4*delay {
		t.Errorf("a transaction took %v, less than two round trips of 2 × %v: it went around the proxy", took, delay)
	}

	b.Proxy().Cut()
	away, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := client.Ping(away); err == nil {
		t.Error("a broker that is away answered")
	}
	if err := b.Proxy().Restore(); err != nil {
		t.Fatal(err)
	}
	if err := produce(ctx, client, "far", "back"); err != nil {
		t.Errorf("after Restore: %v", err)
	}
}
