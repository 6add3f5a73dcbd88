//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/brokertest"
)

// Options are what tests vary. The zero value is a broker that allows everyone
// everything.
type Options struct {
	// Authorize denies what no ACL allows, except to who comes by Plaintext or
	// Proxied, without a name: Admin can grant.
	Authorize bool
	// Delay is what the proxy of the listener Proxied adds, each way.
	Delay time.Duration
	// Lasting has the JVM compile to the end what is hot, as in production: it
	// answers faster once it has run for a minute. For measuring.
	Lasting bool
	// Properties go into server.properties and win over what stands there.
	Properties map[string]string
}

// Broker is a Kafka of one node, broker and controller in one process. All its
// data is in Dir. Its methods may not be called from several goroutines at once,
// except Addr, PID, CreateTopic and those of Proxy and Admin while nobody calls
// another.
type Broker struct {
	// Dir holds all there is of the broker: its data, broker.log, certificates.
	Dir string
	// CAFile, CertFile and KeyFile are what a client of the listeners TLS and
	// SASLTLS needs: who signed the broker's certificate, and a certificate of
	// User with its key. PEM.
	CAFile, CertFile, KeyFile string

	addrs map[Listener]string
	java  java
	proxy *brokertest.Proxy
	node  *brokertest.Process // nil while the broker is down
	// crashed: the broker was up and was not stopped in good order, or is still
	// up.
	crashed bool
	// client asks without a name, so it has every right; admin
	// is a view of it.
	client *kgo.Client
	admin  *kadm.Client
	close  sync.Once
}

// startTime is how long a start may take. On two idle cores it is two seconds;
// the cores of a test are not idle.
const startTime = 90 * time.Second

// Start formats a fresh directory, starts a broker on it and returns once that
// answers. Close it, whatever else was done to it. The JVM dies with this
// process, however that ends.
func Start(ctx context.Context, opts Options) (*Broker, error) {
	flags := quick
	if opts.Lasting {
		flags = lasting
	}
	java, err := findJava(flags)
	if err != nil {
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	b := &Broker{Dir: dir, java: java}
	if err := b.open(ctx, opts); err != nil {
		b.Close()
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	return b, nil
}

// ForTest starts a broker that lives as long as the test, which fails when it
// does not start, and which shows the end of the broker's log when it fails.
func ForTest(tb testing.TB, opts Options) *Broker {
	tb.Helper()
	b, err := Start(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of the broker's log:\n%s", b.logTail())
		}
		b.Close()
	})
	return b
}

func (b *Broker) open(ctx context.Context, opts Options) error {
	ports, err := brokertest.FreePorts(len(listeners) + 2) // the controller's and the proxy's
	if err != nil {
		return err
	}
	b.addrs = map[Listener]string{}
	for i, l := range listeners {
		b.addrs[l] = brokertest.Address(ports[i])
	}
	behind := b.addrs[Proxied]
	controller, front := brokertest.Address(ports[len(listeners)]), brokertest.Address(ports[len(listeners)+1])
	if b.proxy, err = brokertest.NewProxy(front, behind, opts.Delay); err != nil {
		return err
	}
	certificates, err := brokertest.WriteCertificates(b.Dir, User)
	if err != nil {
		return err
	}
	b.CAFile, b.CertFile, b.KeyFile = certificates.CA, certificates.Cert, certificates.Key
	if err := b.writeProperties(controller, opts); err != nil {
		return err
	}
	b.addrs[Proxied] = front
	if err := b.format(ctx); err != nil {
		return err
	}
	b.client, err = kgo.NewClient(kgo.SeedBrokers(b.Addr(Plaintext)),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		return err
	}
	b.admin = kadm.NewClient(b.client)
	return b.Restart(ctx)
}

// Addr is the listener's HOST:PORT, the same for as long as the broker lives.
func (b *Broker) Addr(l Listener) string { return b.addrs[l] }

// Proxy stands before the listener Proxied.
func (b *Broker) Proxy() *brokertest.Proxy { return b.proxy }

