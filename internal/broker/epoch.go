package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/internal/failpoint"
)

// Begin opens an epoch, before its first publication, once the broker is done
// with the last one. In an open one it does nothing.
func (s *Session) Begin(ctx context.Context) error {
	if s.begun {
		return nil
	}
	if s.txn != nil {
		if err := s.markers.Wait(ctx, s.ended); err != nil {
			return fmt.Errorf("wait for the last transaction's markers: %w", err)
		}
		if err := s.txn.Begin(); err != nil {
			return fmt.Errorf("begin transaction: %w", err)
		}
	}
	s.begun, s.produced = true, false
	return nil
}

// Produce hands a record of the epoch to the client. An epoch of which all records
// come by another way is committed too, but never directly.
func (s *Session) Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	s.produced = true
	s.client.Produce(ctx, r, promise)
}

// Idle says that nothing that was polled is in work: a poll that was given up
// would hold up a rebalance, at least once, as long as one with events does.
func (s *Session) Idle() {
	if s.txn == nil && !s.begun {
		s.client.AllowRebalance()
	}
}

// Flush waits until the broker has all that was produced. Whether it took it
// the records' promises say.
func (s *Session) Flush(ctx context.Context) error {
	if err := s.client.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// End commits the epoch: what was produced, which must be flushed and free of
// errors, and the positions of all that was polled, or until, where that is
// given and less; the session is then spent, unless it is empty. It gives false
// without an error when the epoch was aborted because the group was rebalanced:
// what was polled comes again.
func (s *Session) End(ctx context.Context, until Offsets) (committed bool, err error) {
	s.begun = false
	if s.txn == nil {
		return s.commit(ctx, until)
	}
	if until != nil && len(until) == 0 {
		return s.endAlone(ctx)
	}
	if failpoint.Mutant("commit-before-publish") {
		s.client.CommitOffsetsSync(ctx, s.client.UncommittedOffsets(), nil)
		failpoint.Hit("committed-early")
	}
	if failpoint.Mutant(noFencing) {
		return s.endUnfenced(ctx)
	}
	if until == nil && s.mayEndDirectly() {
		if committed, err = s.endDirectly(ctx); committed || err != nil {
			return committed, err
		}
	}
	if until != nil {
		ctx = kgo.PreTxnCommitFnContext(ctx, func(r *kmsg.TxnOffsetCommitRequest) error {
			cutTxn(r, until)
			return nil
		})
	}
	return s.endInGroup(ctx)
}

// endAlone commits what was produced and moves no position. The group's session
// would take half a second for it: from the answer to positions it learns that
// brokers let a rebalance wait for the transaction's end, and else it waits itself.
func (s *Session) endAlone(ctx context.Context) (committed bool, err error) {
	err = s.client.EndTransaction(ctx, kgo.TryCommit)
	s.ended = time.Now()
	if err != nil {
		return false, fmt.Errorf("commit transaction: %w", err)
	}
	return true, nil
}

// cutTxn leaves the positions of until in a request, and no others.
func cutTxn(r *kmsg.TxnOffsetCommitRequest, until Offsets) {
	for t := range r.Topics {
		topic := &r.Topics[t]
		kept := topic.Partitions[:0]
		for _, p := range topic.Partitions {
			if at, ok := until[topic.Topic][p.Partition]; ok {
				p.Offset = at
				kept = append(kept, p)
			}
		}
		topic.Partitions = kept
	}
}

// commit is End at least once.
func (s *Session) commit(ctx context.Context, until Offsets) (bool, error) {
	defer s.client.AllowRebalance()
	offsets := s.client.UncommittedOffsets()
	if until != nil {
		cut := map[string]map[int32]kgo.EpochOffset{}
		for topic, partitions := range until {
			cut[topic] = map[int32]kgo.EpochOffset{}
			for partition, at := range partitions {
				cut[topic][partition] = kgo.EpochOffset{Epoch: -1, Offset: at}
			}
		}
		offsets = cut
	}
	if len(offsets) == 0 {
		return true, nil
	}
	var err error
	s.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, e error) {
		if err = e; err == nil {
			err = refusedOffset(resp)
		}
	})
	if err != nil {
		return false, fmt.Errorf("commit offsets: %w", err)
	}
	return true, nil
}

// Abort drops the epoch: nothing of it was published, and what was polled comes
// again.
func (s *Session) Abort(ctx context.Context) error {
	s.begun = false
	if s.txn == nil {
		// What is published stays: at least once. The positions are behind it.
		defer s.client.AllowRebalance()
		if err := s.client.AbortBufferedRecords(ctx); err != nil {
			return fmt.Errorf("abort epoch: %w", err)
		}
		s.client.SetOffsets(s.client.CommittedOffsets())
		return nil
	}
	_, err := s.txn.End(ctx, kgo.TryAbort)
	s.ended = time.Now()
	if err != nil {
		return fmt.Errorf("abort transaction: %w", err)
	}
	return nil
}
