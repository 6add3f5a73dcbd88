package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

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
	// FetchMaxBytes is how much is fetched ahead, about.
	FetchMaxBytes int64
	Attempts      *NATSAttempts
	Telemetry     *telemetry.Pipeline
	Log           *slog.Logger
	// Timeout bounds a question to the server.
	Timeout time.Duration
	// RestAfter is how often the positions of filters that have had no event are
	// moved on. It costs a question a filter.
	RestAfter time.Duration
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

	asked time.Time // when the server was last asked what it has delivered

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
	consume  jetstream.ConsumeContext
	gauge    *telemetry.Partition

	delivered uint64 // consumer sequence of the last message
	next      uint64 // behind the last polled event; 0: none in this epoch
	// unacknowledged are the epoch's messages, at least once.
	unacknowledged []jetstream.Msg
	pending        uint64
	fresh          bool // nothing of it was scored since it was opened

	seen uint64 // delivered, when it was last asked about
	sent uint64 // what the server said then that it had delivered
}

// ErrGap says that messages were lost between server and client.
var ErrGap = errors.New("the server's deliveries have a gap")

// OpenNATS begins to read as soon as the group gives filters.
func OpenNATS(ctx context.Context, o NATSOptions) (*NATS, error) {
	info, err := o.Session.Source.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up the source stream: %w", err)
	}
	n := &NATS{
		o: o, source: info.Config.Name, created: info.Created,
		eachAcknowledged: info.Config.Retention == jetstream.WorkQueuePolicy,
		inbox:            newInbox(int(o.FetchMaxBytes)), readers: map[int]*filterReader{},
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
	if err := n.missed(ctx); err != nil {
		return false, err
	}
	idle := time.NewTimer(n.o.RestAfter)
	defer idle.Stop()
	select {
	case <-n.doubtful():
	case <-idle.C:
		if !n.inEpoch {
			err = n.rest(ctx)
		}
	case <-n.inbox.ready:
	case <-n.o.Session.Member.Changed():
	case <-n.o.Session.Failed():
		return false, n.o.Session.Err()
	case <-ctx.Done():
		return true, nil
	}
	return false, err
}

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
		if r.delivered != r.seen {
			r.seen, r.sent = r.delivered, r.delivered
			continue
		}
		if r.sent > r.delivered {
			return fmt.Errorf("read %s: message %d was delivered, and %d was the last to come: %w", r.filter, r.sent, r.delivered, ErrGap)
		}
		info, err := r.consumer.Info(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", r.filter, err)
		}
		r.sent = info.Delivered.Consumer
	}
	return nil
}

// append makes an event of a message.
func (n *NATS) append(events []penstock.Event, d *delivery) ([]penstock.Event, error) {
	r := d.reader
	if n.readers[r.number] != r {
		return events, nil // its filter was given away
	}
	meta, err := d.msg.Metadata()
	if err != nil {
		return events, fmt.Errorf("read %s: %w", r.filter, err)
	}
	if meta.Sequence.Consumer != r.delivered+1 {
		return events, fmt.Errorf("read %s: message %d came after %d: %w", r.filter, meta.Sequence.Consumer, r.delivered, ErrGap)
	}
	r.delivered = meta.Sequence.Consumer
	if r.next == 0 {
		n.touched = append(n.touched, r)
	}
	r.next, r.pending = meta.Sequence.Stream+1, meta.NumPending
	if !n.o.ExactlyOnce {
		r.unacknowledged = append(r.unacknowledged, d.msg)
	}
	e := penstock.Event{
		ID: penstock.EventID{
			Source: n.source, Subject: d.msg.Subject(), Partition: int32(r.number), Offset: int64(meta.Sequence.Stream),
		},
		Value: d.msg.Data(), Time: meta.Timestamp.UnixMilli(),
		Control: done(&r.position.Value, d.msg.Subject(), meta.Sequence.Stream),
	}
	e.Key = unsafe.Slice(unsafe.StringData(e.ID.Subject), len(e.ID.Subject))
	headers := d.msg.Headers()
	if e.Value == nil && len(headers["KV-Operation"]) == 0 {
		e.Value = []byte{} // an empty event, and no tombstone
	} else if len(e.Value) == 0 && len(headers["KV-Operation"]) > 0 {
		e.Value = nil
	}
	if len(headers) > 0 {
		for _, key := range slices.Sorted(maps.Keys(headers)) {
			for _, value := range headers[key] {
				e.Headers = append(e.Headers, penstock.Header{Key: key, Value: []byte(value)})
			}
		}
	}
	return append(events, e), nil
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
		to := moved(r.position.Value, next)
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
// that is given and less, and waits until the server knows.
func (n *NATS) Acknowledge(ctx context.Context, until broker.Offsets) error {
	n.spent = n.spent || until != nil
	for _, r := range n.touched {
		last := len(r.unacknowledged) - 1
		if until != nil {
			next := uint64(until[n.source][int32(r.number)]) // 0 where nothing is settled
			for ; last >= 0; last-- {
				if meta, err := r.unacknowledged[last].Metadata(); err == nil && meta.Sequence.Stream < next {
					break
				}
			}
		}
		if last < 0 {
			continue
		}
		if n.eachAcknowledged {
			// The server sees to the acknowledgements of a connection in order.
			for _, m := range r.unacknowledged[:last] {
				if err := m.Ack(); err != nil {
					return fmt.Errorf("acknowledge %s: %w", r.filter, err)
				}
			}
		}
		if err := r.unacknowledged[last].DoubleAck(ctx); err != nil {
			return fmt.Errorf("acknowledge %s: %w", r.filter, err)
		}
	}
	return nil
}

// PlacedAt is the sequence at which a filter's position was written that its
// deliveries began from: another one after it was set anew.
func (n *NATS) PlacedAt(number int32) uint64 { return n.readers[int(number)].position.Sequence }

// Polled is how many filters' positions the epoch moves, and open how many the
// worker has.
func (n *NATS) Polled() (polled, open int) { return len(n.touched), len(n.readers) }

// Committed is to be called after each commit. It takes back what was noted in
// case the process dies, and shows how far behind the worker is.
func (n *NATS) Committed(ctx context.Context) error {
	n.inEpoch = false
	for _, r := range n.touched {
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
