package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// startKafka starts a Kafka within this process.
func startKafka(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// streamConfig writes the config of a pipeline called p, from in to out, and
// with more lines at its end.
func streamConfig(t *testing.T, c *kfake.Cluster, more ...string) string {
	t.Helper()
	return writeFile(t, "p.yaml", fmt.Sprintf(`name: p
broker: {kafka: {bootstrap_servers: [%s]}}
source: {topic: in}
sink: {topic: out}
model: {path: m.onnx}
%s
`, strings.Join(c.ListenAddrs(), ", "), strings.Join(more, "\n")))
}

// newClient connects to the cluster.
func newClient(t *testing.T, c *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.ProducerLinger(0)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// produce writes records and waits until the broker has them.
func produce(t *testing.T, c *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	client := newClient(t, c, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func adminOf(t *testing.T, c *kfake.Cluster) *kadm.Client {
	t.Helper()
	return kadm.NewClient(newClient(t, c))
}
