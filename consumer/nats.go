package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// NATSOptions say what a worker consumes of a NATS stream.
type NATSOptions struct {
	Session     *broker.NATSSession
	Group       *broker.Group
	GroupName   string
	Filters     []string // all of the pipeline's: each is a partition, by its place here
	ExactlyOnce bool
	Start       string // Earliest or Latest: where a filter without a position begins
	From        string // the same for one whose position is lost; empty refuses it
	// FetchMaxBytes is how much is fetched ahead, about: half of it waits to be
	// polled, and the other half for that or on the way.
	FetchMaxBytes int64
	Attempts      *NATSAttempts
	// EventOf is the id of the event that a record of the own stream was made of;
	// empty: of none.
	EventOf   func(record jetstream.Msg) string
	Telemetry *telemetry.Pipeline
	Log       *slog.Logger
	// Timeout bounds a question to the server.
	Timeout time.Duration
	// RestAfter is how often the positions of filters that have had no event are
	// moved on. It costs a question a filter.
	RestAfter time.Duration
	// Claims: Ended is called at least as often, and moves them instead.
	Claims bool
}

// NATS is a worker's source of events on a NATS server. One goroutine uses it.
type NATS struct {
	o       NATSOptions
	source  string // name of the stream
	created time.Time
	// eachAcknowledged: an acknowledgement is of one message alone, as a work
	// queue wants it.
	eachAcknowledged bool
	inbox            *inbox
	readers          map[int]*filterReader
	polled           []delivery // of the last poll
	inEpoch          bool       // something was polled since the last commit
	// touched are the readers of which something was polled since then.
	touched []*filterReader
	moves   []move // of the commit at hand
	spent   bool   // what was polled last is not all committed
	fresh   int    // readers of which nothing was scored yet

	rested  time.Time // when positions were last moved on that nothing came for
	restEnd uint64    // the stream's end at that time

	asked  time.Time // when the server was last asked what it has delivered
	audits time.Time // when it was last asked what it has heard

	joined atomic.Bool
	end    func() // of the worker's session, for the group
	once   sync.Once

	attempted []notedAttempt
	isolated  bool
}

// filterReader reads what one filter takes.
type filterReader struct {
	number   int
	filter   string
	position broker.Held[broker.Position]
	consumer jetstream.Consumer
	pull     *pull
	gauge    *telemetry.Partition
	// published are the sequences, ascending, of events that have their record
	// though the position is before them.
	published []uint64

	delivered uint64 // consumer sequence of the last message
	stood     uint64 // the position at the last commit
	next      uint64 // behind the last polled event; 0: none in this epoch
	// unacknowledged are the epoch's messages, at least once.
	unacknowledged []unacknowledged
	pending        uint64
	fresh          bool // nothing of it was scored since it was opened

	suspected time.Time // since when a message seems to be lost; zero: none does
	seen      uint64    // delivered, at that time
	sent      uint64    // what the server said then that it had delivered

	acknowledged uint64 // sequence of the last message that was acknowledged
	heard        uint64 // acknowledged, when it was last asked how far the server had heard
}

// OpenNATS begins to read as soon as the group gives filters.
func OpenNATS(ctx context.Context, o NATSOptions) (*NATS, error) {
	info, err := o.Session.Source.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up the source stream: %w", err)
	}
	n := &NATS{
		o: o, source: info.Config.Name, created: info.Created,
		eachAcknowledged: info.Config.Retention == jetstream.WorkQueuePolicy,
		inbox:            newInbox(int(max(o.FetchMaxBytes/2, 1))), readers: map[int]*filterReader{},
	}
	n.end = o.Session.Member.Begin()
	return n, nil
}

// Joined tells whether the worker has its share of the filters and reads them.
func (n *NATS) Joined() bool { return n.joined.Load() }

// Poll appends at most limit events to events, in the order of each filter.
// Without any it waits for one until ctx ends; with a nil ctx it does not wait.
// An error ends the session.
func (n *NATS) Poll(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error) {
	for {
		if !n.inEpoch {
			if err := n.arrange(ctx); err != nil {
				return events, err
			}
		}
		taken, more, err := n.take(events, limit)
		if err != nil {
			return events, err
		}
		switch {
		case len(more) > len(events):
			n.inEpoch = true
			return more, nil
		case taken > 0: // of filters that were given away; there may be more
		case ctx == nil:
			return events, nil
		default:
			if over, err := n.wait(ctx); over || err != nil {
				return events, err
			}
		}
	}
}

// take appends what has been delivered, and tells how much that was.
func (n *NATS) take(events []penstock.Event, limit int) (taken int, more []penstock.Event, err error) {
	if n.polled, err = n.inbox.take(n.polled[:0], limit); err != nil {
		return 0, events, err
	}
	more = events
	for i := range n.polled {
		if more, err = n.append(more, &n.polled[i]); err != nil {
			return 0, events, err
		}
	}
	taken = len(n.polled)
	clear(n.polled)
	return taken, more, nil
}

// wait waits until there is something to look at, or until ctx is over.
func (n *NATS) wait(ctx context.Context) (over bool, err error) {
	select {
	case <-n.due():
		return false, n.o.Session.Bound(ctx, n.ask)
	case <-n.inbox.ready:
	case <-n.o.Session.Member.Changed():
	case <-n.o.Session.Failed():
		return false, n.o.Session.Err()
	case <-ctx.Done():
		return true, nil
	}
	return false, nil
}

// due ticks when it is time to ask. In an epoch it does not: nothing may be asked
// then, so that a time that has come would end one wait after the other.
func (n *NATS) due() <-chan time.Time {
	if n.inEpoch {
		return nil
	}
	rests, doubtful := n.rested.Add(n.o.RestAfter), n.asked.Add(doubt)
	switch {
	case n.o.Claims && n.o.ExactlyOnce:
		return nil
	case n.o.ExactlyOnce || !n.o.Claims && rests.Before(doubtful):
		return time.After(time.Until(rests))
	}
	return time.After(time.Until(doubtful))
}

// ask asks the server what it is time for, when nothing waits to be polled.
func (n *NATS) ask(ctx context.Context) error {
	if err := n.missed(ctx); err != nil {
		return err
	}
	return n.rest(ctx)
}

// Polled is how many filters' positions the epoch moves, and open how many it may
// come to move: between epochs the worker may be given any.
func (n *NATS) Polled() (polled, open int) {
	if !n.inEpoch {
		return 0, len(n.o.Filters)
	}
	return len(n.touched), len(n.readers)
}

// Committed is to be called after each commit. It takes back what was noted in
// case the process dies, and shows how far behind the worker is.
func (n *NATS) Committed(ctx context.Context) error {
	n.inEpoch = false
	if err := n.audit(ctx); err != nil {
		return err
	}
	for _, r := range n.touched {
		r.stood = r.next
		r.gauge.SetPosition(int64(r.next))
		r.gauge.SetLag(int64(r.pending))
		r.next = 0
		clear(r.unacknowledged)
		r.unacknowledged = r.unacknowledged[:0]
	}
	n.touched = n.touched[:0]
	if !n.spent {
		if err := n.rest(ctx); err != nil {
			return err
		}
	}
	return n.succeeded(ctx)
}

// Close stops to read. It may be called again, and while another call is at it.
func (n *NATS) Close() {
	n.once.Do(func() {
		n.inbox.close()
		for number := range n.readers {
			n.stop(number)
		}
		n.end()
	})
}
