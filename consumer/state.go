package consumer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// State is the pipeline's compacted topic <name>.state: JSON records, the last
// one of each key counts. docs/formats.md describes them. All workers of a
// process share it; writes are acknowledged before they return.
type State struct {
	client *kgo.Client
	admin  *kadm.Client
	topic  string
	group  string // of consumers: another one has positions of its own

	turn   chan struct{}     // holds one token: who has it may use what follows
	read   int64             // offset of the next record to read
	latest map[string][]byte // by key
	// survived are the attempts that this process has noted, by key: that it is
	// still here says that they did not kill it.
	survived map[string]attempt
}

// OpenState connects to a topic that exists.
func OpenState(connect []kgo.Opt, topic, group string, hooks ...kgo.Hook) (*State, error) {
	client, err := kgo.NewClient(append(slices.Clone(connect), kgo.WithHooks(hooks...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0), kgo.FetchMaxBytes(leastStateFetch),
		kgo.KeepControlRecords(), // refresh reads to the end, where a redrive's transaction may have ended
	)...)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s := &State{client: client, admin: kadm.NewClient(client), topic: topic, group: group, turn: make(chan struct{}, 1), latest: map[string][]byte{}, survived: map[string]attempt{}}
	s.turn <- struct{}{}
	return s, nil
}

// leastStateFetch is plenty for some records of a hundred bytes.
const leastStateFetch = 1 << 20

// Close disconnects.
func (s *State) Close() { s.client.Close() }

// take waits for the turn to use the state.
func (s *State) take(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *State) give() { s.turn <- struct{}{} }

// refresh reads the topic to its present end. The caller has the turn.
func (s *State) refresh(ctx context.Context) error {
	ends, err := s.admin.ListEndOffsets(ctx, s.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("read state %s: %w", s.topic, err)
	}
	end, _ := ends.Lookup(s.topic, 0)
	for s.read < end.Offset {
		fetches := s.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read state %s: %w", s.topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			s.read = r.Offset + 1
			if r.Attrs.IsControl() {
				return
			}
			s.latest[string(r.Key)] = r.Value
		})
	}
	return nil
}

// get decodes the latest record of a key; nil when there is none. The caller
// has the turn.
func get[T any](s *State, key string) (*T, error) {
	value := s.latest[key]
	if len(value) == 0 {
		return nil, nil
	}
	record := new(T)
	if err := json.Unmarshal(value, record); err != nil {
		return nil, fmt.Errorf("state %s, key %s: %w", s.topic, key, err)
	}
	return record, nil
}

// entry is a record to write. A nil value removes the key.
type entry struct {
	key   string
	value any
}

// put writes records and waits until the broker has them. The caller has the
// turn.
func (s *State) put(ctx context.Context, entries ...entry) error {
	records := make([]*kgo.Record, len(entries))
	for i, e := range entries {
		records[i] = &kgo.Record{Key: []byte(e.key)}
		if e.value == nil {
			continue
		}
		value, err := json.Marshal(e.value)
		if err != nil {
			return fmt.Errorf("write state %s: %w", e.key, err)
		}
		records[i].Value = value
	}
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write state %s: %w", s.topic, err)
	}
	for i, e := range entries {
		s.latest[e.key] = records[i].Value
	}
	return nil
}

// knownTopic says that a topic is being read since it had this many partitions:
// those beyond were added later. Key topic/GROUP/TOPIC.
type knownTopic struct {
	ID         string `json:"id"`
	Partitions int    `json:"partitions"`
}

// knownPosition says that a partition has had a position. Key
// position/GROUP/TOPIC/PARTITION.
type knownPosition struct {
	TopicID string    `json:"topic_id"`
	Offset  int64     `json:"offset"` // the first one
	Time    time.Time `json:"time"`
}

// attempt says that the first run of a partition since its assignment was begun
// n times at a position. Key attempt/GROUP/TOPIC/PARTITION.
type attempt struct {
	Position int64 `json:"position"`
	N        int   `json:"n"`
}

func (s *State) topicKey(topic string) string { return "topic/" + s.group + "/" + topic }

func (s *State) positionKey(topic string, partition int32) string {
	return fmt.Sprintf("position/%s/%s/%d", s.group, topic, partition)
}

func (s *State) attemptKey(topic string, partition int32) string {
	return fmt.Sprintf("attempt/%s/%s/%d", s.group, topic, partition)
}
