// Command penstock scores events with ONNX models.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/penstock/penstock/internal/cli"
)

func main() { os.Exit(run()) }

// run gives the exit code. The first signal has the command come to an end; the
// second one ends the process, whatever it is about.
func run() int {
	// Without this the runtime ends the process at a write to a closed pipe,
	// and what was to be cleaned up stays.
	signal.Ignore(syscall.SIGPIPE)
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Lookup: os.LookupEnv})
	}()
	for first := true; ; first = false {
		select {
		case c := <-code:
			return c
		case <-signals:
		}
		if !first {
			fmt.Fprintln(os.Stderr, "penstock: aborted by a second signal; what was not committed comes again")
			return 1
		}
		drain()
	}
}
