package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// sources has nothing to learn: what the source reads, the config says.
func (b *natsLetters) sources(context.Context) error { return nil }

func (b *natsLetters) reads(e *penstock.EventID) bool {
	return e.Source == b.p.Source.Stream &&
		slices.ContainsFunc(b.p.Source.Filters(), func(f string) bool { return config.Covers(f, e.Subject) })
}

func (b *natsLetters) openReturn(context.Context) (letterReturn, error) {
	js, err := jetstream.New(b.server.conn, jetstream.WithPublishAsyncMaxPending(redriveRecords), jetstream.WithPublishAsyncTimeout(answerTime))
	if err != nil {
		return nil, fmt.Errorf("connect to JetStream: %w", err)
	}
	return &natsReturn{letters: b, js: js}, nil
}

// natsReturn sends dead letters back to the source stream, and then writes that
// down in the pipeline's own: no batch spans the two. Should it end in between,
// the next one sends the same messages again under the same message ids, and the
// source drops them, for as long as it remembers those.
type natsReturn struct {
	letters *natsLetters
	js      jetstream.JetStream
}

func (r *natsReturn) close() {}

func (r *natsReturn) send(ctx context.Context, letters []*deadLetter, sent *sentBack, blocks []string) error {
	return r.letters.server.guarded(ctx, func(ctx context.Context) error {
		if err := r.publish(ctx, letters); err != nil {
			return err
		}
		return r.remember(ctx, sent, blocks)
	})
}

// publish sends the events and waits until the source has all of them.
func (r *natsReturn) publish(ctx context.Context, letters []*deadLetter) error {
	var pending []jetstream.PubAckFuture
	for _, d := range letters {
		m := nats.NewMsg(d.event.Subject)
		m.Data = d.value
		for _, h := range d.eventHeaders() {
			m.Header[h.Key] = append(m.Header[h.Key], string(h.Value))
		}
		ack, err := r.js.PublishMsgAsync(m, jetstream.WithMsgID(r.messageID(d)), jetstream.WithExpectStream(d.event.Source),
			jetstream.WithStallWait(answerTime), jetstream.WithRetryAttempts(0))
		if err != nil {
			return fmt.Errorf("publish to %s: %w", m.Subject, err)
		}
		pending = append(pending, ack)
	}
	for _, ack := range pending {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return fmt.Errorf("publish to %s: %w", ack.Msg().Subject, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// messageID is the same whenever a letter is sent back.
func (r *natsReturn) messageID(d *deadLetter) string {
	return fmt.Sprintf("redrive:%s:%d", d.place.Source, d.place.Offset)
}

// remember writes the blocks, unless another redrive has written one of them.
func (r *natsReturn) remember(ctx context.Context, sent *sentBack, blocks []string) error {
	var guards []broker.Guard
	for _, subject := range blocks {
		block := sent.blocks[subject]
		value, err := json.Marshal(block)
		if err != nil {
			return fmt.Errorf("write %s: %w", subject, err)
		}
		guards = append(guards, broker.Guard{Subject: subject, Value: value, Expected: block.sequence})
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	sequences, err := new(broker.Batches).PublishAll(ctx, r.letters.server.conn, guards)
	if err != nil {
		return fmt.Errorf("remember what was sent back: %w", err)
	}
	for i, subject := range blocks {
		sent.blocks[subject].sequence = sequences[i]
	}
	return nil
}
