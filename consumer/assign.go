package consumer

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/penstock/penstock/internal/broker"
)

// begin decides where the partitions that this worker has just got begin,
// commits what is new, and only then remembers that they have a position: a
// crash between the two leaves a partition that begins again as new, never one
// that is refused.
func (k *Kafka) begin(ctx context.Context, m *broker.Member, committed broker.Offsets) (broker.Offsets, error) {
	topics, err := m.Topics(ctx, slices.Collect(maps.Keys(committed))...)
	if err != nil {
		return nil, err
	}
	if err := k.o.State.take(ctx); err != nil {
		return nil, err
	}
	defer k.o.State.give()
	if err := k.o.State.refresh(ctx); err != nil {
		return nil, err
	}
	starts, news, entries, err := k.resolve(topics, committed)
	if err != nil {
		return nil, err
	}
	if len(news) > 0 {
		if err := m.Commit(ctx, topics, news); err != nil {
			return nil, err
		}
	}
	if len(entries) > 0 {
		if err := k.o.State.put(ctx, entries...); err != nil {
			return nil, err
		}
	}
	k.place(starts, topics)
	return starts, nil
}

// resolve gives where partitions begin, which of these positions are not
// committed yet, and what the state is to remember.
func (k *Kafka) resolve(topics map[string]broker.Extent, committed broker.Offsets) (starts, news broker.Offsets, entries []entry, err error) {
	starts, news = broker.Offsets{}, broker.Offsets{}
	for topic, partitions := range committed {
		id := hex.EncodeToString(topicID(topics, topic))
		seen, err := get[knownTopic](k.o.State, k.o.State.topicKey(topic))
		if err != nil {
			return nil, nil, nil, err
		}
		if seen == nil || seen.ID != id {
			entries = append(entries, entry{k.o.State.topicKey(topic), knownTopic{ID: id, Partitions: topics[topic].Partitions}})
		}
		for partition, at := range partitions {
			known, err := get[knownPosition](k.o.State, k.o.State.positionKey(topic, partition))
			if err != nil {
				return nil, nil, nil, err
			}
			p := place{
				topic: topic, partition: partition, topicID: id, committed: at,
				start: topics[topic].Start[partition], end: topics[topic].End[partition],
				known: known, seen: seen,
			}
			b, err := p.begin(k.o.Start, k.o.From)
			if err != nil {
				return nil, nil, nil, err
			}
			k.tell(&p, b)
			starts.Set(topic, partition, b.offset)
			if b.offset != at {
				news.Set(topic, partition, b.offset)
			}
			if known == nil || known.TopicID != id {
				entries = append(entries, entry{k.o.State.positionKey(topic, partition), knownPosition{TopicID: id, Offset: b.offset, Time: time.Now().UTC()}})
			}
		}
	}
	return starts, news, entries, nil
}

// topicID of a topic; zero from a broker that has none.
func topicID(topics map[string]broker.Extent, topic string) []byte {
	id := topics[topic].ID
	return id[:]
}

// tell logs what a user would want to know of where a partition begins.
func (k *Kafka) tell(p *place, b beginning) {
	log := k.o.Log.With("topic", p.topic, "partition", p.partition, "offset", b.offset)
	switch {
	case b.expired > 0:
		log.Warn("retention removed events before they were read; going on at the earliest one left", "removed", b.expired)
		k.o.Telemetry.Expired(b.expired)
	case b.chosen:
		log.Warn("the position was lost; going on where --from says")
	case p.committed < 0:
		log.Info("partition has no position yet; it begins here")
	}
}