// Admin is a client with every right, which Close closes.
func (b *Broker) Admin() *kadm.Client { return b.admin }

// CreateTopic creates a topic and returns once its partitions have leaders.
// configs are KEY=VALUE, such as retention.ms=1000.
func (b *Broker) CreateTopic(ctx context.Context, name string, partitions int32, configs ...string) error {
	set := map[string]*string{}
	for _, c := range configs {
		key, value, ok := strings.Cut(c, "=")
		if !ok {
			return fmt.Errorf("create topic %s: %q is not KEY=VALUE", name, c)
		}
		set[key] = &value
	}
	if _, err := b.admin.CreateTopic(ctx, partitions, 1, set, name); err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	for {
		topics, err := b.admin.ListTopics(ctx, name)
		if err != nil {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
		if led(topics[name]) == int(partitions) {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("create topic %s: %w", name, ctx.Err())
		}
	}
}

// led counts the partitions that have a leader.
func led(topic kadm.TopicDetail) int {
	n := 0
	for _, p := range topic.Partitions {
		if p.Err == nil && p.Leader >= 0 {
			n++
		}
	}
	return n
}

// Restart starts the broker again on its directory and addresses, killing it
// first where it runs, and returns once it answers.
func (b *Broker) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := b.Kill(); err != nil {
		return err
	}
	if b.crashed {
		if err := b.fence(ctx); err != nil {
			return err
		}
	}
	node, err := b.java.start(b.Dir, brokerLog, "kafka.Kafka", b.file("server.properties"))
	if err != nil {
		return err
	}
	b.node = node
	answered, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // waits for the shorter of both, so it ends with this function
		select {
		case <-node.Done():
			stop()
		case <-answered.Done():
		}
	}()
	for {
		err := b.client.Ping(answered)
		switch {
		case err == nil:
			b.crashed = true // unless it is seen to stop in good order
			return nil
		case node.Exited():
			return fmt.Errorf("the broker ended: %w\n%s", node.Err(), b.logTail())
		case ctx.Err() != nil:
			return fmt.Errorf("the broker does not answer: %w\n%s", errors.Join(ctx.Err(), err), b.logTail())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// PID is the broker's process, 0 while it is down.
func (b *Broker) PID() int {
	if b.node == nil {
		return 0
	}
	return b.node.PID()
}

// Kill ends the broker with SIGKILL, as a crash does. It returns once the
// process is gone. Killing a broker that is down does nothing.
func (b *Broker) Kill() error {
	if b.node == nil {
		return nil
	}
	err := b.node.Kill()
	b.node = nil
	return err
}

// Stop ends the broker in good order, with SIGTERM, and returns once it is gone.
func (b *Broker) Stop(ctx context.Context) error {
	if b.node == nil {
		return nil
	}
	if err := b.node.Terminate(ctx); err != nil {
		return fmt.Errorf("stop Kafka: %w\n%s", err, b.logTail())
	}
	b.node, b.crashed = nil, false
	return nil
}

// Pause freezes the broker's process, with SIGSTOP: connections stay open and
// nothing answers.
func (b *Broker) Pause() error { return b.node.Pause() }

// Resume lets a frozen broker go on.
func (b *Broker) Resume() error { return b.node.Resume() }

// Close kills the broker and deletes its directory. Closing it again does
// nothing.
func (b *Broker) Close() {
	b.close.Do(func() {
		// What fails here leaves a process or a file behind, which no caller
		// could mend; the tests of this package see that none is left.
		_ = b.Kill()
		if b.client != nil {
			b.client.Close()
		}
		if b.proxy != nil {
			b.proxy.Close()
		}
		_ = os.RemoveAll(b.Dir)
	})
}

// file is a file or directory of that name in Dir.
func (b *Broker) file(name string) string { return filepath.Join(b.Dir, name) }

// brokerLog is the file of Dir with what the broker and its forerunners logged.
const brokerLog = "broker.log"

// logTail is the end of what the broker logged, where the reason stands.
func (b *Broker) logTail() string { return brokertest.Tail(b.file(brokerLog)) }
