package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// NATSOptions say how a pipeline uses a NATS server.
type NATSOptions struct {
	broker.NATSPipeline
	// Streams makes the streams that may be made, says which are missing or unfit, and
	// gives the largest message that the own one takes, headers included, in bytes.
	Streams func(ctx context.Context, js jetstream.JetStream) (largest int64, err error)
	// CompareAfter is how often Streams is asked again while they are used; 0: every 10 s.
	CompareAfter time.Duration

	Workers     int
	Start       string // consumer.Earliest or consumer.Latest
	From        string // the same for positions that are lost; empty refuses them
	ExactlyOnce bool
	// RestAfter is how often the positions of filters that have had no event are
	// moved on; 0: every 30 s.
	RestAfter     time.Duration
	FetchMaxBytes int64 // of one worker
	Model         string
	// Claims: the pipeline says which filters are read to their ends, as one that
	// counts for drift does.
	Claims    bool
	Limits    *broker.Limits
	Telemetry *telemetry.Pipeline
}

// NATS opens sessions at a NATS server.
type NATS struct {
	o        NATSOptions
	options  []nats.Option
	liveness broker.NATSLiveness
	attempts consumer.NATSAttempts
	batches  broker.Batches
	turn     chan struct{} // has a token: who has it may connect and join

	mu    sync.Mutex // guards what follows, and nothing is asked under it
	conn  *nats.Conn // for all but events; nil until it was needed
	js    jetstream.JetStream
	group *broker.Group
	ends  []uint64 // by filter, when AtEnd was first asked
	last  error    // why there is no connection
	// sessions are the last of each worker.
	sessions map[int]*natsSession
	unwatch  func() // ends watch; nil before it began
}

// NewNATS connects when it is first asked for something.
func NewNATS(o NATSOptions) *NATS {
	n := &NATS{o: o, turn: make(chan struct{}, 1)}
	n.turn <- struct{}{}
	n.batches.Begin = o.BeginBatch
	n.options = append(slices.Clone(o.Connect), n.liveness.Options(o.SessionTimeout)...)
	return n
}

// Close disconnects.
func (n *NATS) Close() {
	n.mu.Lock()
	group, conn, unwatch := n.group, n.conn, n.unwatch
	n.mu.Unlock()
	if conn != nil { // first, or the group's watch goes on looking for its server
		conn.Close()
	}
	if unwatch != nil {
		unwatch()
	}
	if group != nil {
		group.Close()
	}
}

// alone has one worker at a time do what all of them need once.
func (n *NATS) alone(ctx context.Context, do func() error) error {
	select {
	case <-n.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { n.turn <- struct{}{} }()
	return do()
}

// connect gives the connection for all but events.
func (n *NATS) connect(ctx context.Context) (js jetstream.JetStream, err error) {
	err = n.alone(ctx, func() error {
		n.mu.Lock()
		js = n.js
		n.mu.Unlock()
		if js != nil {
			return nil
		}
		conn, err := broker.ConnectNATS(append(slices.Clip(n.options), nats.MaxReconnects(-1)))
		if err == nil {
			js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(n.o.Timeout))
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.conn, n.js, n.last = conn, js, err
		return err
	})
	return js, err
}

// Prepare makes the streams that may be made, says which are missing, and joins
// the group.
func (n *NATS) Prepare(ctx context.Context) error {
	js, err := n.connect(ctx)
	if err != nil {
		return err
	}
	var largest int64
	err = n.guarded(ctx, func(ctx context.Context) (err error) {
		if largest, err = n.o.Streams(ctx, js); err != nil {
			return err
		}
		return n.join(ctx, js)
	})
	if err != nil {
		return err
	}
	n.o.Limits.Set(n.o.Subjects.Predictions(), int32(largest-ownHeaders))
	n.o.Limits.Set(n.o.Subjects.Dead(), int32(largest-ownHeaders))
	n.o.Limits.SetHeaders(mostHeaders - ownHeaders)
	return nil
}

// guarded does what the server never answers where it refuses it to the user, or
// is gone: that ends it, and is its error.
func (n *NATS) guarded(ctx context.Context, do func(ctx context.Context) error) error {
	guarded, stop := n.liveness.Guard(ctx)
	defer stop()
	err := do(guarded)
	if cause := context.Cause(guarded); err != nil && cause != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", cause, broker.Plain(err))
	}
	return broker.Plain(err)
}

// Bytes of headers: what a stream takes, of which more than enough for those of
// the batch is not a record's.
const (
	mostHeaders = 65535
	ownHeaders  = 512
)

