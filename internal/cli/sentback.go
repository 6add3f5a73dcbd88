package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
)

// sentBack is what was sent back to the source: bits by topic, partition and
// block of offsets. It lies in the state topic and is written in the same
// transaction as the events, so that each dead letter is sent back once
// however often the command is cut short.
type sentBack struct {
	ids    map[string]string // of the topics as they are now
	blocks map[string]*sentBlock
}

// sentBlock is one record of the state topic.
type sentBlock struct {
	TopicID string `json:"topic_id"`
	Bits    []byte `json:"bits"` // bit i%8 of byte i/8: the i-th offset of the block was sent back
}

// blockOffsets is how many offsets a block has: a record of some 1.4 kB.
const blockOffsets = 8192

// sentPrefix begins the keys: sent-back/TOPIC/PARTITION/BLOCK.
const sentPrefix = "sent-back/"

func blockKey(r *kgo.Record) string {
	return fmt.Sprintf("%s%s/%d/%d", sentPrefix, r.Topic, r.Partition, r.Offset/blockOffsets)
}

// readSentBack reads the state topic. Blocks of a topic that was deleted and
// made again are of other dead letters, and forgotten.
func (b *letterBox) readSentBack(ctx context.Context) (*sentBack, error) {
	sent := &sentBack{ids: map[string]string{}, blocks: map[string]*sentBlock{}}
	for name, t := range b.topics {
		sent.ids[name] = t.ID.String()
	}
	state := broker.StateTopic(b.p)
	details, err := kadm.NewClient(b.client).ListTopics(ctx, state)
	if err != nil {
		return nil, fmt.Errorf("ask for topic %s: %w", state, err)
	}
	if !details.Has(state) {
		return sent, nil
	}
	err = b.scan(ctx, []string{state}, func(r *kgo.Record) error {
		key := string(r.Key)
		rest, ok := strings.CutPrefix(key, sentPrefix)
		if !ok || len(r.Value) == 0 {
			return nil
		}
		block := new(sentBlock)
		if err := json.Unmarshal(r.Value, block); err != nil {
			return fmt.Errorf("state %s, key %s: %w", state, key, err)
		}
		topic, _, _ := strings.Cut(rest, "/")
		if block.TopicID == sent.ids[topic] && len(block.Bits) == blockOffsets/8 {
			sent.blocks[key] = block
		}
		return nil
	})
	return sent, err
}

func (s *sentBack) has(r *kgo.Record) bool {
	block := s.blocks[blockKey(r)]
	i := r.Offset % blockOffsets
	return block != nil && block.Bits[i/8]&(1<<(i%8)) != 0
}

// add notes a dead letter, and gives the key of its block.
func (s *sentBack) add(r *kgo.Record) string {
	key := blockKey(r)
	block := s.blocks[key]
	if block == nil {
		block = &sentBlock{TopicID: s.ids[r.Topic], Bits: make([]byte, blockOffsets/8)}
		s.blocks[key] = block
	}
	i := r.Offset % blockOffsets
	block.Bits[i/8] |= 1 << (i % 8)
	return key
}
