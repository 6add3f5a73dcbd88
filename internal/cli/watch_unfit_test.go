//go:build cgo

package cli_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestScoredWithoutWatching: what is wrong with a topic that watching drift alone takes
// is said, and keeps nobody from scoring.
func TestScoredWithoutWatching(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "transactions", "predictions", "transactions.dead"),
		kfake.SeedTopics(2, "card-fraud.drift"), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "500"}))
	addr := c.ListenAddrs()[0]
	publishExample(t, addr)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	runWith(ctx, t, "", "run", filepath.Join(cardFraud, "pipeline.yaml"), "--until-end", "--set", `listen=""`,
		"--set", "broker.kafka.bootstrap_servers="+addr, "--set", "source.session_timeout=1s", "--set", "drift.reference={first: 1h}",
	).want(t, 0, "predicted=200", "card-fraud.drift has 2 partitions, but must have 1", "this process does not watch drift")
}