// join has the workers take part in the group.
func (n *NATS) join(ctx context.Context, js jetstream.JetStream) error {
	return n.alone(ctx, func() error {
		n.mu.Lock()
		joined := n.group != nil
		n.mu.Unlock()
		if joined {
			return nil
		}
		before := js.Conn().LastError()
		group, err := broker.JoinGroup(ctx, broker.GroupOptions{
			JS: js, Stream: n.o.Own, Subjects: n.o.Subjects, Filters: n.o.Filters,
			Name: n.o.Group, Instance: n.o.Instance, Workers: n.o.Workers, TTL: n.o.SessionTimeout,
			Batches: &n.batches, Log: n.o.Log,
		})
		if err == nil {
			err = broker.Refused(ctx, js.Conn(), before)
		}
		if err != nil {
			if group != nil {
				group.Close()
			}
			return err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.group, n.unwatch = group, n.watch(js)
		return nil
	})
}

// Open implements Broker.
func (n *NATS) Open(ctx context.Context, worker int) (opened Session, err error) {
	err = n.guarded(ctx, func(ctx context.Context) (err error) {
		opened, err = n.open(ctx, worker)
		return err
	})
	return opened, err
}

const restAfter = 30 * time.Second

func (n *NATS) open(ctx context.Context, worker int) (Session, error) {
	n.mu.Lock()
	group := n.group
	n.mu.Unlock()
	session, err := broker.OpenNATSSession(ctx, broker.NATSSessionOptions{
		Connect: n.options, Liveness: &n.liveness, Source: n.o.Source, Own: n.o.Own,
		Subjects: n.o.Subjects, Member: group.Member(worker), Batches: &n.batches, Timeout: n.o.Timeout,
	})
	if err != nil {
		return nil, err
	}
	source, err := consumer.OpenNATS(ctx, consumer.NATSOptions{
		Session: session, Group: group, GroupName: n.o.Group, Filters: n.o.Filters, ExactlyOnce: n.o.ExactlyOnce,
		Start: n.o.Start, From: n.o.From, FetchMaxBytes: n.o.FetchMaxBytes, Attempts: &n.attempts,
		EventOf:   func(m jetstream.Msg) string { return producer.EventOf(m, n.o.Subjects.Dead()) },
		Telemetry: n.o.Telemetry, Log: n.o.Log, Timeout: n.o.Timeout, RestAfter: cmp.Or(n.o.RestAfter, restAfter), Claims: n.o.Claims,
	})
	if err != nil {
		session.Close()
		return nil, err
	}
	var panes string
	if n.o.Claims {
		panes = n.o.Subjects.Panes()
	}
	opened := &natsSession{
		NATS: source, session: session, exactlyOnce: n.o.ExactlyOnce, panes: panes,
		sink: producer.NewNATS(producer.NATSOptions{
			Session: session, Subjects: producer.NewTemplate(n.o.Subjects.Predictions(), n.o.Filters),
			Limits: n.o.Limits, Model: n.o.Model, ExactlyOnce: n.o.ExactlyOnce, Panes: panes,
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
	js, err := n.connect(ctx)
	if err != nil {
		return false, err
	}
	ends, err := n.endsOf(ctx, js)
	if err != nil {
		return false, err
	}
	positions := consumer.NATSPositions{JS: js, Source: n.o.Source, Own: n.o.Own, Subjects: n.o.Subjects, Group: n.o.Group}
	for i, filter := range n.o.Filters {
		at, ok, err := positions.Of(ctx, filter)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return false, nil // the own stream is yet to be made
		}
		if err != nil || !ok || at <= ends[i] {
			return false, err
		}
	}
	return true, nil
}

// Reference implements Broker.
func (n *NATS) Reference(ctx context.Context, model penstock.ModelIdentity) ([]byte, error) {
	js, err := n.connect(ctx)
	if err != nil {
		return nil, err
	}
	return broker.NATSReference(ctx, js, n.o.Own, n.o.Subjects, model.Name, model.Version)
}

// endsOf are the sequences of the last events when it was first asked.
func (n *NATS) endsOf(ctx context.Context, js jetstream.JetStream) ([]uint64, error) {
	n.mu.Lock()
	known := n.ends
	n.mu.Unlock()
	if known != nil {
		return known, nil
	}
	ends := make([]uint64, len(n.o.Filters))
	for i, filter := range n.o.Filters {
		asking, cancel := context.WithTimeout(ctx, n.o.Timeout)
		var err error
		ends[i], err = broker.LastSequence(asking, js.Conn(), n.o.Source, filter)
		cancel()
		if err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ends = ends
	return ends, nil
}

// Leave implements Broker. The sessions read no more then: the server would go on
// sending them what those ask for who take over.
func (n *NATS) Leave(ctx context.Context) error {
	n.mu.Lock()
	group, sessions := n.group, maps.Clone(n.sessions)
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
	last, group := n.last, n.group
	n.mu.Unlock()
	since, silent, err := n.liveness.Silent(time.Now(), n.o.SessionTimeout)
	if err == nil {
		err = last
	}
	switch {
	case !silent && group != nil && group.Trouble() != nil:
		return "the leases of the source's filters cannot be seen to: " + natsReason(group.Trouble())
	case !silent:
		return ""
	case err != nil:
		return natsReason(err)
	case since.UnixNano() == 0:
		return "the broker has not answered yet"
	default:
		return fmt.Sprintf("the broker has not answered for %s", time.Since(since).Round(time.Second))
	}
}

func natsReason(err error) string {
	if hint := broker.Diagnose(err).Hint; hint != "" {
		return hint
	}
	return broker.Plain(err).Error()
}
