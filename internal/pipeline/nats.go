package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// NATSOptions say how a pipeline uses a NATS server.
type NATSOptions struct {
	Connect []nats.Option // of broker.NATSOptions
	Source  string   // the stream
	Filters []string // each is a partition
	Own     string   // the pipeline's own stream
	// Subjects are those of the own stream.
	Subjects broker.Subjects
	// Streams makes the streams that may be made, and says which are missing.
	Streams func(ctx context.Context, js jetstream.JetStream) error

	Group       string
	Workers     int
	Instance    string
	Start       string // consumer.Earliest or consumer.Latest
	From        string // the same for positions that are lost; empty refuses them
	ExactlyOnce bool
	// SessionTimeout is the silence after which a worker's filters go to others.
	SessionTimeout time.Duration
	// Timeout bounds a question to the server.
	Timeout       time.Duration
	FetchMaxBytes int64 // of one worker
	Model         string
	Limits        *broker.Limits
	Telemetry     *telemetry.Pipeline
	Log           *slog.Logger
}

// NATS opens sessions at a NATS server.
type NATS struct {
	o        NATSOptions
	options  []nats.Option
	liveness broker.NATSLiveness
	attempts consumer.NATSAttempts

	mu    sync.Mutex // guards what follows
	conn  *nats.Conn // for all but events; nil until it was needed
	js    jetstream.JetStream
	group *broker.Group
	ends  []uint64 // by filter, when AtEnd was first asked
	last  error    // why there is no connection
	// sessions are the last of each worker.
	sessions map[int]*natsSession
}

// NewNATS connects when it is first asked for something.
func NewNATS(o NATSOptions) *NATS {
	n := &NATS{o: o}
	n.options = append(slices.Clone(o.Connect), n.liveness.Options(o.SessionTimeout)...)
	return n
}

// Close disconnects.
func (n *NATS) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.group != nil {
		n.group.Close()
	}
	if n.conn != nil {
		n.conn.Close()
	}
}

// connect gives the connection for all but events.
func (n *NATS) connect() (jetstream.JetStream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.js != nil {
		return n.js, nil
	}
	conn, err := broker.ConnectNATS(n.options)
	if err == nil {
		n.conn = conn
		n.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(n.o.Timeout))
	}
	n.last = err
	return n.js, err
}

// Prepare makes the streams that may be made, says which are missing, and joins
// the group.
func (n *NATS) Prepare(ctx context.Context) error {
	js, err := n.connect()
	if err != nil {
		return err
	}
	var own jetstream.Stream
	err = n.guarded(ctx, func(ctx context.Context) (err error) {
		if err = n.o.Streams(ctx, js); err == nil {
			own, err = js.Stream(ctx, n.o.Own)
		}
		if err == nil {
			err = n.join(ctx, js)
		}
		return err
	})
	if err != nil {
		return err
	}
	most := js.Conn().MaxPayload()
	if limit := int64(own.CachedInfo().Config.MaxMsgSize); limit > 0 {
		most = min(most, limit)
	}
	n.o.Limits.Set(n.o.Subjects.Predictions(), int32(most-ownHeaders))
	n.o.Limits.Set(n.o.Subjects.Dead(), int32(most-ownHeaders))
	return nil
}

// guarded does what the server never answers where it refuses it to the user, or
// is gone: that ends it, and is its error.
func (n *NATS) guarded(ctx context.Context, do func(ctx context.Context) error) error {
	guarded, stop := n.liveness.Guard(ctx)
	defer stop()
	err := do(guarded)
	if cause := context.Cause(guarded); err != nil && cause != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// ownHeaders is more than the batch's headers take.
const ownHeaders = 512

// join has the workers take part in the group.
func (n *NATS) join(ctx context.Context, js jetstream.JetStream) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.group != nil {
		return nil
	}
	var err error
	n.group, err = broker.JoinGroup(ctx, broker.GroupOptions{
		JS: js, Stream: n.o.Own, Subjects: n.o.Subjects, Filters: n.o.Filters,
		Name: n.o.Group, Instance: n.o.Instance, Workers: n.o.Workers, TTL: n.o.SessionTimeout, Log: n.o.Log,
	})
	return err
}

// Open implements Broker.
func (n *NATS) Open(ctx context.Context, worker int) (opened Session, err error) {
	err = n.guarded(ctx, func(ctx context.Context) (err error) {
		opened, err = n.open(ctx, worker)
		return err
	})
	return opened, err
}

