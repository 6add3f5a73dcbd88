package cli

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestAfter: what watches drift has what is left of the drain, and no more.
func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		draining, drain := context.WithCancel(t.Context())
		ctx, cut := after(draining, 25*time.Second)
		defer cut()
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Error("it has ended before the drain began")
		}
		drain()
		began := time.Now()
		<-ctx.Done()
		if took := time.Since(began); took != 25*time.Second {
			t.Errorf("it ended after %s", took)
		}
	})
}
