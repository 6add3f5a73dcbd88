package consumer

import (
	"testing"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// TestJoined: a worker has joined once it knows where all begins that it has been
// assigned, and a partition that is lost before then does not keep it waiting.
func TestJoined(t *testing.T) {
	k := &Kafka{
		o:          Options{Telemetry: telemetry.NewPipeline(telemetry.PipelineOptions{})},
		partitions: map[string]map[int32]*partition{},
	}
	held := map[int32]bool{}
	joined := func(want bool, when string) {
		t.Helper()
		if k.Joined() != want {
			t.Errorf("%s: joined is %t", when, !want)
		}
	}
	assign := func(partitions ...int32) {
		k.assigned(map[string][]int32{"in": partitions}, func(_ string, n int32) bool { return held[n] })
	}
	place := func(partitions ...int32) {
		starts := broker.Offsets{}
		for _, n := range partitions {
			starts.Set("in", n, 0)
			held[n] = true
		}
		k.place(starts, map[string]broker.Extent{"in": {End: map[int32]int64{}}})
	}
	joined(false, "before any answer")
	assign(0, 1)
	joined(false, "with two partitions without a beginning")
	place(0)
	joined(false, "with one that has none yet")
	place(1)
	joined(true, "with both placed")
	place(0, 1)
	joined(true, "placed again")

	assign(2)
	joined(false, "with a third one")
	assign() // it was taken away, and the client did not say so
	joined(true, "after the third one was lost")
	if k.partitions["in"][2] != nil || len(k.partitions["in"]) != 2 {
		t.Errorf("has %v", k.partitions["in"])
	}
	place(2) // it was not: the client asked again
	joined(true, "after the third one came back placed")

	k.revoked(map[string][]int32{"in": {0, 1, 2}})
	joined(true, "without partitions")
	if k.unplaced.Load() != 0 || k.fresh.Load() != 0 {
		t.Errorf("counts %d unplaced and %d fresh of none", k.unplaced.Load(), k.fresh.Load())
	}
}
