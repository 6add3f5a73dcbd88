package consumer

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/telemetry"
)

// process is one that opened the state and was given partition 0.
func process(t *testing.T, cluster *kfake.Cluster) *Kafka {
	t.Helper()
	s, err := OpenState([]kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DisableClientMetrics()}, "p.state", "g")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return worker(s)
}

// worker is a session of the process that has the state.
func worker(s *State) *Kafka {
	k := &Kafka{
		o:          Options{State: s, Log: slog.New(slog.DiscardHandler), Telemetry: telemetry.NewPipeline(telemetry.PipelineOptions{})},
		partitions: map[string]map[int32]*partition{},
	}
	k.assigned(map[string][]int32{"in": {0}}, nil)
	return k
}

// attempted has the worker note a batch that begins at an offset, and gives what
// is remembered.
func attempted(t *testing.T, k *Kafka, offset int64) (n int, isolate bool) {
	t.Helper()
	batch := []penstock.Event{{ID: penstock.EventID{Source: "in", Offset: offset}}, {ID: penstock.EventID{Source: "in", Offset: offset + 1}}}
	isolate, err := k.Attempt(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	a, err := get[attempt](k.o.State, k.o.State.attemptKey("in", 0))
	if err != nil {
		t.Fatal(err)
	}
	if a == nil || a.Position != offset {
		t.Fatalf("remembered %+v, want position %d", a, offset)
	}
	return a.N, isolate
}

func TestAttempts(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "p.state"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	expect := func(what string, k *Kafka, offset int64, wantN int, wantIsolate bool) {
		t.Helper()
		if n, isolate := attempted(t, k, offset); n != wantN || isolate != wantIsolate {
			t.Errorf("%s: attempt %d, isolated %t; want %d, %t", what, n, isolate, wantN, wantIsolate)
		}
	}
	first := process(t, cluster)
	expect("the first", first, 7, 1, false)
	if isolate, err := first.Attempt(t.Context(), []penstock.Event{{ID: penstock.EventID{Source: "in", Offset: 50}}}); err != nil || isolate {
		t.Errorf("a later batch: %t, %v", isolate, err)
	}
	expect("another session of the same process", worker(first.o.State), 7, 1, false)
	second := process(t, cluster)
	expect("after a crash", second, 7, 2, true)
	expect("another session of the same process", worker(second.o.State), 7, 2, true)
	third := process(t, cluster)
	expect("after two crashes", third, 7, 3, true)
	if err := third.Committed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if isolate, err := third.Attempt(t.Context(), []penstock.Event{{ID: penstock.EventID{Source: "in", Offset: 9}}}); err != nil || isolate {
		t.Errorf("after a commit: %t, %v", isolate, err)
	}
	expect("after a crash behind a commit", process(t, cluster), 9, 1, false)
	expect("after a crash at another event", process(t, cluster), 8, 1, false)
}
