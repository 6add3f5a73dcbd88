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
type NATS struct{ o NATSOptions }

// NewNATS connects when a session is opened.
func NewNATS(o NATSOptions) *NATS { return &NATS{o} }

// Open implements Broker.
func (n *NATS) Open(ctx context.Context, id Identity) (Session, error) {
	if err := n.o.Prepare(ctx); err != nil {
		return nil, err
	}
	share, err := joinNATS(ctx, &n.o, GroupName(n.o.Group, id), n.o.Subjects.Panes())
	if err != nil {
		return nil, err
	}
	return &natsSession{share}, nil
}

// natsSession is a process's place in the group. What the owner commits is one
// atomic batch with its position.
type natsSession struct{ *natsShare }

func (s *natsSession) Owner() bool { return s.owns }

func (s *natsSession) Poll(ctx context.Context) ([]Delta, error) {
	messages, err := s.take(ctx, pollRecords)
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
func (s *natsSession) State(ctx context.Context, take func(StateRecord) error) error {
	filter := s.o.Subjects.DriftState("*", "*")
	reader, err := s.Own.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", filter, err)
	}
	info, err := reader.Info(ctx)
	if err != nil {
		return fmt.Errorf("read %s: %w", filter, err)
	}
	if info.NumPending == 0 {
		return nil
	}
	messages, err := reader.Messages()
	if err != nil {
		return fmt.Errorf("read %s: %w", filter, err)
	}
	defer messages.Stop()
	for now := time.Now(); ; {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read %s: %w", filter, err)
		}
		r, pending, err := stateRecord(m, now)
		if err == nil {
			err = take(r)
		}
		if err != nil || pending == 0 {
			return err
		}
	}
}

func stateRecord(m jetstream.Msg, now time.Time) (r StateRecord, pending uint64, err error) {
	tokens := strings.Split(m.Subject(), ".")
	meta, err := m.Metadata()
	if err != nil {
		return r, 0, fmt.Errorf("read %s: %w", m.Subject(), err)
	}
	key, err := url.PathUnescape(tokens[len(tokens)-1]) // as broker.Token escapes
	if err != nil {
		return r, 0, fmt.Errorf("read %s: %w", m.Subject(), err)
	}
	r = StateRecord{Identity: tokens[len(tokens)-2], Key: key, Value: m.Data(), Age: now.Sub(meta.Timestamp).Milliseconds()}
	return r, meta.NumPending, nil
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

func (s *natsSession) Commit(ctx context.Context, out *Output) error {
	messages, err := s.ahead(ctx, s.messages(out), len(out.Reports))
	if err == nil {
		err = s.commit(ctx, messages)
	}
	if errors.Is(err, ErrLost) {
		return err
	}
	return broker.Plain(err)
}

// ahead publishes the reports, which are the first of the messages, that a batch has
// no room for, as when many windows close at once after a backlog, and gives the
// rest. Should the session break before that is committed, they come again.
func (s *natsSession) ahead(ctx context.Context, messages []*nats.Msg, reports int) ([]*nats.Msg, error) {
	surplus := min(max(len(messages)+1-s.Batches.Most(), 0), reports)
	for _, m := range messages[:surplus] {
		if _, err := s.JS.PublishMsg(ctx, m); err != nil {
			return nil, fmt.Errorf("publish to %s: %w", m.Subject, err)
		}
	}
	return messages[surplus:], nil
}

// messages are those of an output. Reports and alarms expire, state never does: it
// is replaced.
func (s *natsSession) messages(out *Output) []*nats.Msg {
	var all []*nats.Msg
	add := func(subject string, value []byte) nats.Header {
		m := nats.NewMsg(subject)
		m.Data = value
		all = append(all, m)
		return m.Header
	}
	kept := strconv.Itoa(int(broker.ReportsRetention/time.Second)) + "s"
	for _, r := range out.Reports {
		add(s.o.Subjects.Reports(), r.Value).Set(jetstream.MsgTTLHeader, kept)
	}
	for _, r := range out.Alarms {
		add(s.o.Subjects.Alarms(), r.Value).Set(jetstream.MsgTTLHeader, kept)
	}
	replace := func(subject string, value []byte) {
		h := add(subject, value)
		h.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		h.Set(jetstream.MsgTTLHeader, "never")
		if len(value) == 0 {
			h.Set(jetstream.MsgTTLHeader, natsRemoved)
		}
	}
	for _, r := range out.State {
		replace(s.o.Subjects.DriftState(r.Identity, broker.Token(r.Key)), r.Value)
	}
	if ref := out.Reference; ref != nil {
		for i, part := range broker.SplitReference(ref.Encoded, ref.Digest) {
			replace(s.o.Subjects.Reference(ref.Model, ref.Version, i), part)
		}
	}
	return all
}

// natsRemoved is how long the empty message stays that replaced one.
const natsRemoved = "60s"

func (s *natsSession) Leave(ctx context.Context) error { return s.leave(ctx) }

func (s *natsSession) Close() { s.close() }
