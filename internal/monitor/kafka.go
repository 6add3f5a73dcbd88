package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
)

// KafkaOptions say how monitors use a Kafka cluster.
type KafkaOptions struct {
	Session  broker.SessionOptions // all but what is below, topics, group and member
	Group    string                // of the pipeline
	Instance string
	Sources  []string // topics
	Topics   KafkaTopics
	// Prepare makes the topics that may be made, and says which are missing.
	Prepare func(ctx context.Context) error
}

// KafkaTopics are the pipeline's own that drift is about; each has one partition.
type KafkaTopics struct {
	Panes   string // deltas
	Reports string
	Alarms  string
	Latest  string // reports
	State   string // of monitors
	// References is the pipeline's state topic, where workers look for a frozen
	// reference.
	References string
}

// Kafka opens sessions at a Kafka cluster.
type Kafka struct{ o KafkaOptions }

// NewKafka connects when a session is opened.
func NewKafka(o KafkaOptions) *Kafka { return &Kafka{o} }

// deltasFetch is how much of the deltas a fetch takes.
const deltasFetch = 8 << 20

// Open implements Broker.
func (k *Kafka) Open(ctx context.Context, id Identity) (Session, error) {
	if err := k.o.Prepare(ctx); err != nil {
		return nil, err
	}
	s := &kafkaSession{o: &k.o, group: GroupName(k.o.Group, id)}
	o := k.o.Session
	o.Topics, o.Group, o.MemberID = []string{k.o.Topics.Panes}, s.group, broker.MemberID(s.group, k.o.Instance, 0)
	o.Lead = broker.NewLead(s.group, k.o.Instance)
	// Whatever the delivery of predictions is: a count that came twice could not
	// be told from one that is true.
	o.ExactlyOnce, o.ReadCommitted = true, true
	o.FetchMaxBytes = deltasFetch
	o.Partitioner = func(*kgo.Record, int) int { return 0 }
	o.Begin, o.Assigned, o.Revoked = s.begin, s.assigned, s.revoked
	session, err := broker.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	s.session = session
	return s, nil
}

// kafkaSession is a process's place in the group. Exactly one has the partition of
// the deltas; what it commits as a transaction is refused once it has it no more.
type kafkaSession struct {
	o       *KafkaOptions
	group   string
	session *broker.Session
	owns    atomic.Bool // set and then lost by the client's goroutine
	lost    atomic.Bool
	failed  atomic.Pointer[error] // of the first record that the broker did not take
	ends    broker.Offsets        // of the deltas, when Reached was first asked
}

// begin says where the deltas begin. That it is asked means that no transaction of
// an earlier owner can commit any more: positions are not told while one is open.
func (s *kafkaSession) begin(ctx context.Context, m *broker.Member, committed broker.Offsets) (broker.Offsets, error) {
	topic := s.o.Topics.Panes
	topics, err := m.Topics(ctx, topic)
	if err != nil {
		return nil, err
	}
	for partition, at := range committed[topic] {
		// Also where what was committed is gone: the sums say what is missing.
		committed.Set(topic, partition, max(at, topics[topic].Start[partition]))
	}
	s.owns.Store(true)
	return committed, nil
}

func (s *kafkaSession) assigned(map[string][]int32, func(string, int32) bool) {}

func (s *kafkaSession) revoked(partitions map[string][]int32) {
	if len(partitions) > 0 {
		s.lost.Store(true)
	}
}

func (s *kafkaSession) Owner() bool { return s.owns.Load() }

func (s *kafkaSession) Poll(ctx context.Context, most int) ([]Delta, error) {
	fetches := s.session.Client().PollRecords(ctx, most)
	var failed error
	fetches.EachError(func(topic string, partition int32, err error) {
		if failed == nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
			failed = fmt.Errorf("poll %s/%d: %w", topic, partition, err)
		}
	})
	if s.lost.Load() {
		return nil, ErrLost
	}
	var all []Delta
	for r := range fetches.RecordsAll() {
		if !r.Attrs.IsControl() {
			all = append(all, Delta{Value: r.Value, Time: r.Timestamp.UnixMilli()})
		}
	}
	return all, failed
}

