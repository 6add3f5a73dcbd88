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

// doubtful ticks when it is time to ask. Exactly once a consumer is this
// session's alone, and nobody else is given its messages.
func (n *NATS) doubtful() <-chan time.Time {
	if n.o.ExactlyOnce {
		return nil
	}
	return time.After(time.Until(n.asked.Add(doubt)))
}

// missed tells, when nothing waits to be polled, whether messages went to somebody
// else who still asks for them: a worker that was frozen and does not know yet
// that the filter is another's. The next message would show the gap; where none
// comes, the server would deliver them again after ackWait only. What it says
// twice is not just on its way.
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
		if err := errors.Join(r.sentAgain(info.Delivered.Consumer), r.heardUpTo(info.AckFloor.Stream)); err != nil {
			return err
		}
	}
	return nil
}

// sentAgain tells whether the server says for the second time that it has
// delivered more than what came, and nothing came in between. Nothing may wait to
// be polled.
func (r *filterReader) sentAgain(sent uint64) error {
	if r.seen == r.delivered && r.sent > r.delivered {
		return fmt.Errorf("read %s: message %d was delivered, and %d was the last to come: %w", r.filter, r.sent, r.delivered, ErrGap)
	}
	r.seen, r.sent = r.delivered, sent
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
