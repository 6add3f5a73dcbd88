package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrGap says that messages were lost between server and client.
var ErrGap = errors.New("the server's deliveries have a gap")

// doubt is how long a filter may be silent before the server is asked whether it
// has delivered something, at least once.
const doubt = 2 * time.Second

// missed tells, when nothing waits to be polled, whether messages went to somebody
// else who still asks for them: a worker that was frozen and does not know yet
// that the filter is another's. The next message would show the gap; where none
// comes, the server would deliver them again after ackWait only. Exactly once a
// consumer is this session's alone, and nobody else is given its messages.
func (n *NATS) missed(ctx context.Context) error {
	if n.o.ExactlyOnce || time.Since(n.asked) < doubt {
		return nil
	}
	n.asked = time.Now()
	for _, r := range n.readers {
		info, err := r.consumer.Info(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", r.filter, err)
		}
		if err := errors.Join(n.suspect(r, info.Delivered.Consumer), r.heardUpTo(info.AckFloor.Stream)); err != nil {
			return err
		}
	}
	return nil
}

// lossTime is how long what the server says to have delivered must not come before
// it counts as lost. A server that syncs many writes to its disk says so some
// seconds before it sends it.
const lossTime = 10 * time.Second

// suspect tells whether the server has said for lossTime that it has delivered as
// much of a filter, and that is more than what came.
func (n *NATS) suspect(r *filterReader, sent uint64) error {
	switch {
	case sent <= r.delivered || !n.inbox.empty():
		r.suspected = time.Time{}
	case r.suspected.IsZero() || r.seen != r.delivered || r.sent != sent:
		r.seen, r.sent, r.suspected = r.delivered, sent, time.Now()
	case time.Since(r.suspected) >= lossTime:
		return fmt.Errorf("read %s: message %d was delivered, and %d was the last to come: %w", r.filter, r.sent, r.delivered, ErrGap)
	}
	return nil
}

// hearing is how often the server is asked whether it has heard what was
// acknowledged; well within ackWait.
const hearing = 10 * time.Second

// audit asks the server, while events come, how far it has heard what was
// acknowledged.
func (n *NATS) audit(ctx context.Context) error {
	if n.o.ExactlyOnce || time.Since(n.audits) < min(hearing, n.o.RestAfter) {
		return nil
	}
	n.audits = time.Now()
	for _, r := range n.touched {
		info, err := r.consumer.Info(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", r.filter, err)
		}
		if err := r.heardUpTo(info.AckFloor.Stream); err != nil {
			return err
		}
	}
	return nil
}

// heardUpTo tells whether the server is deaf to acknowledgements, which it answers
// all the same. It becomes so when a worker that was frozen acknowledges what it
// was given before the filter was another's: deliveries are counted from 1 since,
// and what seems older than that counts for nothing.
func (r *filterReader) heardUpTo(sequence uint64) error {
	if sequence < r.heard {
		return fmt.Errorf("read %s: message %d was acknowledged, and the server has heard up to %d: %w", r.filter, r.heard, sequence, errDeaf)
	}
	r.heard = r.acknowledged
	return nil
}

// errDeaf says that acknowledgements count for nothing. Who reads the filter anew
// is heard.
var errDeaf = errors.New("an earlier reader of the filter has acknowledged too")
