//go:build kafka

package faults

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/cardevents"
)

// feed publishes events at a steady rate to all partitions of the source, one
// in a hundred bad, some without a key, some with headers, a few tombstones.
type feed struct {
	st      *stage
	client  *kgo.Client
	stopped chan struct{}
	done    sync.WaitGroup
	sent    atomic.Int64
	failed  atomic.Pointer[error]
}

const badShare = 0.01

func (st *stage) feed(rate int) *feed {
	f := &feed{st: st, stopped: make(chan struct{})}
	f.client = st.client(kgo.DefaultProduceTopic(st.source()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	f.done.Go(func() { f.run(rate) })
	st.Cleanup(f.client.Close)
	return f
}

func (f *feed) run(rate int) {
	const tick = 5 * time.Millisecond
	events := cardevents.New(cardevents.Options{Seed: 4, Bad: badShare})
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	start := time.Now()
	for n := 0; ; {
		select {
		case <-f.stopped:
			return
		case <-ticks.C:
		}
		for due := int(time.Since(start).Seconds() * float64(rate)); n < due; n++ {
			key, value := events.Next(nil, time.Now())
			r := &kgo.Record{Partition: int32(n % sourcePartitions), Key: key, Value: value}
			switch {
			case n%50 == 7:
				r.Key = nil
			case n%50 == 13:
				r.Headers = []kgo.RecordHeader{{Key: "trace", Value: []byte{0, 1, 254}}, {Key: "trace", Value: nil}}
			case n%500 == 31:
				r.Value = nil
			}
			f.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
				if err != nil {
					f.failed.Store(&err)
				}
			})
			f.sent.Add(1)
		}
	}
}

// stop ends the feed once the broker has all that was sent.
func (f *feed) stop() {
	f.st.Helper()
	close(f.stopped)
	f.done.Wait()
	if err := f.client.Flush(f.st.Context()); err != nil {
		f.st.Fatal(err)
	}
	if err := f.failed.Load(); err != nil {
		f.st.Fatalf("feed the source: %v", *err)
	}
}
