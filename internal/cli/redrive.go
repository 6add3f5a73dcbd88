package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
)

// redrive is one run of the command.
type redrive struct {
	command *dlqRedriveCommand
	session *session
	letters *letterBox
	started time.Time

	client     *kgo.Client // of the transactions; nil for a dry run
	sent       *sentBack
	partitions map[string]int32 // of the source topics

	chunk   []*kgo.Record // to send in the next transaction
	bytes   int
	touched []string // keys of blocks that the chunk changes

	done, before, truncated, strangers int64
}

// open begins a producer, which ends what an earlier run has left open: only
// then is it certain what was sent back.
func (r *redrive) open(ctx context.Context) error {
	p := r.letters.p
	var err error
	r.client, err = r.letters.connect(
		kgo.TransactionalID(broker.TransactionalID(p.Source.Group+"-redrive")), kgo.TransactionTimeout(redriveTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, _, err = r.client.ProducerID(ctx); err == nil {
		err = r.makeState(ctx)
	}
	if err != nil {
		r.client.Close()
		return fmt.Errorf("begin a producer with transactions: %w", err)
	}
	return nil
}

// makeState makes the topic that remembers what was sent back, where the
// pipeline has not yet.
func (r *redrive) makeState(ctx context.Context) error {
	needed := broker.NeededTopics(r.letters.p)
	needed = slices.DeleteFunc(needed, func(t broker.Topic) bool { return t.Role != broker.RoleState })
	found, err := broker.Inspect(ctx, r.letters.client, needed)
	if err == nil {
		_, err = broker.Create(ctx, r.letters.client, found, true)
	}
	if err == nil {
		_, err = awaitTopics(ctx, r.letters.client, needed)
	}
	return err
}

// run sends back what is left to send.
func (r *redrive) run(ctx context.Context) error {
	r.chunk, r.touched, r.bytes = nil, nil, 0
	r.truncated, r.strangers, r.letters.others = 0, 0, 0
	r.before = -r.done // an earlier try's are met again
	if !r.command.DryRun {
		if err := r.open(ctx); err != nil {
			return err
		}
		defer r.client.Close()
	}
	if err := r.sources(ctx); err != nil {
		return err
	}
	var err error
	if r.sent, err = r.letters.readSentBack(ctx); err != nil {
		return err
	}
	if err := r.letters.each(ctx, func(d *deadLetter) error { return r.take(ctx, d) }); err != nil {
		return err
	}
	return r.commit(ctx)
}

// sources asks how many partitions the source topics have.
func (r *redrive) sources(ctx context.Context) error {
	names := r.letters.p.Source.AllTopics()
	details, err := kadm.NewClient(r.letters.client).ListTopics(ctx, names...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return fmt.Errorf("ask for topics %s: %w", strings.Join(names, ", "), err)
	}
	r.partitions = map[string]int32{}
	for name, d := range details {
		r.partitions[name] = int32(len(d.Partitions))
	}
	return nil
}

// take adds a dead letter to the chunk, and sends it when that is full.
func (r *redrive) take(ctx context.Context, d *deadLetter) error {
	if !r.command.takes(d) {
		return nil
	}
	partitions := r.partitions[d.source]
	switch {
	case r.sent.has(d.record):
		r.before++
		return nil
	case d.truncated:
		r.truncated++
		return nil
	case partitions == 0:
		r.strangers++
		return nil
	}
	if r.command.DryRun {
		r.done++
		_, err := fmt.Fprintf(r.session.Out, "%s %s %s\n", d.id, d.class, d.reason)
		return err
	}
	r.chunk = append(r.chunk, &kgo.Record{
		Topic: d.source, Partition: d.partition % partitions, // the topic may have been made anew with fewer
		Key: d.record.Key, Value: d.record.Value, Headers: d.headers(),
	})
	r.bytes += len(d.record.Key) + len(d.record.Value)
	if key := r.sent.add(d.record); !slices.Contains(r.touched, key) {
		r.touched = append(r.touched, key)
	}
	if len(r.chunk) < redriveRecords && r.bytes < redriveBytes {
		return nil
	}
	return r.commit(ctx)
}

// commit sends the chunk and what it changes in the memory, all or nothing.
func (r *redrive) commit(ctx context.Context) error {
	if len(r.chunk) == 0 {
		return nil
	}
	events := len(r.chunk)
	for _, key := range r.touched {
		value, err := json.Marshal(r.sent.blocks[key])
		if err != nil {
			return fmt.Errorf("write %s: %w", key, err)
		}
		r.chunk = append(r.chunk, &kgo.Record{Topic: broker.StateTopic(r.letters.p), Key: []byte(key), Value: value})
	}
	if err := r.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := r.produce(ctx); err != nil {
		// The error is told; what is left open ends with the next run, or at
		// its timeout.
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		defer cancel()
		return errors.Join(err, r.client.EndTransaction(stopping, kgo.TryAbort))
	}
	if err := r.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	r.done += int64(events)
	r.chunk, r.touched, r.bytes = r.chunk[:0], r.touched[:0], 0
	return nil
}

// produce sends the chunk and waits until the broker has all of it.
func (r *redrive) produce(ctx context.Context) error {
	var failed atomic.Pointer[error]
	for _, record := range r.chunk {
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

func (r *redrive) summarize() {
	if r.command.Quiet {
		return
	}
	r.letters.tellOthers(r.session)
	if r.session.logJSON {
		r.session.log.Info("redrive", "dry_run", r.command.DryRun, "sent_back", r.done, "sent_back_before", r.before,
			"truncated", r.truncated, "other_topics", r.strangers, "seconds", time.Since(r.started).Seconds())
		return
	}
	verb := "sent back"
	if r.command.DryRun {
		verb = "would be sent back"
	}
	w := r.session.Err
	fmt.Fprintf(w, "%s dead letters %s", count(r.done), verb)
	if r.before > 0 {
		fmt.Fprintf(w, "; %s were sent back before", count(r.before))
	}
	if r.truncated > 0 {
		fmt.Fprintf(w, "; %s cannot be, since their values were too large to keep", count(r.truncated))
	}
	if r.strangers > 0 {
		fmt.Fprintf(w, "; %s cannot be, since they came from topics that the source no longer has", count(r.strangers))
	}
	fmt.Fprintln(w)
}
