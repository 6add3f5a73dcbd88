package embedded

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaOptions say what StartKafka starts.
type KafkaOptions struct {
	// Listen is the HOST:PORT that the broker listens on and tells its clients;
	// port 0 is any free one. Empty: 127.0.0.1:0.
	Listen string
	Topics []Topic
	// KeepBytes is how much of a partition is kept, about; older records go
	// within a second. 0 keeps everything, in memory: not for a stream without
	// an end.
	KeepBytes int64
}

// Topic is one that is there from the start.
type Topic struct {
	Name       string
	Partitions int32
}

// Kafka is kfake, an imitation of Kafka within one goroutine. Any client can
// use it as a cluster of one broker, with groups, static members and
// transactions. It does not replicate, does not fsync and survives nothing: it
// shows and tests penstock, and is no place for events that matter.
type Kafka struct {
	cluster *kfake.Cluster
	addr    string
}

// StartKafka starts a broker, which the caller closes.
func StartKafka(o KafkaOptions) (*Kafka, error) {
	listener, err := listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("start the embedded Kafka: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(func(_, _ string) (net.Listener, error) { return listener, nil }),
		kfake.BrokerConfigs(map[string]string{"log.cleaner.backoff.ms": "1000"}), // how often retention is applied
	)
	if err != nil {
		return nil, fmt.Errorf("start the embedded Kafka: %w", errors.Join(err, listener.Close()))
	}
	k := &Kafka{cluster: cluster, addr: listener.Addr().String()}
	for _, t := range o.Topics {
		if err := cluster.CreateTopic(t.Name, t.Partitions, retention(o.KeepBytes)); err != nil {
			k.Close()
			return nil, fmt.Errorf("create topic %s on the embedded Kafka: %w", t.Name, err)
		}
	}
	return k, nil
}

// listen takes an address that can also be told to clients.
func listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("%s names no host that clients could connect to; use 127.0.0.1", address)
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another process; stop that one, or choose another port", address)
	}
	return listener, err
}

// segments is into how many files a partition's bytes are cut: a file's memory
// is free once all of it is too old.
const segments = 8

func retention(keepBytes int64) map[string]string {
	if keepBytes == 0 {
		return nil
	}
	return map[string]string{
		"retention.bytes": strconv.FormatInt(keepBytes, 10),
		"segment.bytes":   strconv.FormatInt(max(keepBytes/segments, 1), 10),
	}
}

// Addr is the HOST:PORT for bootstrap_servers.
func (k *Kafka) Addr() string { return k.addr }

// Close ends the broker and drops all that it holds. It may be called again.
func (k *Kafka) Close() { k.cluster.Close() }
