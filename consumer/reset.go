package consumer

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/penstock/penstock/internal/broker"
)

// Reset remembers that somebody chose these positions in the topics as they
// are now, so that the pipeline goes on from them whatever was before: a topic
// that was deleted and made again is no longer refused.
func (s *State) Reset(ctx context.Context, topics map[string]broker.Extent, positions broker.Offsets) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	var entries []entry
	for topic, partitions := range positions {
		id := topicID(topics, topic)
		name := hex.EncodeToString(id)
		entries = append(entries, entry{s.topicKey(topic), knownTopic{ID: name, Partitions: topics[topic].Partitions}})
		for partition, at := range partitions {
			entries = append(entries, entry{s.positionKey(topic, partition), knownPosition{TopicID: name, Offset: at, Time: time.Now().UTC()}})
		}
	}
	return s.put(ctx, entries...)
}
