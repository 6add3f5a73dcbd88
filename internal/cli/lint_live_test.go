//go:build cgo

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lintLive asks the cluster about the pipeline, with a model that is fine.
func lintLive(t *testing.T, config string, more ...string) result {
	t.Helper()
	model, err := filepath.Abs(filepath.Join(models, "iris_rf", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return run(t, "", append([]string{
		"lint", "--live", config, "--set", "model.path=" + model, "--set", "model.inputs.X=[a, b, c, d]",
	}, more...)...)
}

func TestLintLive(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(3, "in"), kfake.BrokerConfigs(map[string]string{"transaction.max.timeout.ms": "20000"}))
	config := streamConfig(t, c)
	lintLive(t, config).want(t, 2,
		config+":4:15: topic out (sink) is missing; penstock topics CONFIG --create makes it\n",
		config+":1:1: topic in.dead (dead letters) is missing; penstock topics CONFIG --create makes it\n",
	)
	if r := lintLive(t, config, "--set", "create_topics=true").want(t, 0); r.err != "" || r.out != config+": ok\n" {
		t.Errorf("what the start creates is told as missing: %s%s", r.out, r.err)
	}
	run(t, "", "topics", config, "--create").want(t, 0)
	if r := lintLive(t, config).want(t, 0); r.out != config+": ok\n" || r.err != "" {
		t.Errorf("got %s%s", r.out, r.err)
	}
	lintLive(t, config, "--set", "transaction_timeout=20001ms").want(t, 2, "--set transaction_timeout: transaction_timeout (20.001s) is above the broker's transaction.max.timeout.ms (20s)\n")
	lintLive(t, config, "--set", "transaction_timeout=20001ms", "--set", "delivery=at_least_once").want(t, 0)
	lintLive(t, config, "--set", "source.session_timeout=5s").want(t, 2, "session_timeout (5s) is below the broker's group.min.session.timeout.ms (6s)")
	lintLive(t, config, "--set", "source.session_timeout=10m").want(t, 2, "session_timeout (10m0s) is above the broker's group.max.session.timeout.ms (5m0s)")
}

// TestLintLiveWarns checks what a pipeline can run with, and should not.
func TestLintLiveWarns(t *testing.T) {
	c := startKafka(t)
	config := streamConfig(t, c)
	compacted, small, large := "compact", "1000000", "2000000"
	for topic, settings := range map[string]map[string]string{
		"in":      {"max.message.bytes": large},
		"out":     {"cleanup.policy": compacted},
		"in.dead": {"max.message.bytes": small},
		"p.state": {"cleanup.policy": compacted},
	} {
		pointers := map[string]*string{}
		for name, value := range settings {
			pointers[name] = &value
		}
		if _, err := adminOf(t, c).CreateTopic(t.Context(), 1, 1, pointers, topic); err != nil {
			t.Fatal(err)
		}
	}
	r := lintLive(t, config).want(t, 0,
		config+":4:15: warning: out is compacted: it refuses events without a key, and of those with the same key it keeps the last only; set its cleanup.policy to delete\n",
		config+":1:1: warning: in.dead takes batches of at most 1000000 bytes, but source in of 2000000: larger dead letters lose their value; raise its max.message.bytes\n",
	)
	if strings.Count(r.err, "\n") != 2 {
		t.Errorf("there is more:\n%s", r.err)
	}
}

// TestLintLiveNeedsACluster tells a broker that is away from a config that is
// wrong.
func TestLintLiveNeedsACluster(t *testing.T) {
	c := startKafka(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "secret"))
	config := streamConfig(t, c)
	refuseLogins(c)
	lintLive(t, config, "--set", "broker.kafka.sasl={mechanism: plain, username: ann, password: wrong}").
		want(t, 2, config+":2:10: ask the broker for its topics: SASL_AUTHENTICATION_FAILED", "the broker refused the login")
	lintLive(t, config, "--set", "broker.kafka.tls.ca=nowhere.pem").want(t, 2, "read broker.kafka.tls.ca: open ", "nowhere.pem: no such file")
	c.Close()
	lintLive(t, config).want(t, 1, "penstock: "+config+": ask the broker for its topics: ", "no broker answers at 127.0.0.1:")
	lintLive(t, writeFile(t, "model.yaml", "model: {path: m.onnx}\n")).want(t, 0, "warning: --live asks the broker, and there is none")
}

// TestLintLiveDoesNotFence checks that a look at a cluster leaves the
// transactions of a running pipeline alone.
func TestLintLiveDoesNotFence(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in", "out", "in.dead"))
	worker := newClient(t, c, kgo.TransactionalID("penstock-p/a-0"))
	if err := worker.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := worker.ProduceSync(t.Context(), &kgo.Record{Topic: "out"}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	lintLive(t, streamConfig(t, c)).want(t, 0)
	if err := worker.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Errorf("lint --live has ended a worker's transaction: %v", err)
	}
}
