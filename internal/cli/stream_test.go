//go:build cgo

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock/penstock/internal/cli"
)

// TestStreamIsAnsweredAtOnce writes one event and keeps the stream open: its
// prediction comes without waiting for more.
func TestStreamIsAnsweredAtOnce(t *testing.T) {
	in, events := io.Pipe()
	predictions, out := io.Pipe()
	done := make(chan int, 1)
	config := irisConfig(t)
	go func() {
		done <- cli.Run(t.Context(), []string{"predict", config, "-q"},
			cli.Streams{In: in, Out: out, Err: io.Discard, Lookup: os.LookupEnv})
		in.Close() // the test must not wait for a run that is over
		out.Close()
	}()
	lines := bufio.NewScanner(predictions)
	for range 3 {
		if _, err := io.WriteString(events, goodIris+"\n"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatal("no prediction came")
		}
	}
	events.Close()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestInterrupted cancels a run that waits for events: it ends at once, with
// what was predicted written.
func TestInterrupted(t *testing.T) {
	in, events := io.Pipe()
	defer events.Close()
	predictions, out := io.Pipe()
	var stderr bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	config := irisConfig(t)
	go func() {
		done <- cli.Run(ctx, []string{"predict", config}, cli.Streams{In: in, Out: out, Err: &stderr, Lookup: os.LookupEnv})
		in.Close()
		out.Close()
	}()
	if _, err := io.WriteString(events, goodIris+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(predictions).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	if code := <-done; code != 1 || !strings.Contains(stderr.String(), "penstock: interrupted") {
		t.Errorf("exit code %d and %q, want 1 and that it was interrupted", code, stderr.String())
	}
}

// closedPipe is a stdout whose reader has gone.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Err: syscall.EPIPE}
}

func TestReaderOfOutputGone(t *testing.T) {
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), []string{"predict", irisConfig(t), "-q"},
		cli.Streams{In: strings.NewReader(goodIris), Out: closedPipe{}, Err: &stderr, Lookup: os.LookupEnv})
	if code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d and %q, want a quiet 0", code, stderr.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputCannotBeWritten(t *testing.T) {
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), []string{"predict", irisConfig(t), "-q"},
		cli.Streams{In: strings.NewReader(goodIris), Out: fullDisk{}, Err: &stderr, Lookup: os.LookupEnv})
	if want := "penstock: write stdout: no space left on device\n"; code != 1 || stderr.String() != want {
		t.Errorf("exit code %d and %q, want 1 and %q", code, stderr.String(), want)
	}
}
