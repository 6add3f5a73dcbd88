package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// runClear deletes OUT and the consumers of IN, so that whoever comes next begins
// anew.
func runClear(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("clear", flag.ExitOnError)
	var p place
	p.flags(f)
	_ = f.Parse(args) // it exits by itself
	js, err := p.connect()
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	if err := js.DeleteStream(ctx, sink); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("clear: %w", err)
	}
	in, err := js.Stream(ctx, source)
	if err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	names := in.ConsumerNames(ctx)
	for name := range names.Name() {
		if err := in.DeleteConsumer(ctx, name); err != nil {
			return fmt.Errorf("clear: %w", err)
		}
	}
	return names.Err()
}
