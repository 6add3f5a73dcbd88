package consumer

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// TestStood: a place begins where the last commit left the partition, whatever was
// polled since, and also when that was aborted, which leaves the partition to this
// worker.
func TestStood(t *testing.T) {
	counts := telemetry.NewPipeline(telemetry.PipelineOptions{Name: "p"})
	k := &Kafka{o: Options{Telemetry: counts}, partitions: map[string]map[int32]*partition{}}
	k.add("in", 3)
	if _, ok := k.Stood("in", 3); ok {
		t.Error("a partition whose position is not known yet stands somewhere")
	}
	k.place(broker.Offsets{"in": {3: 40}}, nil)
	poll := func(last int64) {
		k.polled(&kgo.FetchTopicPartition{Topic: "in", FetchPartition: kgo.FetchPartition{Partition: 3, Records: []*kgo.Record{{Offset: last}}}})
	}
	stands := func(when string, at int64, quiet int) {
		t.Helper()
		place, ok := k.Stood("in", 3)
		if !ok || place != (Place{Source: "in", Partition: 3, From: at, To: at}) {
			t.Errorf("%s: %+v, %t, want %d", when, place, ok, at)
		}
		if got := k.quiet(nil); len(got) != quiet {
			t.Errorf("%s: %d partitions are quiet, want %d", when, len(got), quiet)
		}
	}
	stands("at first", 40, 1)
	poll(44)
	stands("polled", 40, 0)
	if err := k.Aborted(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands("aborted", 40, 1)
	if err := k.Committed(t.Context()); err != nil { // of another partition's events
		t.Fatal(err)
	}
	stands("aborted, then another's commit", 40, 1)
	poll(44)
	if err := k.Committed(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands("committed", 45, 1)
	k.revoked(map[string][]int32{"in": {3}})
	if _, ok := k.Stood("in", 3); ok {
		t.Error("a partition that was revoked stands somewhere")
	}
}
