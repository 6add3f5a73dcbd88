//go:build kafka || nats

package faults

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/internal/cardevents"
)

// feed publishes events at a steady rate to all partitions of the source, one
// in a hundred bad, some without a key, some with headers, a few tombstones.
type feed struct {
	st      *stage
	to      publisher
	stopped chan struct{}
	done    sync.WaitGroup
	sent    atomic.Int64
}

const badShare = 0.01

func (st *stage) feed(rate int) *feed {
	f := &feed{st: st, to: st.broker.publisher(), stopped: make(chan struct{})}
	f.done.Go(func() { f.run(rate) })
	st.Cleanup(f.to.close)
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
			at := time.Now()
			if f.st.drift {
				events.Shift(n >= shiftedFrom)
				at = at.Add(-age(n))
			}
			key, value := events.Next(nil, at)
			e := &newEvent{partition: n % sourcePartitions, key: key, value: value}
			switch {
			case n%50 == 7:
				e.key = nil
			case n%50 == 13:
				e.traced = true
			case n%500 == 31:
				e.value = nil
			}
			f.to.publish(e)
			f.sent.Add(1)
		}
	}
}

// stop ends the feed once the broker has all that was sent.
func (f *feed) stop() {
	f.st.Helper()
	close(f.stopped)
	f.done.Wait()
	if err := f.to.flush(); err != nil {
		f.st.Fatalf("feed the source: %v", err)
	}
}
