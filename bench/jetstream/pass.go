package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// runPass copies events from IN to OUT as a good loop by hand would, with what
// was there when it came round as a batch.
func runPass(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("pass", flag.ExitOnError)
	var p place
	p.flags(f)
	mode := f.String("mode", "atomic", "atomic: batches with the position in them; ack: publish with ids, then acknowledge")
	count := f.Int("count", 0, "how many; 0: until Ctrl-C")
	most := f.Int("most", 999, "most events in a batch")
	size := f.Int("bytes", 0, "cut what is published to so many bytes, such as a prediction takes; 0: copy all")
	_ = f.Parse(args) // it exits by itself
	js, err := p.connect()
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	_ = js.DeleteStream(ctx, sink) // there may be none
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: sink, Subjects: []string{"out.>"}, AllowAtomicPublish: true, AllowRollup: true, AllowMsgTTL: true,
	}); err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	l := &loop{js: js, conn: js.Conn(), size: *size}
	config := jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true}
	if *mode == "ack" {
		config = jetstream.ConsumerConfig{Durable: "pass-" + nuid.Next(), AckPolicy: jetstream.AckAllPolicy, MaxAckPending: -1}
	}
	c, err := js.CreateConsumer(ctx, source, config)
	if err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	waiting := make(chan jetstream.Msg, 4096)
	consume, err := c.Consume(func(m jetstream.Msg) { waiting <- m }, jetstream.PullMaxMessages(4096))
	if err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	defer consume.Stop()
	start := time.Now()
	for done := 0; *count == 0 || done < *count; {
		batch, err := l.next(ctx, waiting, *most)
		if err != nil {
			return nil // Ctrl-C
		}
		if *mode == "ack" {
			err = l.acknowledge(ctx, batch)
		} else {
			err = l.commit(ctx, batch)
		}
		if err != nil {
			return fmt.Errorf("pass: %w", err)
		}
		done += len(batch)
	}
	fmt.Printf("seconds %.3f\n", time.Since(start).Seconds())
	return nil
}

// loop is the bare loop.
type loop struct {
	js       jetstream.JetStream
	conn     *nats.Conn
	size     int // most bytes of a message; 0: all
	batch    []jetstream.Msg
	position uint64 // sequence of its message
}

// next takes what waits.
func (l *loop) next(ctx context.Context, waiting <-chan jetstream.Msg, most int) ([]jetstream.Msg, error) {
	l.batch = l.batch[:0]
	select {
	case m := <-waiting:
		l.batch = append(l.batch, m)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for len(l.batch) < most {
		select {
		case m := <-waiting:
			l.batch = append(l.batch, m)
		default:
			return l.batch, nil
		}
	}
	return l.batch, nil
}

// cut is what is published of an event.
func (l *loop) cut(event []byte) []byte {
	if l.size > 0 {
		return event[:min(l.size, len(event))]
	}
	return event
}

// commit publishes a batch with the position behind it, if nobody else has.
func (l *loop) commit(ctx context.Context, batch []jetstream.Msg) error {
	id := nuid.Next()
	for i, m := range batch {
		out := &nats.Msg{Subject: "out.predictions", Data: l.cut(m.Data()), Header: nats.Header{
			"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(i + 1)},
		}}
		if err := l.conn.PublishMsg(out); err != nil {
			return err
		}
	}
	meta, err := batch[len(batch)-1].Metadata()
	if err != nil {
		return err
	}
	reply, err := l.conn.RequestMsgWithContext(ctx, &nats.Msg{
		Subject: "out.position", Data: []byte(strconv.FormatUint(meta.Sequence.Stream+1, 10)),
		Header: nats.Header{
			"Nats-Batch-Id": {id}, "Nats-Batch-Sequence": {strconv.Itoa(len(batch) + 1)}, "Nats-Batch-Commit": {"1"},
			jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(l.position, 10)}, jetstream.MsgRollup: {jetstream.MsgRollupSubject},
		},
	})
	if err != nil {
		return err
	}
	var ack struct {
		Sequence uint64              `json:"seq"`
		Error    *jetstream.APIError `json:"error"`
	}
	if err := decode(reply.Data, &ack); err != nil {
		return err
	}
	if ack.Error != nil {
		return ack.Error
	}
	l.position = ack.Sequence
	return nil
}

// acknowledge publishes with ids, waits for all, and then acknowledges the last
// event, and all before it.
func (l *loop) acknowledge(ctx context.Context, batch []jetstream.Msg) error {
	for _, m := range batch {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if _, err := l.js.PublishAsync("out.predictions", l.cut(m.Data()), jetstream.WithMsgID("IN:"+strconv.FormatUint(meta.Sequence.Stream, 10))); err != nil {
			return err
		}
	}
	select {
	case <-l.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	return batch[len(batch)-1].DoubleAck(ctx)
}
