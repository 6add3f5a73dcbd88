package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// endQuiet commits an epoch of exactly once in which nothing was polled. The client's
// own End sends no positions then: the broker would take the transaction from a
// member that has lost its partitions, too, and the client holds the next End up for
// 500 ms, as it does for brokers of old. So the positions that are committed already
// are committed once more, by this member in its generation.
func (s *Session) endQuiet(ctx context.Context) (committed bool, err error) {
	err = s.commitAgain(ctx)
	if diagnosis := Diagnose(err); err != nil && diagnosis.Kind != Rebuild && diagnosis.Kind != Transient {
		return false, fmt.Errorf("commit where the partitions stand: %w", err)
	}
	if end := s.client.EndTransaction(ctx, kgo.TransactionEndTry(err == nil)); end != nil {
		return false, errors.Join(err, fmt.Errorf("end transaction: %w", end))
	}
	return err == nil, nil
}

// errNoPlace says that a member has no partition whose position it could commit.
var errNoPlace = fmt.Errorf("no partition is this member's: %w", kerr.IllegalGeneration)

// commitAgain adds the committed positions to the transaction.
func (s *Session) commitAgain(ctx context.Context) error {
	stands := s.client.CommittedOffsets()
	if len(stands) == 0 {
		return errNoPlace
	}
	id, epoch, err := s.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	transactional := TransactionalID(s.o.MemberID)
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = transactional, id, epoch, s.o.Group
	added, err := add.RequestWith(ctx, s.client)
	if err == nil {
		err = kerr.ErrorForCode(added.ErrorCode)
	}
	if err != nil {
		return err
	}
	topics, err := kadm.NewClient(s.client).ListTopics(ctx, slices.Collect(maps.Keys(stands))...)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = transactional, id, epoch
	req.Group, req.InstanceID = s.o.Group, &s.o.MemberID
	req.MemberID, req.Generation = s.client.GroupMetadata()
	for topic, partitions := range stands {
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic, t.TopicID = topic, topics[topic].ID
		for partition, at := range partitions {
			p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = partition, at.Offset, at.Epoch
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