// State reads what is committed. What lies before the end of the topic as it is
// now is waited for, also where a transaction that was left open holds it back. A
// topic is read as a whole, whatever the keys.
func (s *kafkaSession) State(ctx context.Context, _ []string, take func(StateRecord) error) error {
	topic := s.o.Topics.State
	ends, err := broker.Ends(ctx, s.session.Client(), []string{topic}, false)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(append(slices.Clone(s.o.Session.Connect),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(deltasFetch))...)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer client.Close()
	now := time.Now()
	for next := int64(0); next < ends[topic][0]; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			next = r.Offset + 1
			identity, key, ok := strings.Cut(string(r.Key), "/")
			if r.Attrs.IsControl() || !ok {
				continue
			}
			if err := take(StateRecord{Identity: identity, Key: key, Value: r.Value, Age: now.Sub(r.Timestamp).Milliseconds()}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *kafkaSession) Partitions(ctx context.Context) ([]drift.PartitionID, error) {
	details, err := kadm.NewClient(s.session.Client()).ListTopics(ctx, s.o.Sources...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the source's partitions: %w", err)
	}
	var all []drift.PartitionID
	details.EachPartition(func(p kadm.PartitionDetail) {
		name, number := broker.DriftPartition(p.Topic, "", p.Partition)
		all = append(all, drift.PartitionID{Source: name, Partition: number})
	})
	return all, nil
}

// Reached asks where the group stands, for a position behind the last delta may have
// markers before it.
func (s *kafkaSession) Reached(ctx context.Context) (bool, error) {
	if s.ends == nil {
		var err error
		if s.ends, err = broker.Ends(ctx, s.session.Client(), []string{s.o.Topics.Panes}, true); err != nil {
			return false, err
		}
	}
	return broker.Reached(ctx, s.session.Client(), s.group, s.ends)
}

// kafkaRoom keeps a transaction from lasting; there is no limit to it.
const kafkaRoom = 10_000

func (s *kafkaSession) Room() int { return kafkaRoom }

// Guarded is false: a transaction without positions is refused to nobody. To commit
// those that are known once more could move them back.
func (s *kafkaSession) Guarded() bool { return false }

func (s *kafkaSession) Commit(ctx context.Context, out *Output) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Session.TransactionTimeout)
	defer cancel()
	if err := s.session.Begin(ctx); err != nil {
		return err
	}
	s.failed.Store(nil)
	for _, r := range s.records(out) {
		s.session.Client().Produce(ctx, r, s.promise)
	}
	if err := s.session.Flush(ctx); err != nil {
		return err
	}
	if err := s.failed.Load(); err != nil {
		return errors.Join(*err, s.session.Abort(ctx))
	}
	failpoint.Hit("drift-published")
	committed, err := s.session.End(ctx, nil)
	if err == nil && !committed {
		return ErrLost
	}
	return err
}

// records are those of an output.
func (s *kafkaSession) records(out *Output) []*kgo.Record {
	var all []*kgo.Record
	add := func(topic string, key, value []byte) {
		all = append(all, &kgo.Record{Topic: topic, Key: key, Value: value})
	}
	t := &s.o.Topics
	for _, r := range out.Reports {
		add(t.Reports, r.Key, r.Value)
	}
	for _, r := range out.Alarms {
		add(t.Alarms, r.Key, r.Value)
	}
	for key, value := range out.Latest {
		add(t.Latest, []byte(key), value)
	}
	for _, r := range slices.Concat(out.Sums, out.State) {
		add(t.State, []byte(r.Identity+"/"+r.Key), r.Value)
	}
	if ref := out.Reference; ref != nil {
		for i, part := range broker.SplitReference(ref.Encoded, ref.Digest) {
			add(t.References, []byte(broker.ReferenceKey(ref.Model, ref.Version, i)), part)
		}
	}
	return all
}

func (s *kafkaSession) promise(r *kgo.Record, err error) {
	if err == nil {
		return
	}
	err = fmt.Errorf("publish to %s: %w", r.Topic, err)
	s.failed.CompareAndSwap(nil, &err)
}

func (s *kafkaSession) Leave(ctx context.Context) error {
	return broker.Release(ctx, s.session.Client(), s.group, s.o.Instance, 0)
}

func (s *kafkaSession) Close() { s.session.Close() }
