//go:build unix

// Command stream measures what lies between two topics: how long events take
// from the producer's send to a read_committed consumer, at a steady rate or one
// at a time, and the CPU of the process in between. It drives penstock or any
// other that copies an event's headers to what it makes of it, and it has a bare
// loop to compare with.
//
//	stream broker                 a real Kafka with topics in and out, until Ctrl-C
//	stream drive -brokers A …     sends events and measures what comes out
//	stream pass -brokers A …      the bare loop, exactly once, until Ctrl-C
//	stream pace                   what a pause after each commit costs and saves
//
// Each takes -h. The Kafka is that of tools/kafka/fetch.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, []string) error{
		"broker": runBroker, "drive": runDrive, "pass": runPass, "pace": runPace,
	}
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](ctx, args[1:])
	}
	return fmt.Errorf("say what to do: broker, drive, pass or pace")
}

// topics are the flags of all who connect.
type topics struct {
	brokers, in, out string
}

func (t *topics) flags(f *flag.FlagSet) {
	f.StringVar(&t.brokers, "brokers", "", "HOST:PORT, comma-separated")
	f.StringVar(&t.in, "in", "in", "the `topic` with events")
	f.StringVar(&t.out, "out", "out", "the `topic` with what was made of them")
}

func (t *topics) seeds() []string { return strings.Split(t.brokers, ",") }
