package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/internal/cardevents"
)

// demoBad is the share of events that cannot be scored.
const demoBad = 0.001

// demoFeed sends made-up card transactions at a steady rate.
type demoFeed struct {
	broker demoBroker
	events *cardevents.Generator
	rate   float64       // events a second
	shift  time.Duration // after its start the events move away from what the model knows; 0: never

	sent    atomic.Int64 // events that the broker has taken
	shifted atomic.Bool
	failed  chan error // the first event that the broker did not take
}

// eventRoom is a little more than the largest event takes.
const eventRoom = 768

func newDemoFeed(broker demoBroker, rate float64, shift time.Duration) *demoFeed {
	return &demoFeed{
		broker: broker, events: cardevents.New(cardevents.Options{Seed: 1, Bad: demoBad}),
		rate: rate, shift: shift, failed: make(chan error, 1),
	}
}

// run sends events until ctx ends, and returns once the broker has all of them.
// When the broker does not keep up it sends as fast as that.
func (f *demoFeed) run(ctx context.Context) error {
	start := time.Now()
	schedule := schedule{rate: f.rate, start: start}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return f.flush()
		case err := <-f.failed:
			return fmt.Errorf("send the demo's events: %w", err)
		case <-timer.C:
		}
		now := time.Now()
		if f.shift > 0 && now.Sub(start) >= f.shift && !f.shifted.Swap(true) {
			f.events.Shift(true)
		}
		n, wait := schedule.due(now)
		for range n {
			f.send(now)
		}
		timer.Reset(wait)
	}
}

func (f *demoFeed) send(now time.Time) {
	key, value := f.events.Next(make([]byte, 0, eventRoom), now)
	if err := f.broker.publish(key, value, now); err != nil {
		f.published(err)
	}
}

// published is told what became of an event.
func (f *demoFeed) published(err error) {
	if err == nil {
		f.sent.Add(1)
		return
	}
	select {
	case f.failed <- err:
	default: // one is enough to tell
	}
}

// flushTime is how long the broker has to take what is on its way.
const flushTime = 5 * time.Second

func (f *demoFeed) flush() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := f.broker.flush(ctx); err != nil {
		return errors.New("the embedded broker does not take the last events")
	}
	return nil
}

// schedule says how many events are due, so that there are rate a second.
type schedule struct {
	rate  float64 // a second
	start time.Time
	made  int64 // since start
}

const (
	// leastWait is the shortest time that a timer keeps well.
	leastWait = time.Millisecond
	// longestLag is how far behind it catches up. After more, as when the
	// machine was suspended, it goes on from there: a flood would show nothing
	// but itself.
	longestLag = time.Second
)

// due counts as made how many events are due, and says when to ask again.
func (p *schedule) due(now time.Time) (n int64, wait time.Duration) {
	n = int64(now.Sub(p.start).Seconds()*p.rate) - p.made
	if overdue := float64(n-1) / p.rate; overdue > longestLag.Seconds() {
		n = 0
		p.start, p.made = now, 0
	}
	p.made += n
	next := p.start.Add(time.Duration(float64(p.made+1) / p.rate * float64(time.Second)))
	return n, max(next.Sub(now), leastWait)
}
