package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// References reads frozen references from a pipeline's state topic. It is for one
// goroutine at a time.
type References struct {
	client *kgo.Client
	topic  string
	read   int64             // offset of the next record to read
	latest map[string][]byte // by key
}

// NewReferences connects when it is first asked.
func NewReferences(connect []kgo.Opt, topic string) (*References, error) {
	client, err := kgo.NewClient(append(slices.Clone(connect),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // a reference is there once its transaction is
		kgo.KeepControlRecords(), kgo.FetchMaxWait(soon),
	)...)
	if err != nil {
		return nil, fmt.Errorf("read references: %w", err)
	}
	return &References{client: client, topic: topic, latest: map[string][]byte{}}, nil
}

// Close disconnects.
func (r *References) Close() { r.client.Close() }

// Of gives a model version's reference, encoded; nil as long as it has none.
func (r *References) Of(ctx context.Context, model, version string) ([]byte, error) {
	if err := r.refresh(ctx); err != nil {
		return nil, fmt.Errorf("read references in %s: %w", r.topic, err)
	}
	return joined(func(part int) ([]byte, error) { return r.latest[ReferenceKey(model, version, part)], nil })
}

// refresh reads to the end of what is committed.
func (r *References) refresh(ctx context.Context) error {
	ends, err := kadm.NewClient(r.client).ListCommittedOffsets(ctx, r.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return err
	}
	for end, _ := ends.Lookup(r.topic, 0); r.read < end.Offset; {
		fetches := r.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			r.read = record.Offset + 1
			if !record.Attrs.IsControl() && bytes.HasPrefix(record.Key, []byte(referencePrefix)) {
				r.latest[string(record.Key)] = record.Value
			}
		})
	}
	return nil
}

// NATSReference gives a model version's reference from a pipeline's own stream,
// encoded; nil as long as it has none.
func NATSReference(ctx context.Context, js jetstream.JetStream, own string, s Subjects, model, version string) ([]byte, error) {
	stream, err := js.Stream(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("read the reference: look up stream %s: %w", own, err)
	}
	return joined(func(part int) ([]byte, error) {
		m, err := stream.GetLastMsgForSubject(ctx, s.Reference(model, version, part))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the reference: %w", err)
		}
		return m.Data, nil
	})
}

// joined puts a reference together; nil where it has no first part.
func joined(part func(int) ([]byte, error)) ([]byte, error) {
	first, err := part(0)
	if err != nil || first == nil {
		return nil, err
	}
	n, err := ReferenceParts(first)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{first}
	for len(parts) < n {
		next, err := part(len(parts))
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
	}
	encoded, _, err := JoinReference(parts)
	return encoded, err
}
