//go:build unix

package pipeline_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
	"github.com/penstock/penstock/internal/pipeline"
)

// questions bounds a question to the cluster. One that comes while nobody leads is
// never answered, so that this is most of what the loss of a server takes.
const questions = 2 * time.Second

// natsCluster is a cluster of three with a source stream of three replicas, and
// so the pipeline's own.
type natsCluster struct {
	*natsStream
	servers *natstest.Cluster
	needs   []broker.Stream
}

func newNATSCluster(t *testing.T, partitions int) *natsCluster {
	t.Helper()
	c := &natsCluster{servers: natstest.ClusterForTest(t, 3), natsStream: &natsStream{partitions: partitions}}
	conn, err := nats.Connect(c.servers.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if c.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(5*time.Second)); err != nil {
		t.Fatal(err)
	}
	for p := range int32(partitions) {
		c.filters = append(c.filters, c.filter(p))
	}
	p := &config.Pipeline{
		Name: "p", Source: config.Source{Group: "p", Stream: "in", FilterSubjects: c.filters}, Sink: config.Sink{Stream: "OUT"},
	}
	c.subjects, c.needs = broker.NewSubjects(p), broker.NeededStreams(p)
	settings := c.needs[0].Settings
	settings.Replicas = 3
	if _, err := c.js.CreateStream(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *natsCluster) Open(t testing.TB, o openOptions) pipeline.Broker {
	t.Helper()
	connect, err := broker.NATSOptions(&config.NATS{URL: c.servers.URL()})
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.NewNATS(pipeline.NATSOptions{
		NATSPipeline: broker.NATSPipeline{
			Connect: connect, Source: "in", Filters: c.filters, Own: "OUT", Subjects: c.subjects, Group: "p", Instance: o.Instance,
			SessionTimeout: 3 * time.Second, Timeout: questions, Log: o.Log,
		},
		Streams: func(ctx context.Context, js jetstream.JetStream) (largest int64, err error) {
			found, err := broker.InspectStreams(ctx, js, c.needs)
			if err == nil {
				_, err = broker.CreateStreams(ctx, js, found, true)
			}
			return js.Conn().MaxPayload(), err
		},
		Workers: o.Workers, Start: o.Start, From: o.From, ExactlyOnce: o.ExactlyOnce,
		FetchMaxBytes: cmp.Or(c.fetch, 8<<20), RestAfter: c.restAfter,
		Model: identity.Name, Limits: o.Limits, Telemetry: o.Telemetry,
	})
}

// feed publishes events 1, 2, … over the filters in turn, until it is stopped.
type feed struct {
	c    *natsCluster
	stop func()

	mu   sync.Mutex // guards what follows
	sent int        // events
	last []uint64   // by filter, the sequence of its last event
}

func (c *natsCluster) feed(t *testing.T) *feed {
	f := &feed{c: c, last: make([]uint64, c.partitions)}
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for x := 1; f.send(t, x); x++ {
			select {
			case <-quit:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	f.stop = sync.OnceFunc(func() { close(quit); done.Wait() })
	t.Cleanup(f.stop)
	return f
}

// send has an event in the source once: it is sent again under the same id until
// the server has acknowledged it.
func (f *feed) send(t *testing.T, x int) bool {
	partition := x % f.c.partitions
	e := event(int32(partition), x)
	m := nats.NewMsg(f.c.filter(e.Partition))
	m.Data = e.Value
	m.Header.Set(jetstream.MsgIDHeader, strconv.Itoa(x))
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		ack, err := f.c.js.PublishMsg(ctx, m)
		cancel()
		if err == nil {
			f.note(x, partition, ack.Sequence)
			return true
		}
		if time.Now().After(deadline) {
			t.Errorf("event %d cannot be published: %v", x, err)
			return false
		}
	}
}

func (f *feed) note(x, partition int, sequence uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent, f.last[partition] = x, sequence
}

// now is how many events there are, and where the last of each filter is.
func (f *feed) now() (sent int, last []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent, slices.Clone(f.last)
}

// goesOn waits until each filter's position is past an event that was published
// after this was asked.
func (f *feed) goesOn(t *testing.T, exactlyOnce bool) {
	t.Helper()
	_, before := f.now()
	positions := consumer.NATSPositions{JS: f.c.js, Source: "in", Own: "OUT", Subjects: f.c.subjects, Group: "p"}
	for i, filter := range f.c.filters {
		eventually(t, "progress of "+filter, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			next, _, err := positions.Of(ctx, filter)
			if err == nil && next <= before[i]+1 {
				err = fmt.Errorf("it stands at %d, and %d was the last event before", next, before[i])
			}
			return err
		})
	}
}

// leader gives the server that leads a stream, or another one where that has been
// down before.
func (c *natsCluster) leader(t *testing.T, stream string, before []int) int {
	t.Helper()
	leads := -1
	eventually(t, "a leader of "+stream, func() error {
		if leads = c.servers.Leader(stream); leads < 0 {
			return fmt.Errorf("nobody leads it")
		}
		return nil
	})
	for slices.Contains(before, leads) {
		leads = (leads + 1) % 3
	}
	return leads
}

// whole waits until each server has all there is of the streams and of the
// consumers that outlive a server. Two of three may be too few before: nats-server
// was seen to elect nobody when the next one stopped too early, for as long as it
// was away.
func (c *natsCluster) whole(t *testing.T) {
	t.Helper()
	eventually(t, "replicas that have all there is", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, name := range []string{"in", "OUT"} {
			stream, err := c.js.Stream(ctx, name)
			if err != nil {
				return err
			}
			if err := current(stream.CachedInfo().Cluster); err != nil {
				return fmt.Errorf("stream %s: %w", name, err)
			}
			consumers := stream.ListConsumers(ctx)
			for info := range consumers.Info() { // to the end, or the client waits for it
				if info.Config.Durable != "" {
					err = cmp.Or(err, current(info.Cluster))
				}
			}
			if err := cmp.Or(consumers.Err(), err); err != nil {
				return fmt.Errorf("consumers of %s: %w", name, err)
			}
		}
		return nil
	})
}

