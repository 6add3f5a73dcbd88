package broker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// takeoverLimit bounds the look for dead workers' transactions: it delays the
// start on new partitions, and those it misses end at their own timeout.
const takeoverLimit = 5 * time.Second

// longestPending is the longest pause between two questions whether a dead
// worker's transaction has ended. It takes as long as some leader is away.
const longestPending = 100 * time.Millisecond

// endPredecessor ends the transaction that an earlier process of this member
// left open.
func (s *Session) endPredecessor(ctx context.Context) error {
	client, err := kgo.NewClient(append(slices.Clone(s.o.Connect), kgo.WithHooks(s.o.Liveness), kgo.ConcurrentTransactionsBackoff(markersPending))...)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer client.Close()
	return endTransaction(ctx, client, s.o.transactionalID(), s.o.TransactionTimeout)
}

// endTransaction aborts whatever is open under a transactional id, as taking
// the id over does.
func endTransaction(ctx context.Context, client *kgo.Client, id string, timeout time.Duration) error {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = &id
	req.TransactionTimeoutMillis = int32(timeout.Milliseconds())
	req.ProducerID, req.ProducerEpoch = -1, -1
	for pause := markersPending; ; pause = min(2*pause, longestPending) {
		resp, err := req.RequestWith(ctx, client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		// The broker answers so while it writes the abort's markers.
		if errors.Is(err, kerr.ConcurrentTransactions) {
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
			}
		}
		if err != nil {
			return fmt.Errorf("take over transactional id %s: %w", id, err)
		}
		return nil
	}
}

// endDead aborts the transactions of members that are no longer in the group.
// They would keep the positions of the partitions that this member has just
// got from being read until their timeout. Those it cannot find, or not end now,
// end then.
func (s *Session) endDead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, takeoverLimit)
	defer cancel()
	for _, id := range s.orphans(ctx, kadm.NewClient(s.client)) {
		_ = endTransaction(ctx, s.client, id, s.o.TransactionTimeout)
	}
}

// orphans are the ids of workers of this group with an open transaction that
// belong to no member of it.
func (s *Session) orphans(ctx context.Context, admin *kadm.Client) []string {
	open, err := admin.ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil && len(open) == 0 {
		return nil
	}
	var ids []string
	for id := range open {
		who, ok := strings.CutPrefix(id, TransactionalID(s.o.Group, ""))
		if ok && workerName.MatchString(who) && id != s.o.transactionalID() {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	alive, err := members(ctx, admin, s.o.Group)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(ids, func(id string) bool {
		_, ok := alive[s.o.Group+"-"+strings.TrimPrefix(id, TransactionalID(s.o.Group, ""))]
		return ok
	})
}

// workerName is INSTANCE-N; a redrive, which is no member, has another name.
var workerName = regexp.MustCompile(`-[0-9]+$`)

// members are the static members of a group, by their names, with the ids that
// the coordinator gave them.
func members(ctx context.Context, admin *kadm.Client, group string) (map[string]string, error) {
	described, err := admin.DescribeGroups(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("describe groups: %w", err)
	}
	all := map[string]string{}
	for _, g := range described {
		if g.Err != nil && !errors.Is(g.Err, kerr.GroupIDNotFound) {
			return nil, fmt.Errorf("describe group %s: %w", g.Group, g.Err)
		}
		for _, m := range g.Members {
			if m.InstanceID != nil {
				all[*m.InstanceID] = m.MemberID
			}
		}
	}
	return all, nil
}

// Release gives the places of an instance's workers from number first on back
// to the group, all at once, so that there is one rebalance.
func Release(ctx context.Context, client *kgo.Client, group, instance string, first int) error {
	admin := kadm.NewClient(client)
	all, err := members(ctx, admin, group)
	if err != nil {
		return err
	}
	var leaving []string
	for name := range all {
		rest, ok := strings.CutPrefix(name, group+"-"+instance+"-")
		if n, err := strconv.Atoi(rest); ok && err == nil && n >= first {
			leaving = append(leaving, name)
		}
	}
	if len(leaving) == 0 {
		return nil
	}
	left, err := admin.LeaveGroup(ctx, kadm.LeaveGroup(group).Reason("penstock was stopped").InstanceIDs(leaving...))
	if err == nil {
		err = left.Error()
	}
	if errors.Is(err, kerr.UnknownMemberID) {
		return nil // its session timed out meanwhile
	}
	if err != nil {
		return fmt.Errorf("leave group %s: %w", group, err)
	}
	return nil
}
