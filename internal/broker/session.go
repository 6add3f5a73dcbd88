package broker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/failpoint"
)

// SessionOptions say what one worker's session is.
type SessionOptions struct {
	Connect  []kgo.Opt // of ConnectOptions
	Topics   []string  // what is consumed
	Group    string
	MemberID string // static, of MemberID; names the transactions too
	Lead     *Lead  // of this process; all its sessions in the group share it

	ExactlyOnce        bool
	ReadCommitted      bool
	SessionTimeout     time.Duration
	TransactionTimeout time.Duration
	FetchMaxBytes      int64 // this session's share
	Compression        kgo.CompressionCodec
	Limits             *Limits

	// Partitioner says which of a topic's n partitions a record goes to.
	Partitioner func(r *kgo.Record, n int) int
	// Begin is given the committed position of each partition that this member
	// has just got, negative where there is none, and returns where it begins,
	// never negative. An error ends the session.
	Begin func(ctx context.Context, m *Member, committed Offsets) (Offsets, error)
	// Assigned and Revoked are told of partitions that come and go, from a
	// goroutine of the client's. Exactly once Revoked is not called a second
	// time between two ends of epochs; Assigned is called at each rebalance, and
	// held tells whether a partition that has a position is still there.
	Assigned func(partitions map[string][]int32, held func(topic string, partition int32) bool)
	Revoked  func(partitions map[string][]int32)
	Liveness *Liveness
}

// Offsets are positions, each the offset of the next event, by topic and
// partition.
type Offsets map[string]map[int32]int64

// Set notes a position.
func (o Offsets) Set(topic string, partition int32, offset int64) {
	if o[topic] == nil {
		o[topic] = map[int32]int64{}
	}
	o[topic][partition] = offset
}

// MemberID names worker n of an instance within its group, the same at each
// start, so that a restarted worker gets its partitions back without a
// rebalance.
func MemberID(group, instance string, n int) string {
	return group + "-" + instance + "-" + strconv.Itoa(n)
}

// TransactionalID is that of the transactions of a group's INSTANCE-N, or of
// whoever else works for it. Who opens a session under it ends what its
// predecessor left open. The slash is in no name, so that no two groups share an
// id, or its beginning.
func TransactionalID(group, who string) string { return "penstock-" + group + "/" + who }

// transactionalID is the member's.
func (o *SessionOptions) transactionalID() string {
	return TransactionalID(o.Group, strings.TrimPrefix(o.MemberID, o.Group+"-"))
}

// The client's own limits.
const (
	// maxBatchInflated is the largest that a compressed batch of events may
	// become: a few kilobytes can be made to claim gigabytes.
	maxBatchInflated = 64 << 20
	// maxBuffered bounds what waits for the broker. Epochs are smaller, so that
	// a publish never blocks on it.
	maxBuffered        = 32 << 20
	maxBufferedRecords = 1 << 17
	// maxPartitionFetch is how much of one partition a fetch takes, so that one
	// busy partition leaves room for the others.
	maxPartitionFetch = 1 << 20
	// leastFetch still holds an event of the size that brokers take by default.
	leastFetch = 64 << 10
	// mostFetch is as much as an answer may have, which is never read beyond
	// twice what was asked for; leastRead is the client's default for that.
	mostFetch = 1 << 29
	leastRead = 100 << 20
	// newPartitions is how soon partitions that were added are seen.
	newPartitions = 10 * time.Second
	// soon paces what the client does again right after a commit. It is also how
	// long a fetch waits for events: a partition that is assigned while one
	// waits is not fetched before it returns, and the client's default of 5 s
	// would be a gap in the output.
	soon = 250 * time.Millisecond
	// markersPending is how long the client leaves between two questions while
	// the broker still writes the last transaction's markers; its own default
	// of 20 ms would be most of an epoch's latency.
	markersPending = time.Millisecond
	// heartbeats is how many fit in a session timeout. A member learns of a
	// rebalance at its next one, so that they bound the gap when a peer leaves.
	heartbeats = 20
)

// Session is one worker's hold on a Kafka cluster: the member of the group and
// the producer, which exactly once share a transaction. One goroutine uses it.
//
// A session whose End or Abort gave an error is spent: close it and open
// another, which goes back to the last committed positions by itself.
type Session struct {
	o      SessionOptions
	opened chan struct{} // closed when client and txn are set, which the client's callbacks may be ahead of
	client *kgo.Client
	txn    *kgo.GroupTransactSession // nil at least once
	begun  bool                      // an epoch is open
	// produced: the epoch that is open, or was, has a record.
	produced bool

	markers *Markers  // nil at least once
	ended   time.Time // the last transaction
	direct  direct
}

