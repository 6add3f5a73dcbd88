package broker

import (
	"context"
	"errors"
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
// what state the transaction is in. No pause does as well:
// docs/decisions/2026-11-21-pace-of-commits.md.
//
// A Markers belongs to one worker.
type Markers struct {
	client *kgo.Client
	id     string // the transactional id

	mute    bool          // the broker does not tell
	asked   int           // since far was last found out
	fastest time.Duration // of those asks
	spared  int           // waits without asking since then
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
	// enoughSpared waits later the broker may have become faster.
	enoughSpared = 64
	// eagerAsks are asked one right after the other, the rest askPause apart.
	eagerAsks = 4
	askPause  = time.Millisecond
)

// Wait returns when the next transaction may publish. lastEnd is when the last
// one was committed or aborted; zero: there was none. The error is the context's.
func (m *Markers) Wait(ctx context.Context, lastEnd time.Time) error {
	limit := longestMarkers
	if m.mute {
		limit = mutePause
	}
	if time.Since(lastEnd) >= limit || m.far() {
		return ctx.Err()
	}
	limited, cancel := context.WithDeadline(ctx, lastEnd.Add(limit))
	defer cancel()
	for asks := 1; limited.Err() == nil; asks++ {
		pause := askPause
		switch {
		case m.mute:
			pause = limit
		case m.written(limited):
			return ctx.Err()
		case asks < eagerAsks:
			continue
		}
		select {
		case <-time.After(pause):
		case <-limited.Done():
		}
	}
	return ctx.Err()
}

// far tells whether a question takes so long that there is no need for it. It is
// found out anew from time to time.
func (m *Markers) far() bool {
	if m.asked < enoughAsks || m.fastest < mutePause {
		return false
	}
	if m.spared++; m.spared > enoughSpared {
		m.asked, m.fastest, m.spared = 0, 0, 0
		return false
	}
	return true
}

// written asks the coordinator, which says PrepareCommit or PrepareAbort until
// all markers are written. A question that fails on its way is no reason to
// wait: the produce that follows fails likewise, and knows what to do. Nor is a
// broker too old for the question, where the client itself asks again, and soon.
func (m *Markers) written(ctx context.Context) bool {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{m.id}
	start := time.Now()
	resp, err := req.RequestWith(ctx, m.client)
	took := time.Since(start)
	if m.asked++; m.asked == 1 || took < m.fastest {
		m.fastest = took
	}
	if ctx.Err() != nil {
		return false
	}
	if err == nil && len(resp.TransactionStates) == 1 {
		err = kerr.ErrorForCode(resp.TransactionStates[0].ErrorCode)
		if kerr.IsRetriable(err) {
			return false // the coordinator moves, or is busy
		}
	}
	if _, refused := errors.AsType[*kerr.Error](err); refused {
		m.mute = true
		return false
	}
	if err != nil || len(resp.TransactionStates) != 1 {
		return true
	}
	state := resp.TransactionStates[0].State
	return state != "PrepareCommit" && state != "PrepareAbort"
}
