package broker

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// copies is a session that copies what it polls, as a worker does.
type copies struct {
	*Session
	cluster *kfake.Cluster
	client  *kgo.Client
}

// openCopies opens a session.
func openCopies(t *testing.T, cluster *kfake.Cluster, client *kgo.Client, connect ...kgo.Opt) *copies {
	t.Helper()
	connect = append(connect, kgo.SeedBrokers(cluster.ListenAddrs()...))
	return &copies{openAs(t, NewLead("g", "a"), "g", "a", 0, true, connect...), cluster, client}
}

// startCopies opens a session whose first epoch, of one event, is committed, so that
// it knows that it may end others directly.
func startCopies(t *testing.T) *copies {
	t.Helper()
	cluster, client := startFake(t)
	c := openCopies(t, cluster, client)
	c.send(t, 0, "first")
	c.copy(t, 1)
	if c.mayEndDirectly() {
		t.Fatal("it ends its first epoch directly")
	}
	c.commit(t)
	if !c.direct.renewed {
		t.Fatal("the broker does not renew the producer's epoch")
	}
	return c
}

// commit ends an epoch.
func (c *copies) commit(t *testing.T) {
	t.Helper()
	if committed, err := c.End(t.Context(), nil); !committed || err != nil {
		t.Fatalf("committed %t, %v", committed, err)
	}
}

// count counts requests.
func (c *copies) count(key kmsg.Key) *atomic.Int32 {
	n := &atomic.Int32{}
	c.cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		n.Add(1)
		return nil, nil, false
	})
	return n
}

func (c *copies) send(t *testing.T, partition int32, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.cluster.ListenAddrs()...), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Partition: partition, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// copy begins an epoch of n events and returns them.
func (c *copies) copy(t *testing.T, n int) (values []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(values) < n {
		fetches := c.Poll(ctx, n-len(values))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		if err := c.Begin(ctx); err != nil {
			t.Fatal(err)
		}
		for r := range fetches.RecordsAll() {
			values = append(values, string(r.Value))
			c.Produce(ctx, &kgo.Record{Topic: "out", Value: r.Value}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	c.knowsOutput(ctx, t)
	// Whatever the machine takes its time for.
	c.direct.asked = time.Now()
	return values
}

// knowsOutput waits until the client has noted the partitions of out, to which it
// produces shortly before that. A transaction that ends in between leaves their
// sequence numbers as they are, and the broker refuses the next one's first batch.
func (c *copies) knowsOutput(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		if leader, _, err := c.Client().PartitionLeader("out", 0); err == nil && leader >= 0 {
			return
		}
		if ctx.Err() != nil {
			t.Fatal("the client does not get to know where out is")
		}
		time.Sleep(time.Millisecond)
	}
}

// committed are the values of out, and the group's positions of in.
func (c *copies) committed(t *testing.T) (values []string, at map[int32]int64) {
	t.Helper()
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.cluster.ListenAddrs()...), kgo.DisableClientMetrics(), kgo.KeepControlRecords(),
		kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	admin := kadm.NewClient(c.client)
	ends, err := admin.ListCommittedOffsets(t.Context(), "out")
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup("out", 0)
	for next := int64(0); next < end.Offset; {
		for r := range reader.PollFetches(t.Context()).RecordsAll() {
			if next = r.Offset + 1; !r.Attrs.IsControl() {
				values = append(values, string(r.Value))
			}
		}
	}
	offsets, err := admin.FetchOffsets(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	at = map[int32]int64{}
	offsets.Each(func(o kadm.OffsetResponse) { at[o.Partition] = o.At })
	return values, at
}