// Open joins the group. Exactly once it first ends the transaction that a
// predecessor of this member may have left open, for its partitions' positions
// cannot be read before.
func Open(ctx context.Context, o SessionOptions) (*Session, error) {
	s := &Session{o: o, opened: make(chan struct{})}
	if o.ExactlyOnce {
		if err := s.endPredecessor(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	if o.ExactlyOnce {
		s.txn, err = kgo.NewGroupTransactSession(s.options()...)
		if err == nil {
			s.client = s.txn.Client()
			s.markers = NewMarkers(s.client, o.transactionalID())
		}
	} else {
		s.client, err = kgo.NewClient(s.options()...)
	}
	if err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	if s.leads() {
		s.o.Lead.session.Store(s)
	}
	close(s.opened)
	return s, nil
}

// Close leaves the cluster, but not the group: a static member keeps its
// partitions until the session timeout, unless Release gives them back.
func (s *Session) Close() {
	s.o.Lead.session.CompareAndSwap(s, nil)
	s.client.CloseAllowingRebalance()
}

// Client is the client below. Epochs are polled by Poll, and produced by Produce.
func (s *Session) Client() *kgo.Client { return s.client }

func (s *Session) options() []kgo.Opt {
	o := &s.o
	share := int32(min(max(o.FetchMaxBytes, leastFetch), mostFetch))
	isolation := kgo.ReadUncommitted()
	if o.ReadCommitted {
		isolation = kgo.ReadCommitted()
	}
	opts := append([]kgo.Opt{}, o.Connect...)
	opts = append(opts,
		kgo.ConsumerGroup(o.Group), kgo.InstanceID(o.MemberID), kgo.ConsumeTopics(o.Topics...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(o.SessionTimeout), kgo.HeartbeatInterval(o.SessionTimeout/heartbeats),
		kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(share), kgo.FetchMaxPartitionBytes(min(share, maxPartitionFetch)),
		kgo.BrokerMaxReadBytes(max(2*share, leastRead)),
		kgo.MaxDecompressBatchBytes(maxBatchInflated), kgo.FetchMaxWait(soon),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), // replaced by begin
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),       // out of range: a new session's Begin decides
		kgo.AdjustFetchOffsetsFn(s.begin),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnPartitionsRevoked(s.revoked), kgo.OnPartitionsLost(s.revoked),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(o.Compression),
		o.Limits.Option(),
		kgo.MaxBufferedRecords(maxBufferedRecords), kgo.MaxBufferedBytes(maxBuffered),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int { return o.Partitioner })),
		kgo.MetadataMaxAge(newPartitions), kgo.MetadataMinAge(soon),
		kgo.WithHooks(o.Liveness),
	)
	if o.ExactlyOnce {
		id := o.transactionalID()
		if failpoint.Mutant(noFencing) {
			id += "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		}
		return append(opts,
			kgo.TransactionalID(id), kgo.TransactionTimeout(o.TransactionTimeout),
			kgo.ConcurrentTransactionsBackoff(markersPending),
		)
	}
	// A rebalance waits for the end of the epoch, so that no position is
	// committed for a partition that has a new owner.
	opts = append(opts, kgo.DisableAutoCommit())
	if failpoint.Mutant(MarkAfterRevoke) {
		return opts
	}
	return append(opts, kgo.BlockRebalanceOnPoll())
}

func (s *Session) assigned(ctx context.Context, _ *kgo.Client, partitions map[string][]int32) {
	<-s.opened
	// The client keeps the positions of what it has, and lets go of those of
	// what it lost before it comes here.
	positions := s.client.CommittedOffsets()
	s.o.Assigned(partitions, func(topic string, partition int32) bool {
		_, ok := positions[topic][partition]
		return ok
	})
	if len(partitions) > 0 && s.o.ExactlyOnce && !failpoint.Mutant(noFencing) {
		s.endDead(ctx)
	}
}

func (s *Session) revoked(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	s.direct.revoked()
	s.o.Revoked(partitions)
}

// begin has the options' Begin decide where partitions begin.
func (s *Session) begin(ctx context.Context, fetched map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-s.opened
	committed := Offsets{}
	for topic, partitions := range fetched {
		for partition, offset := range partitions {
			committed.Set(topic, partition, offset.EpochOffset().Offset)
		}
	}
	starts, err := s.o.Begin(ctx, s.Member(), committed)
	if err != nil {
		return nil, err
	}
	for topic, partitions := range starts {
		for partition, at := range partitions {
			offset := fetched[topic][partition]
			if offset.EpochOffset().Offset != at {
				offset = kgo.NewOffset().WithEpoch(-1)
			}
			fetched[topic][partition] = offset.At(at)
		}
	}
	return fetched, nil
}

// Member is this session's membership as it is now.
func (s *Session) Member() *Member {
	id, generation := s.client.GroupMetadata()
	return &Member{client: s.client, o: &s.o, id: id, generation: generation}
}
