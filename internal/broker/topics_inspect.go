package broker

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FoundTopic is a topic that a pipeline needs, as the cluster has it.
type FoundTopic struct {
	Topic
	// Err is why it is not known whether the topic is there, such as a missing
	// right to describe it; all that follows is empty then.
	Err error
	// ID changes when a topic is deleted and made again; zero: there is none.
	ID         [16]byte
	Partitions int32 // 0: there is none
	// Settings are those that matter here, by name; empty where the user may
	// not describe them.
	Settings map[string]string
	// Rights are what the user may do with it; RightsKnown is false for brokers
	// that do not tell.
	Rights      []kadm.ACLOperation
	RightsKnown bool
}

// Exists tells whether the topic is there.
func (f *FoundTopic) Exists() bool { return f.Partitions > 0 }

// Denied is the right to the topic that a pipeline needs and its user lacks; nil
// where there is none, or the broker does not tell.
func (f *FoundTopic) Denied() error {
	if f.Err != nil {
		return f.Err
	}
	if !f.Exists() || !f.RightsKnown {
		return nil
	}
	reads, writes := f.Role == RoleSource || f.Own, f.Role != RoleSource
	switch {
	case reads && !slices.Contains(f.Rights, kadm.OpRead):
		return &Refusal{"Read", "topic " + f.Name, kerr.TopicAuthorizationFailed}
	case writes && !slices.Contains(f.Rights, kadm.OpWrite):
		return &Refusal{"Write", "topic " + f.Name, kerr.TopicAuthorizationFailed}
	}
	return nil
}

// MaxMessage is the topic's bound of a batch, 0 where it is not known.
func (f *FoundTopic) MaxMessage() int {
	n, err := strconv.Atoi(f.Settings[maxMessageBytes])
	if err != nil { // not told
		return 0
	}
	return n
}

// Inspect looks for topics in the cluster. An error is the way to the cluster,
// or the cluster's; what is wrong with one topic is that one's Err.
func Inspect(ctx context.Context, client *kgo.Client, topics []Topic) ([]FoundTopic, error) {
	all, err := find(ctx, client, topics)
	if err != nil {
		return nil, err
	}
	admin := kadm.NewClient(client)
	for i := range all {
		if f := &all[i]; f.Exists() {
			f.Settings, err = settings(ctx, admin, f.Name)
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// find is Inspect without the settings.
func find(ctx context.Context, client *kgo.Client, topics []Topic) ([]FoundTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	all := make([]FoundTopic, len(topics))
	at := map[string]*FoundTopic{}
	for i, t := range topics {
		all[i].Topic = t
		at[t.Name] = &all[i]
		one := kmsg.NewMetadataRequestTopic()
		one.Topic = new(t.Name)
		req.Topics = append(req.Topics, one)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("ask the broker for its topics: %w", err)
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if f := at[deref(t.Topic)]; f != nil {
			f.take(t)
		}
	}
	return all, nil
}

// take reads what the broker says of the topic.
func (f *FoundTopic) take(t *kmsg.MetadataResponseTopic) {
	switch err := kerr.ErrorForCode(t.ErrorCode); err {
	case nil:
	case kerr.UnknownTopicOrPartition:
		return
	case kerr.TopicAuthorizationFailed:
		f.Err = &Refusal{"Describe", "topic " + f.Name, err}
		return
	default:
		f.Err = fmt.Errorf("topic %s: %w", f.Name, err)
		return
	}
	f.ID = t.TopicID
	f.Partitions = int32(len(t.Partitions))
	f.RightsKnown = t.AuthorizedOperations != UnknownRights
	if f.RightsKnown {
		f.Rights = kadm.DecodeACLOperations(t.AuthorizedOperations)
	}
}

// UnknownRights is what the protocol says where a broker does not tell which
// operations are authorized.
const UnknownRights = -1 << 31

// settings reads a topic's settings, none where the user may not.
func settings(ctx context.Context, admin *kadm.Client, topic string) (map[string]string, error) {
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	switch kind := Diagnose(err).Kind; {
	case err != nil && (kind == Denied || kind == Missing):
		return nil, nil // they are good to know, and nothing depends on them
	case err != nil:
		return nil, fmt.Errorf("ask the broker for the settings of topic %s: %w", topic, err)
	}
	known := map[string]string{}
	for _, resource := range configs {
		for _, c := range resource.Configs {
			if c.Key == cleanupPolicy || c.Key == maxMessageBytes {
				known[c.Key] = c.MaybeValue()
			}
		}
	}
	return known, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Finding is something about a topic or stream that a person should know.
type Finding struct {
	Name    string
	Own     bool
	Path    []string // where the config names it
	Missing bool     // it is not there
	Denied  bool     // the user may not even look
	Warning bool     // the pipeline runs all the same
	Text    string
	Hint    string // what to do about it; empty where the text says it
}

// Compare tells what is wrong with the topics, in their order.
func Compare(found []FoundTopic) []Finding {
	var all []Finding
	for i := range found {
		f := &found[i]
		switch {
		case f.Err != nil:
			d := Diagnose(f.Err)
			all = append(all, Finding{Name: f.Name, Own: f.Own, Path: f.Path, Denied: d.Kind == Denied, Text: f.Err.Error(), Hint: d.Hint})
		case !f.Exists():
			all = append(all, Finding{Name: f.Name, Own: f.Own, Path: f.Path, Missing: true, Text: fmt.Sprintf("topic %s (%s) is missing", f.Name, f.Role)})
		default:
			all = append(all, f.compare(sources(found))...)
		}
	}
	return all
}

func sources(found []FoundTopic) map[string]*FoundTopic {
	all := map[string]*FoundTopic{}
	for i := range found {
		if f := &found[i]; f.Role == RoleSource && f.Exists() {
			all[f.Name] = f
		}
	}
	return all
}

func (f *FoundTopic) compare(sources map[string]*FoundTopic) []Finding {
	var all []Finding
	report := func(warning bool, hint, format string, args ...any) {
		all = append(all, Finding{Name: f.Name, Own: f.Own, Path: f.Path, Warning: warning, Hint: hint, Text: fmt.Sprintf(format, args...)})
	}
	for _, name := range f.Like {
		s := sources[name]
		if s == nil {
			continue
		}
		if f.Role == RoleSink && s.Partitions != f.Partitions {
			report(true, "predictions go to other partitions than their events; those of one key, and of one partition without keys, stay together", "%s has %d partitions, but source %s has %d", f.Name, f.Partitions, name, s.Partitions)
		}
		if have, want := f.MaxMessage(), s.MaxMessage(); f.Role == RoleDead && have > 0 && have < want {
			report(true, "raise its "+maxMessageBytes, "%s takes batches of at most %d bytes, but source %s of %d: larger dead letters lose their value", f.Name, have, name, want)
		}
	}
	policy := f.Settings[cleanupPolicy]
	compacted := strings.Contains(policy, "compact")
	switch f.Role {
	case RoleSink, RoleDead:
		if compacted {
			report(true, "set its "+cleanupPolicy+" to delete", "%s is compacted: it refuses events without a key, and of those with the same key it keeps the last only", f.Name)
		}
	case RoleState, RoleSums:
		if policy != "" && policy != "compact" {
			report(false, "set its "+cleanupPolicy+" to compact", "%s has %s=%s, which would forget what a later start needs", f.Name, cleanupPolicy, policy)
		}
	}
	if f.Own && f.Topic.Partitions != f.Partitions {
		report(false, "delete it while the pipeline is stopped; it is made again", "%s has %d partitions, but must have %d", f.Name, f.Partitions, f.Topic.Partitions)
	}
	return all
}
