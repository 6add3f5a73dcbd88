package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/pipeline"
)

// lockedText is a log that is read while it is written.
type lockedText struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestLogOfAnOutage says that a worker waits, that it goes on, and that it is
// told to end, each once.
func TestLogOfAnOutage(t *testing.T) {
	var log lockedText
	failed := false
	b := &fakeBroker{poll: func(ctx context.Context, events []penstock.Event, _ int) ([]penstock.Event, error) {
		if !failed {
			failed = true
			return events, fmt.Errorf("poll: %w", io.EOF)
		}
		<-ctx.Done()
		return events, nil
	}}
	r := loopOn(t, b, &doubler{}, func(c *pipeline.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	says := func(words ...string) {
		eventually(t, strings.Join(words, ", "), func() error {
			for _, w := range words {
				if n := strings.Count(log.String(), w); n != 1 {
					return fmt.Errorf("%q is there %d times in\n%s", w, n, log.String())
				}
			}
			return nil
		})
	}
	says("waiting, and trying again", `msg="going on again" worker=0 waited=`)
	r.drain()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	says("waiting, and trying again", "going on again", "msg=draining")
}
