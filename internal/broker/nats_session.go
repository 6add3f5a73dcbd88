package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSSessionOptions say what one worker's session is.
type NATSSessionOptions struct {
	Connect  []nats.Option // of NATSOptions and of Liveness
	Liveness *NATSLiveness
	Source   string // stream
	Own      string // the pipeline's own stream
	Subjects Subjects
	Member   *GroupMember
	Batches  *Batches
	// Timeout bounds a question to the server.
	Timeout time.Duration
}

// NATSSession is one worker's connection to a NATS server. Once it has broken
// off it is spent: what was on its way may be lost, so that a new one begins
// again at the positions.
type NATSSession struct {
	Conn     *nats.Conn
	JS       jetstream.JetStream
	Source   jetstream.Stream
	Own      jetstream.Stream
	Subjects Subjects
	Member   *GroupMember
	Batches  *Batches

	// Refused is the first message that was published without waiting and that
	// the server did not take.
	Refused atomic.Pointer[RefusedMessage]

	// life ends when the connection is gone, the user lacks a permission, or somebody
	// ends it, and says why.
	life context.Context
	fail context.CancelCauseFunc
}

// RefusedMessage is one that the server did not take.
type RefusedMessage struct {
	Subject string
	Err     error
}

// ErrReplaced says that another process works under this one's name.
var ErrReplaced = errors.New("another process of the same instance name has taken this worker's place")

// OpenNATSSession connects.
func OpenNATSSession(ctx context.Context, o NATSSessionOptions) (*NATSSession, error) {
	s := &NATSSession{Subjects: o.Subjects, Member: o.Member, Batches: o.Batches}
	s.life, s.fail = context.WithCancelCause(context.Background())
	options := append(append([]nats.Option{}, o.Connect...),
		nats.NoReconnect(), nats.RetryOnFailedConnect(false),
		nats.ClosedHandler(func(c *nats.Conn) { s.fail(&natsError{cmp.Or(brokenOff(c.LastError()), nats.ErrConnectionClosed)}) }),
		nats.ErrorHandler(func(c *nats.Conn, sub *nats.Subscription, err error) {
			o.Liveness.told(c, sub, err)
			if errors.Is(err, nats.ErrPermissionViolation) { // what was asked for is never answered
				s.fail(err)
			}
		}),
	)
	var err error
	if s.Conn, err = nats.Connect("", options...); err != nil {
		return nil, fmt.Errorf("connect: %w", &natsError{err})
	}
	if s.JS, err = jetstream.New(s.Conn, jetstream.WithDefaultTimeout(o.Timeout),
		jetstream.WithPublishAsyncMaxPending(MaxUnacknowledged), jetstream.WithPublishAsyncTimeout(o.Timeout),
		jetstream.WithPublishAsyncErrHandler(s.refused)); err == nil {
		s.Source, err = s.stream(ctx, o.Source)
	}
	if err == nil {
		s.Own, err = s.stream(ctx, o.Own)
	}
	if err != nil {
		s.Conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *NATSSession) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	stream, err := lookUp(ctx, s.JS, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	return stream, nil
}

// MaxUnacknowledged is how many messages are published before the first of them
// is acknowledged.
const MaxUnacknowledged = 16 << 10

func (s *NATSSession) refused(_ jetstream.JetStream, m *nats.Msg, err error) {
	s.Refused.CompareAndSwap(nil, &RefusedMessage{m.Subject, err})
}

// End has the session be spent, because of a cause.
func (s *NATSSession) End(cause error) { s.fail(cause) }

// Failed is closed when the session is spent: because its connection is gone, because
// the server refuses something to the user, or because of End.
func (s *NATSSession) Failed() <-chan struct{} { return s.life.Done() }

// Err says why the session is spent, once Failed is closed.
func (s *NATSSession) Err() error {
	cause := context.Cause(s.life)
	if _, broke := errors.AsType[*natsError](cause); broke && !errors.Is(cause, nats.ErrPermissionViolation) {
		return fmt.Errorf("the connection broke off: %w", cause)
	}
	return cause
}

// Bound does what asks the server something, and cuts it short when the session
// is spent: the client goes on waiting for an answer.
func (s *NATSSession) Bound(ctx context.Context, do func(ctx context.Context) error) error {
	bound, cancel := context.WithCancel(ctx)
	defer cancel()
	forget := context.AfterFunc(s.life, cancel)
	defer forget()
	err := do(bound)
	if err != nil && ctx.Err() == nil && s.life.Err() != nil {
		return s.Err()
	}
	return err
}

// Close disconnects.
func (s *NATSSession) Close() { s.Conn.Close() }
