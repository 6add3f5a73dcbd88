//go:build unix

package broker

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
)

// TestOwnIsAsReplicatedAsTheSource takes three servers, and a pipeline that is
// there before its source.
func TestOwnIsAsReplicatedAsTheSource(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: natstest.ClusterForTest(t, 3).URL()})
	p := natsPipeline("tx.*")
	if made, err := CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), true); err != nil || len(made) > 0 {
		t.Fatalf("before the source is there it made %v, %v", made, err)
	}
	addStream(t, js, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}, Replicas: 3})
	if _, err := CreateStreams(soonCtx(t), js, inspectStreams(t, js, p), true); err != nil {
		t.Fatal(err)
	}
	found := inspectStreams(t, js, p)
	if got := told(CompareStreams(p, found)); found[1].Has.Replicas != 3 || len(got) > 0 {
		t.Errorf("%d replicas, and %q", found[1].Has.Replicas, got)
	}
	found[1].Has.Replicas = 1
	if got := told(CompareStreams(p, found)); len(got) != 1 || !strings.Contains(got[0], "warning: sink.stream: OWN has 1 replicas, but source TX has 3") {
		t.Errorf("got %q", got)
	}
}
