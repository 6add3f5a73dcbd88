package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
)

// NATSOptions say how monitors use a NATS server.
type NATSOptions struct {
	broker.NATSPipeline
	// Prepare makes the streams that may be made, and says which are missing.
	Prepare func(ctx context.Context) error
}

// natsShare is a process's place among those that read a subject of the
// pipeline's own stream, one of them at a time: who has the lease. That nothing is
// done twice is for the position to see to, a message that says which one it
// replaces.
type natsShare struct {
	*broker.NATSSession
	o       *NATSOptions
	group   *broker.Group
	member  *broker.GroupMember
	end     func()
	subject string // what is read

	owns      bool
	place     string // the position's subject
	expected  uint64 // the sequence of the position's last message; 0: there is none
	committed uint64 // the position, a sequence of what is read
	next      uint64 // the sequence of the next message to read
	reading   jetstream.ConsumeContext
	inbox     chan jetstream.Msg
	broken    chan error
	done      chan struct{}
}

// what names the one filter of such a group.
const natsWhat = "all"

// joinNATS takes part in a group that reads a subject.
func joinNATS(ctx context.Context, o *NATSOptions, batches *broker.Batches, group, subject string) (*natsShare, error) {
	liveness := &broker.NATSLiveness{}
	subjects := o.Subjects.ForGroup(group)
	session, err := broker.OpenNATSSession(ctx, broker.NATSSessionOptions{
		Connect: append(o.Connect[:len(o.Connect):len(o.Connect)], liveness.Options(o.SessionTimeout)...), Liveness: liveness,
		Source: o.Source, Own: o.Own, Subjects: subjects, Batches: batches, Timeout: o.Timeout,
	})
	if err != nil {
		return nil, err
	}
	joined, err := broker.JoinGroup(ctx, broker.GroupOptions{
		JS: session.JS, Stream: o.Own, Subjects: subjects, Filters: []string{natsWhat},
		Name: group, Instance: o.Instance, Workers: 1, TTL: o.SessionTimeout, Batches: batches, Log: o.Log,
	})
	if err != nil {
		session.Close()
		return nil, err
	}
	member := joined.Member(0)
	return &natsShare{
		NATSSession: session, o: o, group: joined, member: member, end: member.Begin(), subject: subject,
		place: subjects.Position(natsWhat), inbox: make(chan jetstream.Msg), broken: make(chan error, 1), done: make(chan struct{}),
	}, nil
}

// wait returns once this process has the lease and reads, or ctx ends, which is no
// error.
func (s *natsShare) wait(ctx context.Context) error {
	for !s.owns {
		if s.member.Holds(0) {
			return s.begin(ctx)
		}
		select {
		case <-s.member.Changed():
		case <-s.Failed():
			return s.Err()
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// begin reads from the position on.
func (s *natsShare) begin(ctx context.Context) error {
	at, err := broker.Last[broker.Position](ctx, s.Own, s.place)
	if err != nil {
		return err
	}
	s.next = 1
	if at != nil {
		s.expected, s.next = at.Sequence, max(at.Value.Next, 1)
	}
	s.committed = s.next
	reader, err := s.Own.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{s.subject}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: s.next,
	})
	if err == nil {
		s.reading, err = reader.Consume(s.receive, broker.AtMost(natsPull, reader),
			jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
				if errors.Is(err, jetstream.ErrNoHeartbeat) || errors.Is(err, jetstream.ErrServerShutdown) {
					return // the client begins anew by itself, or the session is over
				}
				select {
				case s.broken <- err:
				default:
				}
			}))
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", s.subject, err)
	}
	s.owns = true
	return nil
}

// natsPull is how many messages the server sends ahead.
const natsPull = 64

func (s *natsShare) receive(m jetstream.Msg) {
	select {
	case s.inbox <- m:
	case <-s.done:
	}
}

// take gives at most limit messages. It waits for one until ctx ends.
func (s *natsShare) take(ctx context.Context, limit int) ([]jetstream.Msg, error) {
	if err := s.wait(ctx); err != nil || !s.owns {
		return nil, err
	}
	var all []jetstream.Msg
	for len(all) < limit {
		// What is on its way comes within this; the first is waited for.
		more, cancel := ctx, func() {}
		if len(all) > 0 {
			more, cancel = context.WithTimeout(ctx, natsGap)
		}
		m, err := s.one(more)
		cancel()
		if err != nil {
			return nil, err
		}
		if m == nil {
			break
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.subject, err)
		}
		s.next = meta.Sequence.Stream + 1
		all = append(all, m)
		if meta.NumPending == 0 {
			break
		}
	}
	return all, nil
}

// natsGap is how long the next of several messages may take.
const natsGap = 20 * time.Millisecond

// one gives a message, nil when ctx ends before there is one.
func (s *natsShare) one(ctx context.Context) (jetstream.Msg, error) {
	for {
		if !s.member.Holds(0) {
			return nil, ErrLost
		}
		select {
		case m := <-s.inbox:
			return m, nil
		case <-s.member.Changed():
		case err := <-s.broken:
			return nil, fmt.Errorf("read %s: %w", s.subject, err)
		case <-s.Failed():
			return nil, s.Err()
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// commit publishes messages and a position as a whole.
func (s *natsShare) commit(ctx context.Context, messages []*nats.Msg, position uint64) error {
	value, err := json.Marshal(broker.Position{Next: position, Stream: s.o.Own})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	guard := broker.Guard{Subject: s.place, Value: value, Expected: s.expected}
	return s.Bound(ctx, func(ctx context.Context) error {
		last, err := s.Batches.Publish(ctx, s.Conn, messages, []broker.Guard{guard})
		if broker.Overtaken(err) {
			return errors.Join(ErrLost, err)
		}
		if err == nil {
			s.expected, s.committed = last, position
		}
		return err
	})
}

func (s *natsShare) leave(ctx context.Context) error { return s.group.Leave(ctx) }

func (s *natsShare) close() {
	close(s.done)
	if s.reading != nil {
		s.reading.Stop()
	}
	s.end()
	s.Close() // first, or the group's watch goes on looking for its server
	s.group.Close()
}
