package cli

import (
	"context"
	"errors"
	"testing"
)

// deaf is a broker whose predictions cannot be asked for any more.
type deaf struct{ demoBroker }

func (deaf) predictions(ctx context.Context, _ func([]byte) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.New("gone")
}

// TestDemoWatchEnds says what broke, but not that it was told to end.
func TestDemoWatchEnds(t *testing.T) {
	w := &demoWatch{broker: deaf{}}
	if err := w.run(t.Context()); err == nil {
		t.Error("it says nothing of what broke")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.run(ctx); err != nil {
		t.Error(err)
	}
}
