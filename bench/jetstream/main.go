// Command jetstream measures what lies between two NATS streams, for penstock or
// for a bare loop to compare it with.
//
//	jetstream server -dir D      a nats-server with streams IN and OUT, until Ctrl-C
//	jetstream fill -file F …     publishes a file's lines to IN
//	jetstream pass -mode M …     the bare loop: atomic batches, or publish and acknowledge
//	jetstream clear              deletes OUT and the consumers of IN
//	jetstream rate …             how many messages a second came into OUT, by the server's clock
//	jetstream lone …             how long one event at a time takes from IN to OUT
//
// Each takes -h.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "jetstream:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, []string) error{
		"server": runServer, "fill": runFill, "pass": runPass, "rate": runRate, "clear": runClear, "lone": runLone,
	}
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](ctx, args[1:])
	}
	return fmt.Errorf("say what to do: server, fill, clear, pass, rate or lone")
}

// The streams, and the subjects of the first one: in.0, in.1, …
const (
	source, sink = "IN", "OUT"
	subject      = "in.%d"
)

// place is where the streams are, as flags of all who connect.
type place struct {
	url     string
	filters int
}

func (p *place) flags(f *flag.FlagSet) {
	f.StringVar(&p.url, "url", "nats://127.0.0.1:4222", "`URL` of the server")
	f.IntVar(&p.filters, "filters", 1, "how many subjects the events are spread over")
}

func (p *place) connect() (jetstream.JetStream, error) {
	conn, err := nats.Connect(p.url)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.url, err)
	}
	return jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(8192))
}
