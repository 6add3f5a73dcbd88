package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// direct is what a session knows to end a transaction without the client's
// GroupTransactSession. That sends a heartbeat between the positions and the end, one
// of an epoch's five round trips, for brokers that hand out positions while a
// transaction is still open. Brokers that give each transaction its own producer epoch
// (KIP-890) are newer than those that keep them back (KIP-447), and refuse positions of
// an older generation: docs/decisions/2026-11-23-transactions-without-a-heartbeat.md.
type direct struct {
	topics  map[string][16]byte // ids of what was polled
	renewed bool                // the group's session's last commit gave the producer another epoch
	asked   time.Time           // when that was, which would have told of a rebalance

	mu sync.Mutex // held while an epoch is ended directly, so that no partition is given up meanwhile
	// moved: since then the group was rebalanced, whether a partition went or not. The
	// group's session waits until that is over.
	moved bool
}

// rebalanceAsked is how often the group's session ends an epoch, so that a rebalance
// is not noticed at the next heartbeat only.
const rebalanceAsked = 100 * time.Millisecond

// revoked notes a rebalance. It waits while an epoch is ended.
func (d *direct) revoked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moved = true
}

// Poll is the client's PollRecords.
func (s *Session) Poll(ctx context.Context, limit int) kgo.Fetches {
	fetches := s.client.PollRecords(ctx, limit)
	for i := range fetches {
		for j := range fetches[i].Topics {
			t := &fetches[i].Topics[j]
			if t.TopicID != [16]byte{} && s.direct.topics[t.Topic] != t.TopicID {
				s.direct.see(t.Topic, t.TopicID)
			}
		}
	}
	return fetches
}

func (d *direct) see(topic string, id [16]byte) {
	if d.topics == nil {
		d.topics = map[string][16]byte{}
	}
	d.topics[topic] = id
}

// mayEndDirectly tells whether the epoch at hand is one to end directly. One that
// produced nothing is not: the client takes it for none.
func (s *Session) mayEndDirectly() bool {
	return s.produced && s.direct.renewed && time.Since(s.direct.asked) < rebalanceAsked
}

// endDirectly commits the epoch. It gives false without an error when it did not, and
// the group's session is to end it, which knows all that may be wrong.
func (s *Session) endDirectly(ctx context.Context) (committed bool, err error) {
	s.direct.mu.Lock()
	defer s.direct.mu.Unlock()
	polled := s.client.UncommittedOffsets()
	if s.direct.moved || len(polled) == 0 || s.addPositions(ctx, polled) != nil {
		return false, nil
	}
	err = s.client.EndTransaction(ctx, kgo.TryCommit)
	s.ended = time.Now()
	switch {
	case err == nil:
		s.client.SetOffsets(polled)
		return true, nil
	case isAny(err, kerr.OperationNotAttempted, kerr.TransactionAbortable):
		return false, nil // it cannot be committed any more, and is aborted
	}
	return false, fmt.Errorf("commit transaction: %w", err)
}

// joinsByItself is the first version of TxnOffsetCommit that makes the group a part of
// the transaction.
const joinsByItself = 5

// addPositions adds positions to the transaction.
func (s *Session) addPositions(ctx context.Context, at map[string]map[int32]kgo.EpochOffset) error {
	req, err := s.positions(ctx, at)
	if err != nil {
		return err
	}
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return err
	}
	if resp.Version < joinsByItself {
		return fmt.Errorf("the coordinator takes positions as of version %d", resp.Version)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			err = errors.Join(err, kerr.ErrorForCode(p.ErrorCode))
		}
	}
	return err
}

// positions is the request for it, as this member in this generation.
func (s *Session) positions(ctx context.Context, at map[string]map[int32]kgo.EpochOffset) (*kmsg.TxnOffsetCommitRequest, error) {
	id, epoch, err := s.client.ProducerID(ctx)
	if err != nil {
		return nil, err
	}
	member, generation := s.client.GroupMetadata()
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = s.o.transactionalID(), id, epoch
	req.Group, req.MemberID, req.InstanceID, req.Generation = s.o.Group, member, &s.o.MemberID, generation
	for topic, partitions := range at {
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic, t.TopicID = topic, s.direct.topics[topic]
		for n, to := range partitions {
			p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = n, to.Offset, to.Epoch
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	}
	return req, nil
}

// endInGroup has the group's session commit the epoch. A rebalance from here on is
// either known to it or noted here.
func (s *Session) endInGroup(ctx context.Context) (committed bool, err error) {
	s.direct.mu.Lock()
	s.direct.moved = false
	s.direct.mu.Unlock()
	id, epoch, err := s.client.ProducerID(ctx)
	known := err == nil
	committed, err = s.txn.End(ctx, kgo.TryCommit)
	s.ended = time.Now()
	if err != nil {
		return false, fmt.Errorf("commit transaction: %w", err)
	}
	newID, newEpoch, err := s.client.ProducerID(ctx)
	s.direct.renewed = committed && known && err == nil && (newID != id || newEpoch != epoch)
	s.direct.asked = s.ended
	return committed, nil
}
