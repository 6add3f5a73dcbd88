package monitor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
)

// NATS opens sessions at a NATS server.
type NATS struct {
	o       NATSOptions
	batches broker.Batches // of all sessions: a limit of the server's need be learnt once
}

// NewNATS connects when a session is opened.
func NewNATS(o NATSOptions) *NATS {
	return &NATS{o: o, batches: broker.Batches{Begin: o.BeginBatch}}
}

// Open implements Broker.
func (n *NATS) Open(ctx context.Context, id Identity) (Session, error) {
	if err := n.o.Prepare(ctx); err != nil {
		return nil, err
	}
	share, err := joinNATS(ctx, &n.o, &n.batches, GroupName(n.o.Group, id), n.o.Subjects.Panes())
	if err != nil {
		return nil, err
	}
	return &natsSession{natsShare: share}, nil
}

// natsSession is a process's place in the group. What the owner commits is an
// atomic batch with its position, and where there are many sums some more before.
type natsSession struct {
	*natsShare
	last uint64 // delta, when Reached was first asked; 0: it was not
}

func (s *natsSession) Owner() bool { return s.owns }

func (s *natsSession) Poll(ctx context.Context, most int) ([]Delta, error) {
	messages, err := s.take(ctx, most)
	if err != nil {
		return nil, err
	}
	all := make([]Delta, len(messages))
	for i, m := range messages {
		meta, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("poll: %w", err)
		}
		all[i] = Delta{Value: m.Data(), Time: meta.Timestamp.UnixMilli()}
	}
	return all, nil
}

// State reads what is there. What an owner that is still at it writes meanwhile
// moves the position, and so has this one's first commit refused.
func (s *natsSession) State(ctx context.Context, keys []string, take func(StateRecord) error) error {
	reader, err := s.Own.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: s.stateFilters(keys), DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
	})
	if err == nil {
		now := time.Now()
		err = broker.ReadPending(ctx, reader, s.o.Timeout, func(m jetstream.Msg, meta *jetstream.MsgMetadata) (bool, error) {
			r, err := stateRecord(m, now.Sub(meta.Timestamp))
			if err == nil {
				err = take(r)
			}
			return true, err
		})
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", s.o.Subjects.DriftState("*", "*"), err)
	}
	return nil
}

func (s *natsSession) stateFilters(keys []string) []string {
	if keys == nil {
		return []string{s.o.Subjects.DriftState("*", "*")}
	}
	filters := make([]string, len(keys))
	for i, key := range keys {
		filters[i] = s.o.Subjects.DriftState("*", broker.Token(key))
	}
	return filters
}

func stateRecord(m jetstream.Msg, age time.Duration) (StateRecord, error) {
	tokens := strings.Split(m.Subject(), ".")
	key, err := url.PathUnescape(tokens[len(tokens)-1]) // as broker.Token escapes
	if err != nil {
		return StateRecord{}, fmt.Errorf("%s: %w", m.Subject(), err)
	}
	return StateRecord{Identity: tokens[len(tokens)-2], Key: key, Value: m.Data(), Age: age.Milliseconds()}, nil
}

// Partitions are the filters: there are no others.
func (s *natsSession) Partitions(context.Context) ([]drift.PartitionID, error) {
	all := make([]drift.PartitionID, len(s.o.Filters))
	for i, filter := range s.o.Filters {
		name, number := broker.DriftPartition(s.o.Source, filter, int32(i))
		all[i] = drift.PartitionID{Source: name, Partition: number}
	}
	return all, nil
}

func (s *natsSession) Reached(ctx context.Context) (bool, error) {
	if s.last == 0 {
		last, err := s.Own.GetLastMsgForSubject(ctx, s.subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s: %w", s.subject, err)
		}
		s.last = last.Sequence
	}
	return s.committed > s.last, nil
}

func (s *natsSession) Room() int { return s.Batches.Most() - 1 }

// Guarded is true: every batch has the position, and says which one it replaces.
func (s *natsSession) Guarded() bool { return true }

func (s *natsSession) Commit(ctx context.Context, out *Output) error {
	messages, ahead := s.messages(out), len(out.Sums)
	err := error(nil)
	for n := s.fitting(messages); err == nil && ahead > 0 && n < len(messages); n = s.fitting(messages) {
		n = min(n, ahead)
		err = s.commit(ctx, messages[:n], s.committed)
		messages, ahead = messages[n:], ahead-n
	}
	if err == nil {
		err = s.commit(ctx, messages, s.next)
	}
	if errors.Is(err, ErrLost) {
		return err
	}
	return broker.Plain(err)
}

// natsBatchBytes is what the messages of a batch may have together: a server takes
// 128 MiB before it handles them.
const natsBatchBytes = 16 << 20

// fitting is how many of the messages, at least one, go into a batch with the
// position.
func (s *natsSession) fitting(messages []*nats.Msg) int {
	size, most := 0, min(len(messages), s.Room())
	for i, m := range messages[:most] {
		if size += m.Size(); size > natsBatchBytes {
			return max(i, 1)
		}
	}
	return max(most, 1)
}

// messages are those of an output, first its sums.
func (s *natsSession) messages(out *Output) []*nats.Msg {
	var all []*nats.Msg
	for i := range out.Sums {
		all = append(all, s.state(&out.Sums[i]))
	}
	kept := strconv.Itoa(int(broker.ReportsRetention/time.Second)) + "s"
	for _, r := range out.Reports {
		all = append(all, message(s.o.Subjects.Reports(), r.Value, kept))
	}
	for _, r := range out.Alarms {
		all = append(all, message(s.o.Subjects.Alarms(), r.Value, kept))
	}
	for key, value := range out.Latest {
		all = append(all, replacing(s.o.Subjects.Latest(broker.Token(key)), value, kept))
	}
	for i := range out.State {
		all = append(all, s.state(&out.State[i]))
	}
	if ref := out.Reference; ref != nil {
		for i, part := range broker.SplitReference(ref.Encoded, ref.Digest) {
			all = append(all, replacing(s.o.Subjects.Reference(ref.Model, ref.Version, i), part, "never"))
		}
	}
	return all
}

// state is the message of a record of the state.
func (s *natsSession) state(r *StateRecord) *nats.Msg {
	kept := "never"
	if len(r.Value) == 0 {
		kept = natsRemoved
	}
	return replacing(s.o.Subjects.DriftState(r.Identity, broker.Token(r.Key)), r.Value, kept)
}

func message(subject string, value []byte, kept string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = value
	m.Header.Set(jetstream.MsgTTLHeader, kept)
	return m
}

// replacing is a message that takes the place of the one before it.
func replacing(subject string, value []byte, kept string) *nats.Msg {
	m := message(subject, value, kept)
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	return m
}

// natsRemoved is how long the empty message stays that replaced one.
const natsRemoved = "60s"

func (s *natsSession) Leave(ctx context.Context) error { return s.leave(ctx) }

func (s *natsSession) Close() { s.close() }
