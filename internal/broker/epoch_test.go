package broker

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestEpochWithoutPositions: what moves no position is committed, and at once. As
// the group's session ends it, it takes half a second, for which the next events
// would wait.
func TestEpochWithoutPositions(t *testing.T) {
	cluster, _ := startFake(t)
	s := openFake(t, cluster, "g", "a", 0, true)
	const epochs = 4
	start := time.Now()
	for range epochs {
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Client().ProduceSync(t.Context(), &kgo.Record{Topic: "out", Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if committed, err := s.End(t.Context(), Offsets{}); !committed || err != nil {
			t.Fatalf("committed: %t, %v", committed, err)
		}
	}
	if took := time.Since(start); took > epochs*250*time.Millisecond {
		t.Errorf("%d epochs took %s", epochs, took)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DisableClientMetrics(),
		kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for n := 0; n < epochs; {
		fetches := reader.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		n += fetches.NumRecords()
	}
}
