package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Create makes those of the topics that are missing, sources first, since the
// others take after them; with ownOnly, those that the pipeline keeps for
// itself. One that somebody else makes meanwhile is fine. It gives what it
// made, also when it could not make all.
func Create(ctx context.Context, client *kgo.Client, found []FoundTopic, ownOnly bool) (made []Topic, err error) {
	admin := kadm.NewClient(client)
	known := sources(found)
	var failed []error
	for i := range found {
		f := &found[i]
		if f.Exists() || f.Err != nil || ownOnly && !f.Own {
			continue
		}
		created, err := create(ctx, admin, &f.Topic, known)
		switch {
		case errors.Is(err, kerr.TopicAlreadyExists):
			continue
		case err != nil:
			failed = append(failed, err)
			continue
		}
		made = append(made, f.Topic)
		if f.Role == RoleSource {
			known[f.Name] = &FoundTopic{Topic: f.Topic, Partitions: created}
		}
	}
	return made, errors.Join(failed...)
}

// create makes one topic, with the broker's own replication, and gives the
// number of its partitions.
func create(ctx context.Context, admin *kadm.Client, t *Topic, sources map[string]*FoundTopic) (int32, error) {
	partitions := t.Partitions
	configs := map[string]*string{}
	for name, value := range maps.All(t.Configs) {
		configs[name] = &value
	}
	for _, name := range t.Like {
		s := sources[name]
		if s == nil {
			return 0, fmt.Errorf("create topic %s: it needs as many partitions as source %s, which is not there, or may not be described", t.Name, name)
		}
		partitions = max(partitions, s.Partitions)
		// A dead letter is as large as its event.
		if limit := s.Settings[maxMessageBytes]; t.Role == RoleDead && limit != "" {
			configs[maxMessageBytes] = &limit
		}
	}
	if partitions < 1 { // a source was made as the broker likes, and it does not tell us how
		partitions = -1
	}
	r, err := admin.CreateTopic(ctx, partitions, -1, configs, t.Name)
	if err == nil {
		return r.NumPartitions, nil
	}
	if Diagnose(err).Kind == Denied {
		return 0, &Refusal{"Create", "topic " + t.Name, err}
	}
	if r.ErrMessage != "" {
		return 0, fmt.Errorf("create topic %s: %w: %s", t.Name, err, r.ErrMessage)
	}
	return 0, fmt.Errorf("create topic %s: %w", t.Name, err)
}
