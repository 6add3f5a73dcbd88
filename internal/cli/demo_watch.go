package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// demoWatch reads the predictions as any consumer does who wants each exactly
// once: those that are committed.
type demoWatch struct {
	broker demoBroker
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

// run reads until ctx ends.
func (w *demoWatch) run(ctx context.Context) error {
	// An end while it still connects is none of its errors.
	if err := w.broker.predictions(ctx, w.take); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read the demo's predictions: %w", err)
	}
	return nil
}

func (w *demoWatch) take(prediction []byte) error {
	var p struct{ Score float64 }
	if err := json.Unmarshal(prediction, &p); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen.predictions == 0 {
		w.seen.first = time.Since(w.since)
	}
	w.seen.predictions++
	w.seen.scores += p.Score
	return nil
}

// now gives what was seen so far.
func (w *demoWatch) now() demoSeen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}
