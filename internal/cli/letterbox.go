package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

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
