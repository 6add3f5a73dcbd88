package monitor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadKafka reads reports of a compacted topic of one partition: the latest that
// there are, and what follows.
func ReadKafka(connect []kgo.Opt, topic string) func(ctx context.Context) (ReportReader, error) {
	return func(context.Context) (ReportReader, error) {
		client, err := kgo.NewClient(append(slices.Clone(connect),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
		if err != nil {
			return nil, fmt.Errorf("read reports: %w", err)
		}
		return kafkaReports{client}, nil
	}
}

type kafkaReports struct{ *kgo.Client }

func (k kafkaReports) Next(ctx context.Context) ([][]byte, error) {
	fetches := k.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	var all [][]byte
	for r := range fetches.RecordsAll() {
		all = append(all, r.Value)
	}
	return all, nil
}

// KafkaAlarms reads a topic of one partition as a group of its own.
func KafkaAlarms(connect []kgo.Opt, topic, group string) func(ctx context.Context) (Alarms, error) {
	return func(context.Context) (Alarms, error) {
		client, err := kgo.NewClient(append(slices.Clone(connect),
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		)...)
		if err != nil {
			return nil, fmt.Errorf("read alarms: %w", err)
		}
		return &kafkaAlarms{client: client}, nil
	}
}

type kafkaAlarms struct {
	client *kgo.Client
	queue  []*kgo.Record
}

func (k *kafkaAlarms) Next(ctx context.Context) ([]byte, time.Time, error) {
	for len(k.queue) == 0 {
		fetches := k.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, time.Time{}, fmt.Errorf("read alarms: %w", err)
		}
		k.queue = fetches.Records()
	}
	return k.queue[0].Value, k.queue[0].Timestamp, nil
}

func (k *kafkaAlarms) Done(ctx context.Context) error {
	r := k.queue[0]
	k.queue = k.queue[1:]
	if err := k.client.CommitRecords(ctx, r); err != nil {
		return fmt.Errorf("commit a posted alarm: %w", err)
	}
	return nil
}

func (k *kafkaAlarms) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	_ = k.client.LeaveGroupContext(ctx) // else its place ends with the session timeout
	k.client.Close()
}
