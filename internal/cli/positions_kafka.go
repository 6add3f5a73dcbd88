package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// kafkaPositions is where a pipeline on Kafka stands.
type kafkaPositions struct {
	client    *kgo.Client
	admin     *kadm.Client
	path      string // the config's
	p         *config.Pipeline
	group     kadm.DescribedGroup
	topics    map[string]broker.Extent // End is of what can be read
	committed broker.Offsets
}

// openKafkaPositions asks the cluster.
func openKafkaPositions(ctx context.Context, path string, cfg *config.Pipeline) (*kafkaPositions, error) {
	client, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	p := &kafkaPositions{path: path, client: client, admin: kadm.NewClient(client), p: cfg}
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := settled(asking, func() error { return p.ask(asking) }); err != nil {
		client.Close()
		return nil, explained(ctx, err)
	}
	return p, nil
}

func (p *kafkaPositions) ask(ctx context.Context) error {
	var err error
	if p.topics, err = p.extents(ctx); err != nil {
		return err
	}
	group := p.p.Source.Group
	described, err := p.admin.DescribeGroups(ctx, group)
	if err != nil {
		return fmt.Errorf("ask for group %s: %w", group, err)
	}
	p.group = described[group]
	if p.group.Err != nil && !errors.Is(p.group.Err, kerr.GroupIDNotFound) {
		return fmt.Errorf("ask for group %s: %w", group, p.group.Err)
	}
	fetched, err := p.admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("ask for the positions of group %s: %w", group, err)
	}
	p.committed = broker.Offsets{}
	for topic := range p.topics {
		for partition, o := range fetched[topic] {
			if o.Err != nil {
				return fmt.Errorf("ask for the position of %s/%d: %w", topic, partition, o.Err)
			}
			if o.At >= 0 {
				p.committed.Set(topic, partition, o.At)
			}
		}
	}
	return nil
}

// extents asks how far the source topics go, as far as the pipeline may read.
func (p *kafkaPositions) extents(ctx context.Context) (map[string]broker.Extent, error) {
	names := p.p.Source.AllTopics()
	details, err := p.admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("ask for topics: %w", err)
	}
	list := p.admin.ListEndOffsets
	if p.p.Source.Isolation == "read_committed" {
		list = p.admin.ListCommittedOffsets
	}
	ends, err := list(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("ask where topics end: %w", err)
	}
	topics := map[string]broker.Extent{}
	for _, name := range names {
		d := details[name]
		if d.Err != nil {
			return nil, aboutTopic(p.path, name, d.Err)
		}
		t := broker.Extent{ID: d.ID, Partitions: len(d.Partitions), End: map[int32]int64{}}
		for partition := range d.Partitions {
			end, _ := ends.Lookup(name, partition)
			if end.Err != nil {
				return nil, fmt.Errorf("ask where %s/%d ends: %w", name, partition, end.Err)
			}
			t.End[partition] = end.Offset
		}
		topics[name] = t
	}
	return topics, nil
}

// print shows the positions.
func (p *kafkaPositions) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOPIC\tPARTITION\tPOSITION\tEND\tLAG\tOWNER")
	owners := p.owners()
	for _, topic := range p.p.Source.AllTopics() {
		for _, partition := range slices.Sorted(maps.Keys(p.topics[topic].End)) {
			end := p.topics[topic].End[partition]
			position, lag := "-", "-"
			if at, ok := p.committed[topic][partition]; ok {
				position, lag = strconv.FormatInt(at, 10), strconv.FormatInt(max(end-at, 0), 10)
			}
			owner := owners[topic][partition]
			if owner == "" {
				owner = "-"
			}
			fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\t%s\n", topic, partition, position, end, lag, owner)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print positions: %w", err)
	}
	return nil
}

// owners are the members that have the partitions.
func (p *kafkaPositions) owners() map[string]map[int32]string {
	owners := map[string]map[int32]string{}
	for i := range p.group.Members {
		m := &p.group.Members[i]
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, t := range assigned.Topics {
			if owners[t.Topic] == nil {
				owners[t.Topic] = map[int32]string{}
			}
			for _, partition := range t.Partitions {
				owners[t.Topic][partition] = memberName(m)
			}
		}
	}
	return owners
}

// memberName is what a person knows a member by.
func memberName(m *kadm.DescribedGroupMember) string {
	if m.InstanceID != nil {
		return *m.InstanceID
	}
	return m.MemberID
}

// idle refuses when the group has members.
func (p *kafkaPositions) idle() error {
	if len(p.group.Members) == 0 {
		return nil
	}
	var names []string
	for i := range p.group.Members {
		m := &p.group.Members[i]
		names = append(names, fmt.Sprintf("%s at %s", memberName(m), m.ClientHost))
	}
	return fmt.Errorf("group %s has members, which would go on where they are: %s; stop them (SIGTERM gives their partitions back; those of a killed process go after session_timeout, %s) and try again",
		p.p.Source.Group, strings.Join(names, ", "), p.p.Source.SessionTimeout)
}

func (p *kafkaPositions) close() { p.client.Close() }

func (p *kafkaPositions) reset(ctx context.Context, to string, since time.Time) error {
	offsets, err := p.resolve(ctx, to, since)
	if err != nil {
		return err
	}
	return p.move(ctx, offsets)
}

// resolve finds the offsets to move to.
func (p *kafkaPositions) resolve(ctx context.Context, to string, since time.Time) (broker.Offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	names := p.p.Source.AllTopics()
	var listed kadm.ListedOffsets
	var err error
	switch to {
	case consumer.Earliest:
		listed, err = p.admin.ListStartOffsets(ctx, names...)
	case consumer.Latest:
		listed, err = p.admin.ListEndOffsets(ctx, names...)
	default:
		// Times below 0 are words of the protocol's, such as latest.
		listed, err = p.admin.ListOffsetsAfterMilli(ctx, max(since.UnixMilli(), 0), names...)
	}
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of %s: %w", to, err)
	}
	offsets := broker.Offsets{}
	listed.Each(func(o kadm.ListedOffset) { offsets.Set(o.Topic, o.Partition, o.Offset) })
	return offsets, nil
}

// move commits the offsets, and then has the pipeline's state agree with them.
// Should it end between the two, the pipeline starts as before or from the new
// positions, and a second reset completes the first.
func (p *kafkaPositions) move(ctx context.Context, to broker.Offsets) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var commit kadm.Offsets
	for topic, partitions := range to {
		for partition, at := range partitions {
			commit.AddOffset(topic, partition, at, -1)
		}
	}
	err := settled(ctx, func() error { return p.admin.CommitAllOffsets(ctx, p.p.Source.Group, commit) })
	if errors.Is(err, kerr.UnknownMemberID) { // the broker's word for a group that has members
		return fmt.Errorf("group %s was joined just now: stop the pipeline and try again", p.p.Source.Group)
	}
	if err != nil {
		return fmt.Errorf("commit positions: %w", err)
	}
	p.committed = to
	return p.remember(ctx)
}

// remember writes the new positions to the state topic, if there is one yet.
func (p *kafkaPositions) remember(ctx context.Context) error {
	topic := broker.StateTopic(p.p)
	details, err := p.admin.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("ask for topic %s: %w", topic, err)
	}
	if !details.Has(topic) {
		return nil
	}
	options, err := broker.ConnectOptions(p.p.Broker.Kafka)
	if err != nil {
		return err
	}
	state, err := consumer.OpenState(options, topic, p.p.Source.Group)
	if err != nil {
		return err
	}
	defer state.Close()
	return state.Reset(ctx, p.topics, p.committed)
}
