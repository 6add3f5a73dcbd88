package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/producer"
)

// deadLetter is a record of a dead letter topic, with its headers read.
type deadLetter struct {
	record    *kgo.Record
	id        string // of the event
	source    string // its topic
	partition int32
	class     penstock.ErrorClass
	reason    string
	pipeline  string
	model     string
	version   string
	time      time.Time // when it became one; zero: it does not say
	attempt   string
	truncated bool // its value was dropped
}

// readDeadLetter reads the headers. ok is false for a record that penstock did
// not write.
func readDeadLetter(r *kgo.Record) (d deadLetter, ok bool) {
	d.record = r
	for _, h := range r.Headers {
		text := string(h.Value)
		switch h.Key {
		case producer.HeaderErrorClass:
			d.class = penstock.ErrorClass(text)
		case producer.HeaderError:
			d.reason = text
		case producer.HeaderSource:
			d.id = text
		case producer.HeaderPipeline:
			d.pipeline = text
		case producer.HeaderModel:
			d.model = text
		case producer.HeaderModelVersion:
			d.version = text
		case producer.HeaderTime:
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				d.time = t
			}
		case producer.HeaderAttempt:
			d.attempt = text
		case producer.HeaderTruncated:
			d.truncated = true
		}
	}
	var err error
	d.source, d.partition, err = eventPlace(d.id)
	return d, err == nil && d.class != ""
}

// eventPlace is the topic and partition of TOPIC/PARTITION/OFFSET. A topic's
// name has no slash.
func eventPlace(id string) (topic string, partition int32, err error) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return "", 0, fmt.Errorf("%q is no event's id; one is such as transactions/0/1234", id)
	}
	n, err := strconv.ParseInt(parts[1], 10, 32)
	if err == nil {
		_, err = strconv.ParseInt(parts[2], 10, 64)
	}
	if err != nil {
		return "", 0, fmt.Errorf("%q is no event's id; one is such as transactions/0/1234", id)
	}
	return parts[0], int32(n), nil
}

// headers are those of the event as it came, without penstock's own but for the
// attempt, so that the event's next dead letter counts on.
func (d *deadLetter) headers() []kgo.RecordHeader {
	var all []kgo.RecordHeader
	for _, h := range d.record.Headers {
		if !strings.HasPrefix(h.Key, "penstock-") || h.Key == producer.HeaderAttempt {
			all = append(all, h)
		}
	}
	return all
}

// letterFilter chooses dead letters on the command line.
type letterFilter struct {
	Class []string `placeholder:"CLASS" help:"Only of this error class: ${classes}; may be repeated."`
	Since string   `placeholder:"TIME" help:"Only from this time on, such as 2026-11-21T09:00:00Z, or 2h for the last two hours."`

	since time.Time
}

// read checks the flags.
func (f *letterFilter) read(now time.Time) error {
	for _, class := range f.Class {
		if !slices.Contains(classes[:], penstock.ErrorClass(class)) {
			return &refusal{fmt.Errorf("--class %s is unknown; the classes are %s", class, classNames())}
		}
	}
	if f.Since == "" {
		return nil
	}
	if ago, err := time.ParseDuration(f.Since); err == nil && ago >= 0 {
		f.since = now.Add(-ago)
		return nil
	}
	var err error
	if f.since, err = time.Parse(time.RFC3339, f.Since); err != nil {
		return &refusal{fmt.Errorf("--since must be a time such as 2026-11-21T09:00:00Z, or how long ago, such as 2h, not %q", f.Since)}
	}
	return nil
}

func classNames() string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

func (f *letterFilter) takes(d *deadLetter) bool {
	return (len(f.Class) == 0 || slices.Contains(f.Class, string(d.class))) && !d.time.Before(f.since)
}

// letterBox reads a pipeline's dead letters and what is known of them.
type letterBox struct {
	client  *kgo.Client
	connect func(more ...kgo.Opt) (*kgo.Client, error)
	p       *config.Pipeline
	topics  map[string]kadm.TopicDetail // of dead letters
	others  int64                       // records of other pipelines, or of nobody, that were passed over
}

// openLetters connects to the pipeline's dead letters. The caller closes the
// client.
func (s *session) openLetters(ctx context.Context, path string, set []string) (*letterBox, error) {
	f, err := s.loadStream(path, set)
	if err != nil {
		return nil, err
	}
	p := &f.Pipeline
	b := &letterBox{p: p, connect: func(more ...kgo.Opt) (*kgo.Client, error) { return connect(p, append(more, broker.LogTo(s.log))...) }}
	if b.client, err = connect(p); err != nil {
		return nil, err
	}
	if err := b.find(ctx); err != nil {
		b.client.Close()
		return nil, explained(ctx, err)
	}
	return b, nil
}

func (b *letterBox) find(ctx context.Context) error {
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
			return fmt.Errorf("ask for topic %s: %w", name, err)
		}
	}
	b.topics = details
	return nil
}

// each gives all dead letters of the pipeline that are there now to take, in
// the order of their partitions.
func (b *letterBox) each(ctx context.Context, take func(d *deadLetter) error) error {
	return b.scan(ctx, slices.Sorted(maps.Keys(b.topics)), func(r *kgo.Record) error {
		d, ok := readDeadLetter(r)
		if !ok || d.pipeline != b.p.Name {
			b.others++
			return nil
		}
		return take(&d)
	})
}

// scan reads what is committed in topics now.
func (b *letterBox) scan(ctx context.Context, topics []string, take func(r *kgo.Record) error) error {
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
