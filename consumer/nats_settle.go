package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock/penstock/internal/broker"
)

// unacknowledged is a message of the epoch at hand, at least once.
type unacknowledged struct {
	reply    string // subject that acknowledges it
	sequence uint64 // in the stream
}

// move is a position on its way into the stream.
type move struct {
	reader *filterReader
	to     broker.Position
}

// Guards are the positions behind all that was polled, or until, where that is
// given and less, each to be written only if nobody else has written it since.
// After an until the session is spent.
func (n *NATS) Guards(until broker.Offsets) ([]broker.Guard, error) {
	n.spent = n.spent || until != nil
	n.moves = n.moves[:0]
	guards := make([]broker.Guard, 0, len(n.touched))
	for _, r := range n.touched {
		next := r.next
		if until != nil {
			at, ok := until[n.source][int32(r.number)]
			if !ok {
				continue // nothing of it is settled
			}
			next = uint64(at)
		}
		to := r.at(next)
		guard, err := positionGuard(n.o.Session.Subjects.Position(r.filter), &to, r.position.Sequence)
		if err != nil {
			return nil, err
		}
		n.moves, guards = append(n.moves, move{r, to}), append(guards, guard)
	}
	return guards, nil
}

// Moved is to be called when the guards are in the stream, the last one at
// sequence last.
func (n *NATS) Moved(last uint64) {
	for i, m := range n.moves {
		m.reader.position = broker.Held[broker.Position]{Value: m.to, Sequence: last - uint64(len(n.moves)-1-i)}
	}
}

// Acknowledge acknowledges all that was polled, or what is before until, where
// that is given and less, and waits until the server knows. What was polled of a
// filter that is another's by now is for that one to acknowledge.
func (n *NATS) Acknowledge(ctx context.Context, until broker.Offsets) error {
	n.spent = n.spent || until != nil
	for _, r := range n.touched {
		if !n.o.Session.Member.Holds(r.number) {
			return fmt.Errorf("acknowledge %s: %w", r.filter, errLeaseLost)
		}
		settled := len(r.unacknowledged)
		if until != nil {
			next := uint64(until[n.source][int32(r.number)]) // 0 where nothing is settled
			for settled > 0 && r.unacknowledged[settled-1].sequence >= next {
				settled--
			}
		}
		if err := n.acknowledge(ctx, r, r.unacknowledged[:settled]); err != nil {
			return fmt.Errorf("acknowledge %s: %w", r.filter, err)
		}
	}
	return nil
}

// errLeaseLost says that a worker was away for longer than its leases last.
var errLeaseLost = errors.New("the lease has ended, and another worker reads the filter")

// acknowledgement is what the server wants to be told. It answers where it is asked
// to.
var acknowledgement = []byte("+ACK")

func (n *NATS) acknowledge(ctx context.Context, r *filterReader, settled []unacknowledged) error {
	if len(settled) == 0 {
		return nil
	}
	last := settled[len(settled)-1]
	if n.eachAcknowledged {
		// The server sees to the acknowledgements of a connection in order.
		for _, m := range settled[:len(settled)-1] {
			if err := n.o.Session.Conn.Publish(m.reply, acknowledgement); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, n.o.Timeout)
	defer cancel()
	if _, err := n.o.Session.Conn.RequestWithContext(ctx, last.reply, acknowledgement); err != nil {
		return err
	}
	r.acknowledged = last.sequence
	return nil
}

// PlacedAt is the sequence at which a filter's position was written that its
// deliveries began from: another one after it was set anew.
func (n *NATS) PlacedAt(number int32) uint64 { return n.readers[int(number)].position.Sequence }
