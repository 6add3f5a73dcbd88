package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
)

// open begins a producer, which ends what an earlier run has left open: only
// then is it certain what was sent back.
func (b *kafkaLetters) openReturn(ctx context.Context) (letterReturn, error) {
	client, err := b.connect(
		kgo.TransactionalID(broker.TransactionalID(b.p.Source.Group, "redrive")), kgo.TransactionTimeout(redriveTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, _, err = client.ProducerID(ctx); err == nil {
		err = b.makeState(ctx)
	}
	if err != nil {
		client.Close()
		return nil, takenOver(fmt.Errorf("begin a producer with transactions: %w", err))
	}
	return &kafkaReturn{client: client, letters: b}, nil
}

// makeState makes the topic that remembers what was sent back, where the
// pipeline has not yet.
func (b *kafkaLetters) makeState(ctx context.Context) error {
	needed := broker.NeededTopics(b.p)
	needed = slices.DeleteFunc(needed, func(t broker.Topic) bool { return t.Role != broker.RoleState })
	found, err := broker.Inspect(ctx, b.client, needed)
	if err == nil {
		_, err = broker.Create(ctx, b.client, found, true)
	}
	if err == nil {
		_, err = awaitTopics(ctx, b.client, needed)
	}
	return err
}

// sources asks how many partitions the source topics have.
func (b *kafkaLetters) sources(ctx context.Context) error {
	names := b.p.Source.AllTopics()
	details, err := kadm.NewClient(b.client).ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("ask for topics %s: %w", strings.Join(names, ", "), err)
	}
	b.partitions = map[string]int32{}
	for _, name := range names {
		d := details[name]
		if d.Err != nil {
			return aboutTopic(b.path, name, d.Err)
		}
		b.partitions[name] = int32(len(d.Partitions))
	}
	return nil
}

func (b *kafkaLetters) reads(e *penstock.EventID) bool { return b.partitions[e.Source] > 0 }

// kafkaReturn sends dead letters back in transactions.
type kafkaReturn struct {
	client  *kgo.Client
	letters *kafkaLetters
}

func (r *kafkaReturn) close() { r.client.Close() }

// send publishes events and blocks in one transaction: all or nothing.
func (r *kafkaReturn) send(ctx context.Context, letters []*deadLetter, sent *sentBack, blocks []string) error {
	var records []*kgo.Record
	for _, d := range letters {
		// The topic may have been made anew with fewer partitions.
		partition := d.event.Partition % r.letters.partitions[d.event.Source]
		record := &kgo.Record{Topic: d.event.Source, Partition: partition, Key: d.key, Value: d.value}
		for _, h := range d.eventHeaders() {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		records = append(records, record)
	}
	for _, key := range blocks {
		value, err := json.Marshal(sent.blocks[key])
		if err != nil {
			return fmt.Errorf("write %s: %w", key, err)
		}
		records = append(records, &kgo.Record{Topic: broker.StateTopic(r.letters.p), Key: []byte(key), Value: value})
	}
	return takenOver(r.transact(ctx, records))
}

// otherRedrive says that two run at once. Each ends the other's transaction when
// it begins.
type otherRedrive struct{ err error }

func (*otherRedrive) Error() string   { return "another redrive of this pipeline is running" }
func (o *otherRedrive) Unwrap() error { return o.err }

// takenOver knows the broker's words for another producer of the same id.
func takenOver(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
		return &otherRedrive{err}
	}
	return err
}

func (r *kafkaReturn) transact(ctx context.Context, records []*kgo.Record) error {
	if err := r.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := r.produce(ctx, records); err != nil {
		// The error is told; what is left open ends with the next run, or at
		// its timeout.
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		return errors.Join(err, r.client.EndTransaction(stopping, kgo.TryAbort))
	}
	if err := r.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// produce sends records and waits until the broker has all of it.
func (r *kafkaReturn) produce(ctx context.Context, records []*kgo.Record) error {
	var failed atomic.Pointer[error]
	for _, record := range records {
		r.client.Produce(ctx, record, func(record *kgo.Record, err error) {
			if err == nil {
				return
			}
			if errors.Is(err, kerr.TopicAuthorizationFailed) {
				err = &broker.Refusal{Right: "Write", Resource: "topic " + record.Topic, Err: err}
			}
			err = fmt.Errorf("publish to %s: %w", record.Topic, err)
			failed.CompareAndSwap(nil, &err)
		})
	}
	if err := r.client.Flush(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
