package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// onItsWay is an event that the server has not acknowledged yet. Under its id the
// source takes it once, however often it is published within its duplicate_window.
type onItsWay struct {
	id    string
	event []byte
	sent  jetstream.PubAckFuture
}

// rideOut is how long send waits for a server that is away, and mostPause the
// longest pause between two tries.
const (
	rideOut   = answerTime
	mostPause = 2 * time.Second
)

// give publishes one event.
func (t *sourceSubject) give(e *onItsWay) (err error) {
	m := &nats.Msg{Subject: t.subject, Data: e.event}
	e.sent, err = t.js.PublishMsgAsync(m, jetstream.WithMsgID(e.id), jetstream.WithExpectStream(t.stream), jetstream.WithStallWait(answerTime), jetstream.WithRetryAttempts(0))
	return err
}

// settle waits until at most so many events are on their way, the oldest first.
// What is acknowledged by then anyway is settled too.
func (t *sourceSubject) settle(ctx context.Context, most int) error {
	for len(t.pending) > 0 {
		oldest := &t.pending[0]
		if len(t.pending) <= most {
			select {
			case <-oldest.sent.Ok():
				t.took()
			case err := <-oldest.sent.Err():
				if err = t.missed(ctx, err); err != nil {
					return err
				}
			default:
				return nil
			}
			continue
		}
		select {
		case <-oldest.sent.Ok():
			t.took()
		case err := <-oldest.sent.Err():
			if err = t.missed(ctx, err); err != nil {
				return err
			}
		case <-t.refused.Done():
			if err := t.missed(ctx, context.Cause(t.refused)); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// took notes that the server has the oldest event.
func (t *sourceSubject) took() {
	t.pending = t.pending[1:]
	t.away, t.any = time.Time{}, true
	t.finished(nil)
}

// missed deals with an event that the server did not take, the oldest: when the
// server is away, all that is on its way is published again once it is back.
func (t *sourceSubject) missed(ctx context.Context, why error) error {
	switch {
	case t.passes(why):
		return t.again(ctx, why)
	case errors.Is(why, nats.ErrPermissionViolation):
		return why // nothing is answered any more
	}
	t.pending = t.pending[1:]
	t.finished(why)
	return nil
}

// passes tells whether an event was not taken because the server is away. Where
// it never took one, its silence may be for good: nobody has the stream.
func (t *sourceSubject) passes(err error) bool {
	if errors.Is(err, context.Cause(t.refused)) { // which ends with the connection, too
		return !errors.Is(err, nats.ErrPermissionViolation)
	}
	if _, network := errors.AsType[net.Error](err); network { // of the write itself
		return true
	}
	for _, broken := range []error{
		nats.ErrDisconnected, nats.ErrStaleConnection, nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting,
		io.EOF, io.ErrClosedPipe, net.ErrClosed,
	} {
		if errors.Is(err, broken) {
			return true
		}
	}
	silent := errors.Is(err, jetstream.ErrAsyncPublishTimeout) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
	return silent && t.any
}

// again publishes all that is on its way once more, in its order, with back-off
// until the server takes it or rideOut is over.
func (t *sourceSubject) again(ctx context.Context, why error) error {
	if t.away.IsZero() {
		t.away, t.pause = time.Now(), settling
		t.log.Warn("the server is away; waiting for it", "error", why)
	}
	for {
		if time.Since(t.away) > rideOut {
			return fmt.Errorf("it did not come back in %s: %w", rideOut, why)
		}
		select {
		case <-time.After(t.pause):
		case <-ctx.Done():
			return errors.Join(why, ctx.Err())
		}
		t.pause = min(2*t.pause, mostPause)
		if !t.server.conn.IsConnected() {
			continue
		}
		t.stop() // a guard ends with its connection
		t.refused, t.stop = t.server.liveness.Guard(context.WithoutCancel(ctx))
		err := t.giveAll()
		if err == nil || !t.passes(err) {
			return err
		}
	}
}

func (t *sourceSubject) giveAll() error {
	for i := range t.pending {
		if err := t.give(&t.pending[i]); err != nil {
			return err
		}
	}
	return nil
}
