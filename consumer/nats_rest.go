package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock/penstock/internal/broker"
)

// restAfter is how often the positions of filters that have had no event are
// moved on. It costs a question a filter.
const restAfter = 30 * time.Second

// rest moves the positions of filters that nothing has come for to the stream's
// end. Otherwise one that has had no event for long would look, once retention
// has removed what others had, as if its own had been removed unread.
func (n *NATS) rest(ctx context.Context) error {
	if time.Since(n.rested) < restAfter {
		return nil
	}
	n.rested = time.Now()
	info, err := n.o.Session.Source.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up the source stream: %w", err)
	}
	end := info.State.LastSeq + 1
	var readers []*filterReader
	var guards []broker.Guard
	for _, r := range n.readers {
		if r.position.Value.Next >= end || len(guards) == broker.MaxBatch {
			continue
		}
		// Of what was in the stream before, all is delivered to us and nothing waits.
		c, err := r.consumer.Info(ctx)
		if err != nil {
			return fmt.Errorf("look up the consumer of %s: %w", r.filter, err)
		}
		if c.NumPending > 0 || c.Delivered.Consumer != r.delivered {
			continue
		}
		p := r.position.Value
		p.Next, p.Resume = end, ahead(p.Resume, end)
		guard, err := positionGuard(n.o.Session.Subjects.Position(r.filter), &p, r.position.Sequence)
		if err != nil {
			return err
		}
		readers, guards = append(readers, r), append(guards, guard)
	}
	if len(guards) == 0 {
		return nil
	}
	last, err := broker.PublishBatch(ctx, n.o.Session.Conn, nil, guards)
	if err != nil {
		return fmt.Errorf("move idle positions: %w", err)
	}
	for i, r := range readers {
		r.position.Value.Next, r.position.Value.Resume = end, ahead(r.position.Value.Resume, end)
		r.position.Sequence = last - uint64(len(readers)-1-i)
		r.gauge.SetPosition(int64(end))
	}
	return nil
}
