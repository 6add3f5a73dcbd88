//go:build unix

package natstest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/penstock/penstock/internal/brokertest"
)

// Cluster is some nats-servers in this process that keep streams together, with
// JetStream: a stream with three replicas outlives the loss of one of three.
// Its methods may not be called from several goroutines at once, except URL.
type Cluster struct {
	dir     string
	ports   []int // where each listens for clients, and then where for its peers
	routes  []*url.URL
	servers []*server.Server // nil while one is down
}

// StartCluster starts n servers and returns once they have a leader and know
// each other. Close it.
func StartCluster(ctx context.Context, n int) (*Cluster, error) {
	c, err := newCluster(n)
	if err != nil {
		return nil, fmt.Errorf("start a NATS cluster: %w", err)
	}
	for i := range n {
		if err = c.launch(i); err != nil {
			break
		}
	}
	if err == nil {
		err = c.agree(ctx)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("start a NATS cluster: %w", err)
	}
	return c, nil
}

// ClusterForTest starts n servers that live as long as the test, which fails
// when they do not start.
func ClusterForTest(tb testing.TB, n int) *Cluster {
	tb.Helper()
	c, err := StartCluster(tb.Context(), n)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func newCluster(n int) (*Cluster, error) {
	ports, err := brokertest.FreePorts(2 * n)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "natstest-cluster-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, ports: ports, servers: make([]*server.Server, n)}
	for _, port := range ports[n:] {
		c.routes = append(c.routes, &url.URL{Scheme: "nats", Host: brokertest.Address(port)})
	}
	return c, nil
}

// launch starts server i, and does not wait for the others.
func (c *Cluster) launch(i int) error {
	s, err := server.NewServer(&server.Options{
		ServerName: fmt.Sprintf("server-%d", i), Host: "127.0.0.1", Port: c.ports[i], NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(c.dir, fmt.Sprint(i)), JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 4 << 30,
		Cluster: server.ClusterOpts{Name: "natstest", Host: "127.0.0.1", Port: c.ports[len(c.servers)+i]},
		Routes:  c.routes,
	})
	if err != nil {
		return err
	}
	s.Start()
	c.servers[i] = s
	return nil
}

// agree waits until every server that is up follows a leader who knows them
// all.
func (c *Cluster) agree(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for !c.agreed() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("its servers do not agree on a leader: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (c *Cluster) agreed() bool {
	led := false
	for _, s := range c.servers {
		if s == nil {
			continue
		}
		if !s.ReadyForConnections(time.Millisecond) || !s.JetStreamIsCurrent() {
			return false
		}
		led = led || s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(c.servers)
	}
	return led
}

// URL is where clients connect: all servers, with commas between.
func (c *Cluster) URL() string {
	var all []string
	for _, port := range c.ports[:len(c.servers)] {
		all = append(all, "nats://"+brokertest.Address(port))
	}
	return strings.Join(all, ",")
}

// Leader is the server that leads a stream of the default account, -1 while
// none does.
func (c *Cluster) Leader(stream string) int {
	for i, s := range c.servers {
		if s != nil && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

// Stop stops server i in good order. The others go on, if they are more than
// half.
func (c *Cluster) Stop(i int) {
	if s := c.servers[i]; s != nil {
		s.Shutdown()
		s.WaitForShutdown()
		c.servers[i] = nil
	}
}

// Restart starts server i again, on its streams and at its address, and returns
// once it has caught up with who leads the cluster. A stream's replica may still
// be catching up.
func (c *Cluster) Restart(ctx context.Context, i int) error {
	c.Stop(i)
	if err := c.launch(i); err != nil {
		return err
	}
	return c.agree(ctx)
}

// Close stops all servers and deletes what they kept. Closing it again does
// nothing.
func (c *Cluster) Close() {
	for i := range c.servers {
		c.Stop(i)
	}
	_ = os.RemoveAll(c.dir) // what remains no caller could mend
}
