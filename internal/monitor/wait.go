package monitor

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Pauses before the broker is tried again.
const (
	firstWait = 100 * time.Millisecond
	longWait  = 10 * time.Second
)

func newWaits() *backoff.ExponentialBackOff {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = firstWait, longWait
	return waits
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
