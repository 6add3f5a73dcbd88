package broker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Markers waits until the broker has written the markers of a worker's last
// transaction, which it goes on with for a millisecond or two after it has
// answered the commit.
//
// A produce that comes sooner meets CONCURRENT_TRANSACTIONS; the broker itself
// then tries again after 20 ms, and no option of the client changes that. So a
// commit every time nothing waits would stall for 20 ms again and again. How long
// the markers take nobody can know beforehand, but the coordinator says when asked
// what state the transaction is in. That is half the latency of the best pause,
// and nothing stalls: docs/decisions/2026-11-21-pace-of-commits.md.
//
// A Markers belongs to one worker.
type Markers struct {
	client *kgo.Client
	id     string // the transactional id

	asked   int
	fastest time.Duration // of the asks so far
	mute    bool          // the broker does not tell
}

// NewMarkers makes the markers of a transactional id.
func NewMarkers(client *kgo.Client, id string) *Markers {
	return &Markers{client: client, id: id}
}

const (
	// longestMarkers is the pause behind a commit after which a produce that
	// meets markers is no worse off than one that waits.
	longestMarkers = 20 * time.Millisecond
	// mutePause takes the place of asking: few markers take longer.
	mutePause = 3 * time.Millisecond
	// enoughAsks show how long the way to the broker is. From mutePause on the
	// way there is pause enough.
	enoughAsks = 8
)

// Wait returns when the next transaction may publish. lastEnd is when the last
// one was committed or aborted; zero: there was none. The error is the context's.
func (m *Markers) Wait(ctx context.Context, lastEnd time.Time) error {
	for m.pending(time.Since(lastEnd)) {
		if m.mute {
			select {
			case <-time.After(mutePause - time.Since(lastEnd)):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if m.written(ctx) {
			break
		}
	}
	return ctx.Err()
}

// pending tells whether markers may be missing so long after a commit.
func (m *Markers) pending(since time.Duration) bool {
	switch {
	case m.asked >= enoughAsks && m.fastest >= mutePause:
		return false
	case m.mute:
		return since < mutePause
	}
	return since < longestMarkers
}

// written asks the coordinator, which says PrepareCommit or PrepareAbort until
// all markers are written. What goes wrong with asking is no reason to wait: the
// produce that follows meets it too, and knows what to do.
func (m *Markers) written(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, longestMarkers)
	defer cancel()
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{m.id}
	start := time.Now()
	resp, err := req.RequestWith(limited, m.client)
	took := time.Since(start)
	if m.asked++; m.asked == 1 || took < m.fastest {
		m.fastest = took
	}
	if limited.Err() != nil {
		return false
	}
	if err == nil && len(resp.TransactionStates) == 1 {
		err = kerr.ErrorForCode(resp.TransactionStates[0].ErrorCode)
	}
	if m.mute = err != nil || len(resp.TransactionStates) != 1; m.mute {
		return false
	}
	state := resp.TransactionStates[0].State
	return state != "PrepareCommit" && state != "PrepareAbort"
}
