package producer

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
)

// NATSOptions say how a worker publishes on a NATS server.
type NATSOptions struct {
	Session  *broker.NATSSession
	Subjects *Template
	Limits   *broker.Limits
	Model    string // part of the message ids, which are at least once's
	// Panes is the subject of what is counted for drift, whose messages expire.
	Panes       string
	ExactlyOnce bool
}

// NATS is where a worker publishes on a NATS server: into the pipeline's own
// stream. One goroutine uses it.
//
// Exactly once nothing is sent before the commit, which takes one round trip for
// all. At least once each message is on its way at once, and the commit waits for
// what is not acknowledged yet.
type NATS struct {
	o        NATSOptions
	messages []*nats.Msg // used again in each epoch, for by then the client needs none of them
	used     int
	bytes    int
}

// NewNATS makes the producer of a session.
func NewNATS(o NATSOptions) *NATS { return &NATS{o: o} }

// Bytes is how much the epoch has published.
func (n *NATS) Bytes() int { return n.bytes }

// Records is how many records the epoch has published.
func (n *NATS) Records() int { return n.used }

// Publish takes a record, whose bytes must stay as they are until the epoch ends.
// since tells, at least once, what was published since the filter's position was
// last set from what was before: that is no repetition.
func (n *NATS) Publish(r *penstock.Record, since uint64) error {
	if n.used == len(n.messages) {
		n.messages = append(n.messages, &nats.Msg{Header: nats.Header{}})
	}
	m := n.messages[n.used]
	n.used++
	n.bytes += len(r.Value)
	m.Subject, m.Data = n.o.Subjects.subject(r), r.Value
	clear(m.Header)
	for i := range r.Headers {
		if h := &r.Headers[i]; !servers(h.Key, r.Value) {
			m.Header[h.Key] = append(m.Header[h.Key], string(h.Value))
		}
	}
	if m.Subject == n.o.Panes {
		m.Header[jetstream.MsgTTLHeader] = panesTTL
	}
	if n.o.ExactlyOnce {
		return nil
	}
	m.Header[jetstream.MsgIDHeader] = []string{messageID(&r.Event, n.o.Model, since)}
	if _, err := n.o.Session.JS.PublishMsgAsync(m, jetstream.WithRetryAttempts(0)); err != nil {
		return n.refused(m.Subject, err)
	}
	return nil
}

// servers tells of a header of an event's whether it would say something to the
// server, which was meant for the stream that the event came in by, or as if it came
// from there: clients take a Status without a body for the server's own.
func servers(key string, value []byte) bool {
	return strings.HasPrefix(key, "Nats-") || key == "Status" && len(value) == 0
}

// panesTTL is broker.PanesRetention.
var panesTTL = []string{broker.PanesRetention.String()}

// messageID lets the server drop what an epoch publishes again that was not
// acknowledged: an event has one prediction or dead letter of a model.
func messageID(e *penstock.EventID, model string, since uint64) string {
	return e.Source + ":" + strconv.FormatInt(e.Offset, 10) + ":" + model + ":" + strconv.FormatUint(since, 10)
}

// Flush waits until the server has all that was published, at least once.
func (n *NATS) Flush(ctx context.Context) error {
	if n.used > 0 {
		select {
		case <-n.o.Session.JS.PublishAsyncComplete():
		case <-n.o.Session.Failed():
			return n.o.Session.Err()
		case <-ctx.Done():
			return fmt.Errorf("publish: %w", ctx.Err())
		}
	}
	if r := n.o.Session.Refused.Load(); r != nil {
		return n.refused(r.Subject, r.Err)
	}
	n.reset()
	return nil
}

// Commit publishes the epoch as one batch with the guards of its positions, and
// gives the stream sequence of the last of them. There is at least one guard.
func (n *NATS) Commit(ctx context.Context, guards []broker.Guard) (last uint64, err error) {
	if failpoint.Mutant(broker.PositionOutsideBatch) {
		if err := n.publishApart(ctx); err != nil {
			return 0, err
		}
	}
	last, err = n.o.Session.Batches.Publish(ctx, n.o.Session.Conn, n.messages[:n.used], guards)
	if err == nil {
		n.reset()
	}
	return last, err
}

// refused lowers what the pipeline's own stream takes of one kind of records after
// a message was too large.
func (n *NATS) refused(subject string, err error) error {
	if subject != n.o.Panes && broker.Diagnose(err).Kind == broker.TooLarge {
		kind := n.o.Session.Subjects.Predictions()
		if subject == n.o.Session.Subjects.Dead() {
			kind = subject
		}
		n.o.Limits.Halve(kind)
	}
	return fmt.Errorf("publish to %s: %w", subject, err)
}

func (n *NATS) reset() { n.used, n.bytes = 0, 0 }

// publishApart is for the mutant position-outside-batch: it leaves nothing to
// the batch but its guards.
func (n *NATS) publishApart(ctx context.Context) error {
	for _, m := range n.messages[:n.used] {
		if _, err := n.o.Session.JS.PublishMsgAsync(m, jetstream.WithRetryAttempts(0)); err != nil {
			return err
		}
	}
	if err := n.Flush(ctx); err != nil {
		return err
	}
	failpoint.Hit("committed-early")
	return nil
}
