// Command penstock scores events with ONNX models.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

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
	return wait(code, signals, drain)
}

// oneWish is how long further signals count as the first one: coreutils' timeout
// signals the process and then its group. A person's second thought takes longer.
const oneWish = 500 * time.Millisecond

// wait gives the command's exit code, or that of an abort.
func wait(code <-chan int, signals <-chan os.Signal, drain func()) int {
	var asked time.Time // the first signal
	for {
		select {
		case c := <-code:
			return c
		case <-signals:
		}
		switch {
		case asked.IsZero():
			asked = time.Now()
			drain()
		case time.Since(asked) >= oneWish:
			fmt.Fprintln(os.Stderr, "penstock: aborted by a second signal; what was not committed comes again")
			return 1
		}
	}
}
