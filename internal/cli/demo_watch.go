package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// demoWatch reads the predictions as any consumer does who wants each exactly
// once: those that are committed.
type demoWatch struct {
	client *kgo.Client
	since  time.Time // the demo's start

	mu   sync.Mutex // protects seen
	seen demoSeen
}

// demoSeen is what the predictions said.
type demoSeen struct {
	predictions int64
	scores      float64       // their sum
	first       time.Duration // from the demo's start until the first one could be read
}

func newDemoWatch(broker, topic string, since time.Time) (*demoWatch, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(broker), kgo.ClientID("penstock-demo"), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return nil, fmt.Errorf("read the demo's predictions: %w", err)
	}
	return &demoWatch{client: client, since: since}, nil
}

// run reads until ctx ends.
func (w *demoWatch) run(ctx context.Context) error {
	for {
		fetches := w.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read the demo's predictions: %w", err)
		}
		if err := w.take(fetches); err != nil {
			return err
		}
	}
}

func (w *demoWatch) close() { w.client.Close() }

func (w *demoWatch) take(fetches kgo.Fetches) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range fetches.RecordsAll() {
		var p struct{ Score float64 }
		if err := json.Unmarshal(r.Value, &p); err != nil {
			return fmt.Errorf("read the demo's predictions: %w", err)
		}
		if w.seen.predictions == 0 {
			w.seen.first = time.Since(w.since)
		}
		w.seen.predictions++
		w.seen.scores += p.Score
	}
	return nil
}

// now gives what was seen so far.
func (w *demoWatch) now() demoSeen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}
