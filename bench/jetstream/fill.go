package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// runFill publishes the lines of a file, and takes out what was there.
func runFill(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("fill", flag.ExitOnError)
	var p place
	p.flags(f)
	file := f.String("file", "", "`file` of one event a line")
	count := f.Int("count", 0, "how many; 0: all")
	_ = f.Parse(args) // it exits by itself
	js, err := p.connect()
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	in, err := os.Open(*file)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	defer in.Close()
	stream, err := js.Stream(ctx, source)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if err := stream.Purge(ctx); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	lines := bufio.NewScanner(in)
	n := 0
	for (*count == 0 || n < *count) && lines.Scan() {
		if _, err := js.PublishAsync(fmt.Sprintf(subject, n%p.filters), append([]byte(nil), lines.Bytes()...), jetstream.WithStallWait(time.Minute)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		n++
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	fmt.Println("events", n)
	return lines.Err()
}
