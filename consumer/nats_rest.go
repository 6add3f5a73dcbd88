package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock/penstock/internal/broker"
)

// rest moves the positions of filters that nothing has come for to where the
// stream ended when it was last called. Otherwise one that has had no event for
// long would look, once retention has removed what others had, as if its own had
// been removed unread. Nothing that was polled may be uncommitted.
func (n *NATS) rest(ctx context.Context) error {
	if n.o.Claims || time.Since(n.rested) < n.o.RestAfter {
		return nil
	}
	info, err := n.o.Session.Source.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up the source stream: %w", err)
	}
	// Not to the end as it is now: a consumer hears of a message after the stream.
	to := n.restEnd
	n.rested, n.restEnd = time.Now(), info.State.LastSeq+1
	var guards []broker.Guard
	n.moves = n.moves[:0]
	for _, r := range n.readers {
		if r.position.Value.Next >= to || len(guards) >= n.o.Session.Batches.Most() {
			continue
		}
		waits, err := n.waits(ctx, r)
		if err != nil {
			return err
		}
		if waits {
			continue
		}
		p := r.at(to)
		guard, err := positionGuard(n.o.Session.Subjects.Position(r.filter), &p, r.position.Sequence)
		if err != nil {
			return err
		}
		n.moves, guards = append(n.moves, move{r, p}), append(guards, guard)
	}
	if len(guards) == 0 {
		return nil
	}
	// The client waits for an answer without end, and so would a wait for events.
	publishing, cancel := context.WithTimeout(ctx, n.o.Timeout)
	defer cancel()
	last, err := n.o.Session.Batches.Publish(publishing, n.o.Session.Conn, nil, guards)
	if err != nil {
		return fmt.Errorf("move positions on: %w", err)
	}
	n.Moved(last)
	return nil
}