// current says which of three replicas lags behind.
func current(cluster *jetstream.ClusterInfo) error {
	if cluster.Leader == "" || len(cluster.Replicas) != 2 {
		return fmt.Errorf("%d replicas follow %q", len(cluster.Replicas), cluster.Leader)
	}
	for _, replica := range cluster.Replicas {
		if !replica.Current || replica.Offline {
			return fmt.Errorf("%s is %d behind", replica.Name, replica.Lag)
		}
	}
	return nil
}

// TestNATSClusterLosesEachServer: while one server of three after the other is
// stopped and comes back, the pipeline goes on and loses nothing.
func TestNATSClusterLosesEachServer(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		t.Parallel()
		c := newNATSCluster(t, 4)
		r := pipelineOf(t, c, exactlyOnce, &doubler{}, func(o *setup) { o.open.Workers, o.config.CommitTimeout = 2, 2*questions })
		f := c.feed(t)
		f.goesOn(t, exactlyOnce)
		own, err := c.js.Stream(t.Context(), "OUT")
		if err != nil {
			t.Fatal(err)
		}
		if n := own.CachedInfo().Config.Replicas; n != 3 {
			t.Fatalf("the pipeline's own stream has %d replicas", n)
		}
		var down []int
		for _, stream := range []string{"OUT", "in", "OUT"} {
			c.whole(t)
			i := c.leader(t, stream, down)
			down = append(down, i)
			c.servers.Stop(i)
			f.goesOn(t, exactlyOnce)
			if err := c.servers.Restart(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		f.goesOn(t, exactlyOnce)
		f.stop()
		sent, _ := f.now()
		source, err := c.js.Stream(t.Context(), "in")
		if err != nil {
			t.Fatal(err)
		}
		if n := source.CachedInfo().State.Msgs; n != uint64(sent) {
			t.Fatalf("the source has %d of %d events", n, sent)
		}
		predicted(t, c, exactlyOnce, 1, sent)
		r.ready()
		r.stop() // it has not ended before
	})
}
