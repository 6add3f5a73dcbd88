package consumer

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
)

// NATSAttempts are the attempts that this process has noted, by subject: that it
// is still here says that they did not kill it. All workers share them.
type NATSAttempts struct {
	mu       sync.Mutex // guards survived
	survived map[string]attempt
}

// again is the attempt at a position after the one before it, which is nil where
// there was none and does not count where this process has survived it.
func again(before *attempt, survived attempt, position int64) attempt {
	switch {
	case before == nil || before.Position != position:
		return attempt{Position: position, N: 1}
	case survived == *before:
		return survived
	}
	return attempt{Position: position, N: before.N + 1}
}

// Attempt notes, before their first run since a filter was taken over, that
// events of it are about to be scored. It tells whether an earlier attempt at the
// very same event ended with the process, so that these events should be scored
// in isolation.
func (n *NATS) Attempt(ctx context.Context, events []penstock.Event) (isolate bool, err error) {
	for i := 0; i < len(events) && n.fresh > 0; i++ {
		r := n.readers[int(events[i].ID.Partition)]
		if r == nil || !r.fresh {
			continue
		}
		r.fresh = false
		n.fresh--
		if err := n.note(ctx, r, &events[i].ID); err != nil {
			return false, err
		}
	}
	return n.isolated, nil
}

func (n *NATS) note(ctx context.Context, r *filterReader, id *penstock.EventID) error {
	subject := n.o.Session.Subjects.Attempt(r.filter)
	before, err := broker.Last[*attempt](ctx, n.o.Session.Own, subject)
	if err != nil {
		return err
	}
	guard := broker.Guard{Subject: subject}
	var last *attempt
	if before != nil {
		last, guard.Expected = before.Value, before.Sequence
	}
	n.o.Attempts.mu.Lock()
	now := again(last, n.o.Attempts.survived[subject], id.Offset)
	n.o.Attempts.mu.Unlock()
	if now.N >= isolateFrom {
		n.isolated = true
		n.o.Log.Warn("the process ended while this event's batch was scored; scoring it in a child process", "event", id.String(), "attempt", now.N)
	}
	if guard.Value, err = json.Marshal(now); err != nil {
		return fmt.Errorf("write %s: %w", subject, err)
	}
	sequence, err := guard.Put(ctx, n.o.Session.JS)
	if err != nil {
		return err
	}
	n.o.Attempts.mu.Lock()
	defer n.o.Attempts.mu.Unlock()
	if n.o.Attempts.survived == nil {
		n.o.Attempts.survived = map[string]attempt{}
	}
	n.o.Attempts.survived[subject] = now
	n.attempted = append(n.attempted, notedAttempt{subject, sequence})
	return nil
}

// succeeded takes back the attempts that have proven harmless, those that this
// worker has noted and nobody since.
func (n *NATS) succeeded(ctx context.Context) error {
	for _, a := range n.attempted {
		guard := broker.Guard{Subject: a.subject, Value: []byte("{}"), Expected: a.sequence, TTL: time.Second}
		if _, err := guard.Put(ctx, n.o.Session.JS); err != nil && !broker.Overtaken(err) {
			return err
		}
	}
	n.attempted, n.isolated = n.attempted[:0], false
	return nil
}

// notedAttempt is where an attempt was noted.
type notedAttempt struct {
	subject  string
	sequence uint64
}
