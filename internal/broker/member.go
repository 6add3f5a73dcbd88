package broker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Member is a session's membership in one generation of the group. After the
// next rebalance its commits are refused, for its partitions may have new owners.
type Member struct {
	client     *kgo.Client
	o          *SessionOptions
	id         string
	generation int32
}

// Extent is what the cluster says of a topic: which one it is, and how far it goes.
type Extent struct {
	ID         [16]byte // differs from that of a topic of this name that was deleted
	Partitions int
	// Start and End are the offsets of the first record and behind the last
	// one, by partition.
	Start, End map[int32]int64
}

// Topics asks the cluster about topics.
func (m *Member) Topics(ctx context.Context, names ...string) (map[string]Extent, error) {
	return describe(ctx, kadm.NewClient(m.client), names)
}

func describe(ctx context.Context, admin *kadm.Client, names []string) (map[string]Extent, error) {
	details, err := admin.ListTopics(ctx, names...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for topics: %w", err)
	}
	starts, err := admin.ListStartOffsets(ctx, names...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask where topics start: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask where topics end: %w", err)
	}
	topics := map[string]Extent{}
	for _, d := range details {
		t := Extent{ID: d.ID, Partitions: len(d.Partitions), Start: map[int32]int64{}, End: map[int32]int64{}}
		for partition := range d.Partitions {
			t.Start[partition], t.End[partition] = starts[d.Topic][partition].Offset, ends[d.Topic][partition].Offset
		}
		topics[d.Topic] = t
	}
	return topics, nil
}

// Commit commits positions in these topics as this member, outside of any
// epoch.
func (m *Member) Commit(ctx context.Context, topics map[string]Extent, positions Offsets) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.o.Group, m.id, m.generation, &m.o.MemberID
	for topic, partitions := range positions {
		t := kmsg.NewOffsetCommitRequestTopic()
		t.Topic, t.TopicID = topic, topics[topic].ID
		for partition, at := range partitions {
			p := kmsg.NewOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset = partition, at
			t.Partitions = append(t.Partitions, p)
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, m.client)
	if err == nil {
		err = refusedOffset(resp)
	}
	if err != nil {
		return fmt.Errorf("commit where partitions begin: %w", err)
	}
	return nil
}

func refusedOffset(resp *kmsg.OffsetCommitResponse) error {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