func (n *NATS) open(ctx context.Context, worker int) (Session, error) {
	n.mu.Lock()
	group := n.group
	n.mu.Unlock()
	session, err := broker.OpenNATSSession(ctx, broker.NATSSessionOptions{
		Connect: n.options, Source: n.o.Source, Own: n.o.Own,
		Subjects: n.o.Subjects, Member: group.Member(worker), Timeout: n.o.Timeout,
	})
	if err != nil {
		return nil, err
	}
	source, err := consumer.OpenNATS(ctx, consumer.NATSOptions{
		Session: session, Group: group, GroupName: n.o.Group, Filters: n.o.Filters, ExactlyOnce: n.o.ExactlyOnce,
		Start: n.o.Start, From: n.o.From, FetchMaxBytes: n.o.FetchMaxBytes, Attempts: &n.attempts,
		Telemetry: n.o.Telemetry, Log: n.o.Log, Timeout: n.o.Timeout,
	})
	if err != nil {
		session.Close()
		return nil, err
	}
	opened := &natsSession{
		NATS: source, session: session, exactlyOnce: n.o.ExactlyOnce,
		sink: producer.NewNATS(producer.NATSOptions{
			Session: session, Subjects: producer.NewTemplate(n.o.Subjects.Predictions(), n.o.Filters),
			Limits: n.o.Limits, Model: n.o.Model, ExactlyOnce: n.o.ExactlyOnce,
		}),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sessions == nil {
		n.sessions = map[int]*natsSession{}
	}
	n.sessions[worker] = opened
	return opened, nil
}

// AtEnd implements Broker.
func (n *NATS) AtEnd(ctx context.Context) (bool, error) {
	js, err := n.connect()
	if err != nil {
		return false, err
	}
	ends, err := n.endsOf(ctx, js)
	if err != nil {
		return false, err
	}
	positions := consumer.NATSPositions{JS: js, Source: n.o.Source, Own: n.o.Own, Subjects: n.o.Subjects, Group: n.o.Group, ExactlyOnce: n.o.ExactlyOnce}
	for i, filter := range n.o.Filters {
		at, ok, err := positions.Of(ctx, filter)
		if err != nil || !ok || at <= ends[i] {
			return false, err
		}
	}
	return true, nil
}

// endsOf are the sequences of the last events when it was first asked.
func (n *NATS) endsOf(ctx context.Context, js jetstream.JetStream) ([]uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ends != nil {
		return n.ends, nil
	}
	source, err := js.Stream(ctx, n.o.Source)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", n.o.Source, err)
	}
	ends := make([]uint64, len(n.o.Filters))
	for i, filter := range n.o.Filters {
		m, err := source.GetLastMsgForSubject(ctx, filter)
		switch {
		case err == nil:
			ends[i] = m.Sequence
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return nil, fmt.Errorf("look up the last event of %s: %w", filter, err)
		}
	}
	n.ends = ends
	return ends, nil
}

// Leave implements Broker. The sessions read no more then: the server would go on
// sending them what those ask for who take over.
func (n *NATS) Leave(ctx context.Context) error {
	n.mu.Lock()
	group, sessions := n.group, n.sessions
	n.mu.Unlock()
	if group == nil {
		return nil
	}
	for _, s := range sessions {
		s.Close()
	}
	return group.Leave(ctx)
}

// Health implements Broker.
func (n *NATS) Health() string {
	n.mu.Lock()
	last := n.last
	n.mu.Unlock()
	since, silent, err := n.liveness.Silent(time.Now(), n.o.SessionTimeout)
	if err == nil {
		err = last
	}
	switch {
	case !silent:
		return ""
	case err != nil:
		if hint := broker.Diagnose(err).Hint; hint != "" {
			return hint
		}
		return err.Error()
	case since.UnixNano() == 0:
		return "the broker has not answered yet"
	default:
		return fmt.Sprintf("the broker has not answered for %s", time.Since(since).Round(time.Second))
	}
}

// natsSession is both ends of a worker's epochs.
type natsSession struct {
	*consumer.NATS
	sink        *producer.NATS
	session     *broker.NATSSession
	exactlyOnce bool
}

// Attempt is the source's.
func (s *natsSession) Attempt(ctx context.Context, events []penstock.Event) (isolate bool, err error) {
	if !s.exactlyOnce && failpoint.Mutant(broker.AckBeforePublish) {
		if err := s.Acknowledge(ctx, nil); err != nil {
			return false, err
		}
		failpoint.Hit("committed-early")
	}
	err = s.session.Bound(ctx, func(ctx context.Context) (err error) {
		isolate, err = s.NATS.Attempt(ctx, events)
		return err
	})
	return isolate, err
}

// Committed is the source's.
func (s *natsSession) Committed(ctx context.Context) error {
	return s.session.Bound(ctx, s.NATS.Committed)
}

func (s *natsSession) Publish(_ context.Context, r *penstock.Record) error { return s.sink.Publish(r) }

// Room leaves a place in the batch for each position that the epoch moves, or is
// going to.
func (s *natsSession) Room() int {
	if room(s.sink.Bytes()) == 0 {
		return 0
	}
	if !s.exactlyOnce {
		return broker.MaxUnacknowledged - s.sink.Records()
	}
	polled, open := s.Polled()
	left := broker.MaxBatch - s.sink.Records()
	return max(left-open, (left-polled)/2, 0)
}

func (s *natsSession) Commit(ctx context.Context, until broker.Offsets) (bool, error) {
	err := s.session.Bound(ctx, func(ctx context.Context) error {
		if s.exactlyOnce {
			return s.commitBatch(ctx, until)
		}
		if err := s.sink.Flush(ctx); err != nil {
			return err
		}
		return s.Acknowledge(ctx, until)
	})
	return err == nil, err
}

func (s *natsSession) commitBatch(ctx context.Context, until broker.Offsets) error {
	guards, err := s.Guards(until)
	if err != nil || len(guards) == 0 {
		return err
	}
	last, err := s.sink.Commit(ctx, guards)
	if err == nil {
		s.Moved(guards, last)
	}
	return err
}

// Abort leaves all to the next session: this one is spent, for what it has
// fetched is behind the positions.
func (s *natsSession) Abort(context.Context) error { return nil }

// Skip has nothing to do: a message that the server has is one that can be read.
func (s *natsSession) Skip(context.Context, error) error { return nil }

func (s *natsSession) Unreadable(error) (penstock.EventID, int64, *penstock.Rejection, bool) {
	return penstock.EventID{}, 0, nil, false
}

func (s *natsSession) Replaced(context.Context) bool { return s.session.Member.Replaced() }

func (s *natsSession) Close() {
	s.NATS.Close()
	s.session.Close()
}
