package pipeline_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/pipeline"
)

// allocations runs the loop on a fake broker until it is warm, and from then on
// counts what it allocates per event: 256 events a poll and seven polls an epoch.
// The events of four partitions take turns, and event gives the i-th of a poll.
func allocations(t *testing.T, event func(i int) penstock.Event, change ...func(*pipeline.Config)) float64 {
	t.Helper()
	const batch, polls, warm, epoch = 256, 800, 100, 8
	var before, after runtime.MemStats
	n := 0
	done := make(chan struct{})
	b := &fakeBroker{quiet: true}
	b.poll = func(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error) {
		switch n++; {
		case n == warm:
			runtime.ReadMemStats(&before)
		case n == warm+polls:
			runtime.ReadMemStats(&after)
			close(done)
		}
		if n >= warm+polls || n%epoch == 0 && ctx == nil {
			if ctx != nil {
				<-ctx.Done()
			}
			return events, nil
		}
		for i := range limit {
			e := event(i)
			e.ID = penstock.EventID{Source: "in", Partition: int32(i % 4), Offset: int64(n*limit + i)}
			events = append(events, e)
		}
		return events, nil
	}
	loopOn(t, b, &constant{}, append(change, func(c *pipeline.Config) { c.BatchRows = batch })...)
	<-done
	perEvent := float64(after.Mallocs-before.Mallocs) / (batch * polls * (epoch - 1) / epoch)
	t.Logf("%.4f allocations an event", perEvent)
	return perEvent
}

// TestLoopAllocates holds the loop to its budget: in steady state nothing an
// event, and a few a commit.
func TestLoopAllocates(t *testing.T) {
	value := []byte(`{"x":1,"pass":"a"}`)
	if n := allocations(t, func(int) penstock.Event { return penstock.Event{Key: value[:1], Value: value, Time: 1} }); n > 0.02 {
		t.Errorf("%.3f allocations an event in steady state, want none", n)
	}
}

// TestCountingAllocates holds the loop that counts to a budget: nothing an event,
// and some tens of allocations for each partition's delta.
func TestCountingAllocates(t *testing.T) {
	events := make([]penstock.Event, 256)
	for i := range events {
		events[i] = penstock.Event{Value: timed(0, i*2).Value, Time: 1 << 50}
		if i%25 == 24 {
			events[i].Value = events[0].Value
		}
	}
	n := allocations(t, func(i int) penstock.Event { return events[i] }, func(c *pipeline.Config) {
		c.Model.Mapping, c.Drift = counted(t, &constant{}, "panes")
	})
	if n > 0.03 {
		t.Errorf("%.3f allocations an event in steady state, want those of a commit alone", n)
	}
}

// constant is a doubler that allocates nothing.
type constant struct{ doubler }

func (*constant) NewRunner() (inference.Runner, error) { return constantRunner{}, nil }

type constantRunner struct{}

func (constantRunner) Close() error { return nil }
func (constantRunner) Run(in, out []*inference.Tensor, _ time.Duration) error {
	out[0].Resize(inference.Float32, in[0].Shape[0])
	return nil
}
