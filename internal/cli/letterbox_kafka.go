package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// kafkaLetters are dead letters in topics of Kafka.
type kafkaLetters struct {
	client     *kgo.Client
	connect    func(more ...kgo.Opt) (*kgo.Client, error)
	path       string // the config's
	p          *config.Pipeline
	topics     map[string]kadm.TopicDetail // of dead letters
	partitions map[string]int32            // of the source topics
}

func (s *session) openKafkaLetters(ctx context.Context, path string, p *config.Pipeline) (*kafkaLetters, error) {
	b := &kafkaLetters{path: path, p: p, connect: func(more ...kgo.Opt) (*kgo.Client, error) { return connect(p, append(more, broker.LogTo(s.log))...) }}
	var err error
	if b.client, err = connect(p); err != nil {
		return nil, err
	}
	if err := b.find(ctx); err != nil {
		b.client.Close()
		return nil, err
	}
	return b, nil
}

func (b *kafkaLetters) find(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var names []string
	for _, t := range broker.NeededTopics(b.p) {
		if t.Role == broker.RoleDead {
			names = append(names, t.Name)
		}
	}
	details, err := kadm.NewClient(b.client).ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("ask for topics: %w", err)
	}
	for _, name := range names {
		if err := details[name].Err; err != nil {
			return aboutTopic(b.path, name, err)
		}
	}
	b.topics = details
	return nil
}

func (b *kafkaLetters) each(ctx context.Context, take func(d *deadLetter, ok bool) error) error {
	return b.scan(ctx, slices.Sorted(maps.Keys(b.topics)), func(r *kgo.Record) error {
		d := &deadLetter{place: recordPlace(r), key: r.Key, value: r.Value}
		for _, h := range r.Headers {
			d.headers = append(d.headers, penstock.Header{Key: h.Key, Value: h.Value})
		}
		return take(d, d.readHeaders(kafkaEvent))
	})
}

func recordPlace(r *kgo.Record) penstock.EventID {
	return penstock.EventID{Source: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

func (b *kafkaLetters) eventID(id string) (penstock.EventID, error) { return kafkaEvent(id) }

func (b *kafkaLetters) close() { b.client.Close() }

// scan reads what is committed in topics now.
func (b *kafkaLetters) scan(ctx context.Context, topics []string, take func(r *kgo.Record) error) error {
	admin := kadm.NewClient(b.client)
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err == nil {
		err = starts.Error()
	}
	var ends kadm.ListedOffsets
	if err == nil {
		ends, err = admin.ListCommittedOffsets(ctx, topics...)
	}
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("ask where %s ends: %w", strings.Join(topics, ", "), err)
	}
	from := map[string]map[int32]kgo.Offset{}
	left := map[string]map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, _ := starts.Lookup(end.Topic, end.Partition); start.Offset < end.Offset {
			if left[end.Topic] == nil {
				from[end.Topic], left[end.Topic] = map[int32]kgo.Offset{}, map[int32]int64{}
			}
			from[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset)
			left[end.Topic][end.Partition] = end.Offset
		}
	})
	if len(left) == 0 {
		return nil
	}
	// Control records are kept, since a topic may end with one.
	client, err := b.connect(kgo.ConsumePartitions(from), kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		if err := takeSome(ctx, client, left, take); err != nil {
			return err
		}
	}
	return nil
}

// takeSome polls once, and takes from left the partitions that are done.
func takeSome(ctx context.Context, client *kgo.Client, left map[string]map[int32]int64, take func(r *kgo.Record) error) error {
	fetches := client.PollRecords(ctx, 1000)
	if failed := fetches.Errors(); len(failed) > 0 {
		return readError(&failed[0])
	}
	for iter := fetches.RecordIter(); !iter.Done(); {
		r := iter.Next()
		end, ok := left[r.Topic][r.Partition]
		if !ok {
			continue
		}
		if r.Offset < end && !r.Attrs.IsControl() {
			if err := take(r); err != nil {
				return err
			}
		}
		if r.Offset >= end-1 {
			delete(left[r.Topic], r.Partition)
			if len(left[r.Topic]) == 0 {
				delete(left, r.Topic)
			}
		}
	}
	return nil
}

func readError(e *kgo.FetchError) error {
	if errors.Is(e.Err, kerr.TopicAuthorizationFailed) {
		return &broker.Refusal{Right: "Read", Resource: "topic " + e.Topic, Err: e.Err}
	}
	return fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
}

// sentPrefix begins the keys of blocks in the state topic:
// sent-back/TOPIC/PARTITION/BLOCK.
const sentPrefix = "sent-back/"

func blockKey(letter *penstock.EventID) string {
	return fmt.Sprintf("%s%s/%d/%d", sentPrefix, letter.Source, letter.Partition, letter.Offset/blockOffsets)
}

// readSentBack reads the state topic. Blocks of a topic that was deleted and
// made again are of other dead letters, and forgotten.
func (b *kafkaLetters) readSentBack(ctx context.Context) (*sentBack, error) {
	sent := &sentBack{key: blockKey, ids: map[string]string{}, blocks: map[string]*sentBlock{}}
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
