package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func decode(data []byte, to any) error { return json.Unmarshal(data, to) }

// runLone publishes one event, waits for what was made of it, and then the next.
func runLone(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("lone", flag.ExitOnError)
	var p place
	p.flags(f)
	of := f.String("subject", "", "`subject` of what is made of events")
	stream := f.String("stream", sink, "the stream")
	file := f.String("event", "", "`file` with the event")
	count := f.Int("count", 300, "how many")
	_ = f.Parse(args) // it exits by itself
	event, err := os.ReadFile(*file)
	if err != nil {
		return fmt.Errorf("lone: %w", err)
	}
	js, err := p.connect()
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	out, err := js.Stream(ctx, *stream)
	if err != nil {
		return fmt.Errorf("lone: %w", err)
	}
	c, err := out.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{*of}, DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return fmt.Errorf("lone: %w", err)
	}
	came := make(chan time.Time, 1)
	consume, err := c.Consume(func(jetstream.Msg) { came <- time.Now() })
	if err != nil {
		return fmt.Errorf("lone: %w", err)
	}
	defer consume.Stop()
	time.Sleep(500 * time.Millisecond) // until the consumer's first pull is there
	var took []time.Duration
	for n := range *count {
		start := time.Now()
		if _, err := js.PublishAsync(fmt.Sprintf(subject, n%p.filters), event); err != nil {
			return fmt.Errorf("lone: %w", err)
		}
		select {
		case at := <-came:
			took = append(took, at.Sub(start))
		case <-time.After(30 * time.Second):
			return fmt.Errorf("lone: nothing came of event %d", n)
		case <-ctx.Done():
			return ctx.Err()
		}
		time.Sleep(5 * time.Millisecond)
	}
	slices.Sort(took)
	fmt.Printf("lone p50 %.2f ms p99 %.2f ms\n", took[len(took)/2].Seconds()*1e3, took[len(took)*99/100].Seconds()*1e3)
	return nil
}
