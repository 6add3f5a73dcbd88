package broker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Mistakes that the fault suite must catch. Only builds with failpoints can be
// told to make them.
const (
	// noFencing: nothing tells a worker that has lost its partitions, and does
	// not know yet, from their owner. Each start has its own transactional id,
	// and positions are committed without the member's id and generation.
	noFencing = "no-fencing"
	// MarkAfterRevoke: at least once a rebalance does not wait for the end of
	// the epoch. What was polled of partitions that are gone is dropped, for
	// their new owner does it, and yet the position moves past it.
	MarkAfterRevoke = "mark-after-revoke"
	// noExpectedSequence: NATS takes a position from whoever writes it, also from
	// a worker whose filters are another's by now.
	noExpectedSequence = "no-expected-sequence"
	// PositionOutsideBatch: what an epoch publishes is in the stream before its
	// positions are, not with them.
	PositionOutsideBatch = "position-outside-batch"
	// AckBeforePublish: at least once events are acknowledged to NATS when they
	// come in.
	AckBeforePublish = "ack-before-publish"
	// DeltasOutsideCommit: what an epoch counted for drift is with the broker
	// before its positions are, not with them.
	DeltasOutsideCommit = "deltas-outside-commit"
	// ReportsOutsideCommit: what the monitor reports is with the broker before its
	// state and its position are, not with them.
	ReportsOutsideCommit = "reports-outside-commit"
)

// everyFilter is no mistake to be caught but one to be withstood: each worker
// reads every filter, whoever has the leases. Exactly once must not need them.
const everyFilter = "every-filter"

// endUnfenced is End of the mutant no-fencing.
func (s *Session) endUnfenced(ctx context.Context) (bool, error) {
	req, err := s.positions(ctx, s.client.UncommittedOffsets())
	if err != nil {
		return false, err
	}
	req.TransactionalID, _ = s.client.OptValue(kgo.TransactionalID).(string)
	req.MemberID, req.InstanceID, req.Generation = "", nil, -1
	if _, err := req.RequestWith(ctx, s.client); err != nil {
		return false, err
	}
	err = s.client.EndTransaction(ctx, kgo.TryCommit)
	return err == nil, err
}

// Holds is for the mutant mark-after-revoke: whether a partition that was polled
// from is still this member's.
func Holds(s *Session, partition int32) bool {
	for _, held := range s.client.UncommittedOffsets() {
		if _, ok := held[partition]; ok {
			return true
		}
	}
	return false
}

// PublishOutside is for the mutants deltas-outside-commit and reports-outside-commit:
// whatever becomes of the session's transaction, the record stays.
func PublishOutside(ctx context.Context, s *Session, r *kgo.Record) error {
	client, err := kgo.NewClient(s.o.Connect...)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, r).FirstErr()
}
