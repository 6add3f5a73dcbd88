package consumer

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestDue: what is asked often does not put off what is asked seldom, and in an
// epoch nothing ends a wait.
func TestDue(t *testing.T) {
	const rest = 30 * time.Second
	for _, tt := range []struct {
		name        string
		exactlyOnce bool
		asked       time.Duration // so long ago
		rested      time.Duration
		want        time.Duration
	}{
		{"just asked", false, 0, 0, doubt},
		{"just asked, exactly once", true, 0, 0, rest},
		{"doubt comes first", false, doubt / 2, rest / 2, doubt / 2},
		{"rest comes first", false, 0, rest - time.Second, time.Second},
		{"both are late", false, 2 * doubt, 2 * rest, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				n := &NATS{o: NATSOptions{ExactlyOnce: tt.exactlyOnce, RestAfter: rest}, asked: now.Add(-tt.asked), rested: now.Add(-tt.rested)}
				if got := (<-n.due()).Sub(now); got != tt.want {
					t.Errorf("it is due after %v", got)
				}
				n.inEpoch = true
				select {
				case <-n.due():
					t.Error("it is due in an epoch")
				case <-time.After(2 * rest):
				}
			})
		})
	}
}
