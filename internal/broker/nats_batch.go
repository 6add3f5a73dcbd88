package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
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

// maxBatch is how many messages, guards included, a server takes in one atomic
// batch unless it is told otherwise, and the most that it can be told.
const maxBatch = 1000

// Batches publishes atomic batches of messages, as large as the server takes
// them. It is safe for concurrent use.
type Batches struct {
	Begin BeginBatch // nil: the server is another process's

	lowered atomic.Int64 // what the server has said that it takes; 0: nothing yet
}

// Most is how many messages, guards included, go into one batch.
func (b *Batches) Most() int { return int(cmp.Or(b.lowered.Load(), maxBatch)) }

// errNoRoom is that Begin was not ok.
var errNoRoom = errors.New("the streams of the embedded NATS take all that max_bytes allows")

// BeginBatch tells a server in this process that a batch is about to be sent. end is
// called after its answer, or with false when there was none. Without ok there is
// no room for it, and nothing may be sent.
type BeginBatch func() (end func(answered bool), ok bool)

// leastMessages is an event's record with the position behind it.
const leastMessages = 2

// learn notes what a refused batch tells of the server's limit.
func (b *Batches) learn(err error) {
	e, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || e.ErrorCode != codeBatchTooLarge {
		return
	}
	most := int64(b.Most() / 2)
	if _, told, ok := strings.Cut(e.Description, "too large: "); ok {
		if n, err := strconv.ParseInt(told, 10, 64); err == nil {
			most = n
		}
	}
	b.lowered.Store(max(most, leastMessages))
}

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

// crowded is how long to leave to other batches when there are too many, the
// longer the more often there were, up to mostTries.
const (
	crowded   = 5 * time.Millisecond
	mostTries = 6
)

// Publish publishes messages and guards as one atomic batch: all of them are in
// the stream, in this order and behind one another, or none. There is at least
// one guard, and no more in all than Most. It gives the sequence of the last one.
//
// Of messages that the server does not take it says so only at the end, for
// whatever reason, as a batch that is incomplete.
func (b *Batches) Publish(ctx context.Context, conn *nats.Conn, messages []*nats.Msg, guards []Guard) (last uint64, err error) {
	for try := 1; ; try++ {
		last, err = b.publish(ctx, conn, messages, guards)
		if err == nil || !passes(err) || try == mostTries {
			b.learn(err)
			return last, err
		}
		select {
		case <-time.After(crowded << try):
		case <-ctx.Done():
			return 0, errors.Join(err, ctx.Err())
		}
	}
}

// PublishAll publishes guards in as many batches as it takes, and gives the
// sequence of each in the stream. After an error some may be there.
func (b *Batches) PublishAll(ctx context.Context, conn *nats.Conn, guards []Guard) (sequences []uint64, err error) {
	for len(sequences) < len(guards) {
		left := guards[len(sequences):]
		left = left[:min(len(left), b.Most())]
		last, err := b.Publish(ctx, conn, nil, left)
		switch {
		case err == nil:
			for i := range left {
				sequences = append(sequences, last-uint64(len(left)-1-i))
			}
		case len(left) <= b.Most(): // else it was larger than the server takes, which is known now
			return sequences, err
		}
	}
	return sequences, nil
}

// publish is one try of Publish.
func (b *Batches) publish(ctx context.Context, conn *nats.Conn, messages []*nats.Msg, guards []Guard) (last uint64, err error) {
	if b.Begin == nil {
		return publishBatch(ctx, conn, messages, guards)
	}
	end, ok := b.Begin()
	if !ok {
		return 0, errNoRoom
	}
	last, err = publishBatch(ctx, conn, messages, guards)
	_, refused := errors.AsType[*jetstream.APIError](err)
	end(err == nil || refused)
	return last, err
}

func publishBatch(ctx context.Context, conn *nats.Conn, messages []*nats.Msg, guards []Guard) (last uint64, err error) {
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
		return 0, fmt.Errorf("commit batch: %w", Plain(ack.Error))
	}
	return ack.Sequence, nil
}

// passes tells whether a batch was refused for what passes by itself: nothing was
// written, and the same may be written a moment later.
//
// Of an incomplete batch that is not known. Only its last message is answered, and
// the server then misses an earlier one: there were too many batches in flight at the
// first, too many messages in its queue, or the stream has another leader since, all
// of which passes. A message larger than the stream takes and a disk without room
// for the batch look the same, and last. To hear which it was, each epoch would wait
// for the answer to its first message, a round trip more. To try in vain takes a
// third of a second; the next session comes later each time, and learns anew what
// the stream takes.
func passes(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return false
	}
	switch e.ErrorCode {
	case codeBatchesInflight, // of all workers
		codeBatchIncomplete, // perhaps
		codeBeingWritten:    // a guard's subject, at this very moment
		return true
	}
	return false
}
