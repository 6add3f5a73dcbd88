package broker

import (
	"context"
	"errors"
	"fmt"
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
	return endTransaction(ctx, client, TransactionalID(s.o.MemberID), s.o.TransactionTimeout)
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
// got from being read until their timeout. Where it cannot, or cannot tell whose
// they are, it waits for that.
func (s *Session) endDead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, takeoverLimit)
	defer cancel()
	admin := kadm.NewClient(s.client)
	ids := s.orphans(ctx, admin)
	if len(ids) == 0 {
		return
	}
	// What could be asked counts; who is missing in the answer is left alone.
	described, _ := admin.DescribeTransactions(ctx, ids...)
	for _, id := range ids {
		if writesOurs(described[id].Topics, s.o.Outputs) {
			// One that cannot be ended now ends at its timeout.
			_ = endTransaction(ctx, s.client, id, s.o.TransactionTimeout)
		}
	}
}

// orphans are the ids with an open transaction whose names read like those of
// this group's members, and that belong to no member of a group that the user
// may see.
func (s *Session) orphans(ctx context.Context, admin *kadm.Client) []string {
	open, err := admin.ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil && len(open) == 0 {
		return nil
	}
	prefix := TransactionalID(s.o.Group + "-")
	var ids []string
	for id := range open {
		if strings.HasPrefix(id, prefix) && id != TransactionalID(s.o.MemberID) {
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
		_, ok := alive[strings.TrimPrefix(id, transactionalPrefix)]
		return ok
	})
}

// offsetsTopic is where a transaction writes positions to, whoever's it is.
const offsetsTopic = "__consumer_offsets"

// writesOurs tells whether a transaction that writes to these topics is this
// pipeline's. With access control the members of a group whose name begins with
// this one's may be hidden, and would look dead; hidden too are the topics that
// the user has no right to. Dead letters alone say nothing: pipelines of one
// source share their topic.
func writesOurs(written kadm.TopicsSet, outputs []Topic) bool {
	telling := false
	for name := range written {
		if name == offsetsTopic {
			continue
		}
		i := slices.IndexFunc(outputs, func(t Topic) bool { return t.Name == name && t.Role != RoleSource })
		if i < 0 {
			return false
		}
		telling = telling || outputs[i].Role != RoleDead
	}
	return telling
}

// members are the static members of all groups whose names start with this
// one's, by their names, with the ids that the coordinator gave them: the
// transactional id of group a-b's member c reads like that of group a's b-c.
func members(ctx context.Context, admin *kadm.Client, group string) (map[string]string, error) {
	listed, err := admin.ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	names := []string{group}
	for _, name := range listed.Groups() {
		if strings.HasPrefix(name, group+"-") {
			names = append(names, name)
		}
	}
	described, err := admin.DescribeGroups(ctx, names...)
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
