package pipeline

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
)

const compareAfter = 10 * time.Second

// watch asks for the streams again now and then, until end is called, for their
// settings may be changed while they are used. Once they are unfit or missing all
// sessions end, and there are new ones when Prepare finds nothing any more.
func (n *NATS) watch(js jetstream.JetStream) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		ticks := time.NewTicker(cmp.Or(n.o.CompareAfter, compareAfter))
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				n.compare(ctx, js)
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

func (n *NATS) compare(ctx context.Context, js jetstream.JetStream) {
	ctx, cancel := context.WithTimeout(ctx, n.o.Timeout)
	defer cancel()
	_, err := n.o.Streams(ctx, js)
	if _, unfit := errors.AsType[*broker.UnfitError](err); !unfit && !errors.Is(err, broker.ErrMissing) {
		return // or nobody knows: whether the server is there, the sessions find out
	}
	n.mu.Lock()
	sessions := maps.Clone(n.sessions)
	n.mu.Unlock()
	for _, s := range sessions {
		s.session.End(err)
	}
}
