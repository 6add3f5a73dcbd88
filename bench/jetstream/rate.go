package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// runRate waits until so many messages of a subject are in OUT, and says how
// many a second came in between the first tenth and the last one, by the times
// that the server stamped them with.
func runRate(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("rate", flag.ExitOnError)
	var p place
	p.flags(f)
	of := f.String("subject", "", "`subject` of the messages")
	count := f.Int("count", 0, "how many there are going to be")
	stream := f.String("stream", sink, "the stream")
	_ = f.Parse(args) // it exits by itself
	js, err := p.connect()
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	out, err := js.Stream(ctx, *stream)
	if err != nil {
		return fmt.Errorf("rate: %w", err)
	}
	c, err := out.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{*of}, HeadersOnly: true})
	if err != nil {
		return fmt.Errorf("rate: %w", err)
	}
	messages, err := c.Messages(jetstream.PullMaxMessages(4096))
	if err != nil {
		return fmt.Errorf("rate: %w", err)
	}
	defer messages.Stop()
	times := make([]time.Time, 0, *count)
	for len(times) < *count {
		m, err := messages.Next(jetstream.NextMaxWait(time.Minute))
		if err != nil {
			return fmt.Errorf("rate: after %d messages: %w", len(times), err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("rate: %w", err)
		}
		times = append(times, meta.Timestamp)
	}
	from, to := *count/10, *count-*count/10
	fmt.Printf("rate %.0f\n", float64(to-from)/times[to].Sub(times[from]).Seconds())
	return nil
}
