package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/penstock/penstock/internal/failpoint"
)

// Headers of JetStream that the client has no options for where they are needed.
const (
	headerBatchID       = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// MaxBatch is how many messages, guards included, a server takes in one atomic batch.
const MaxBatch = 1000

// Guard is a message of a batch that has a subject for itself: it replaces the
// one before, which must be the one at sequence Expected of the stream, 0 for
// none. Otherwise the server refuses the whole batch.
type Guard struct {
	Subject  string
	Value    []byte
	Expected uint64
	TTL      time.Duration // in whole seconds; 0: it stays, whatever the stream's limits are
}

func (g *Guard) message() *nats.Msg {
	m := nats.NewMsg(g.Subject)
	m.Data = g.Value
	if g.TTL > 0 || !failpoint.Mutant(noExpectedSequence) {
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(g.Expected, 10))
	}
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	ttl := "never"
	if g.TTL > 0 {
		ttl = strconv.Itoa(int((g.TTL+time.Second-1)/time.Second)) + "s"
	}
	m.Header.Set(jetstream.MsgTTLHeader, ttl)
	return m
}

// Put publishes a guard alone.
func (g *Guard) Put(ctx context.Context, js jetstream.JetStream) (sequence uint64, err error) {
	ack, err := js.PublishMsg(ctx, g.message(), jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, fmt.Errorf("publish to %s: %w", g.Subject, err)
	}
	return ack.Sequence, nil
}

// Overtaken tells whether a guard was refused because somebody else has written
// its subject since.
func Overtaken(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return ok && e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// PublishBatch publishes messages and guards as one atomic batch: all of them are
// in the stream, in this order and behind one another, or none. There is at
// least one guard, and room for all in a batch. It gives the sequence of the
// last one.
//
// Of messages that the server does not take it says so only at the end, for
// whatever reason, as a batch that is incomplete.
func PublishBatch(ctx context.Context, conn *nats.Conn, messages []*nats.Msg, guards []Guard) (last uint64, err error) {
	id := nuid.Next()
	n := 0
	number := func(m *nats.Msg) {
		n++
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		m.Header[headerBatchID] = []string{id}
		m.Header[headerBatchSequence] = []string{strconv.Itoa(n)}
	}
	for _, m := range messages {
		number(m)
		if err := conn.PublishMsg(m); err != nil {
			return 0, fmt.Errorf("publish to %s: %w", m.Subject, err)
		}
	}
	for i := range guards[:len(guards)-1] {
		m := guards[i].message()
		number(m)
		if err := conn.PublishMsg(m); err != nil {
			return 0, fmt.Errorf("publish to %s: %w", m.Subject, err)
		}
	}
	m := guards[len(guards)-1].message()
	number(m)
	m.Header.Set(headerBatchCommit, "1")
	reply, err := conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, fmt.Errorf("commit batch: %w", err)
	}
	var ack struct {
		Sequence uint64              `json:"seq"`
		Error    *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, fmt.Errorf("commit batch: read the answer: %w", err)
	}
	if ack.Error != nil {
		return 0, fmt.Errorf("commit batch: %w", ack.Error)
	}
	return ack.Sequence, nil
}

// Answers of the server that say that nothing was written and that the same may
// be written a moment later.
const (
	tooManyInFlight = 10210 // batches, of all workers
	// incomplete is also what follows when there were too many in flight at a
	// batch's first message, and when the server was started anew in between.
	incomplete   = 10176
	beingWritten = 10164 // a guard's subject, at this very moment
)

// TryAgain tells whether a batch was refused for what passes by itself.
func TryAgain(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (e.ErrorCode == tooManyInFlight || e.ErrorCode == incomplete || e.ErrorCode == beingWritten)
}
