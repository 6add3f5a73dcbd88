package telemetry

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestStopwatchCountsWhatPasses: a worker may wait for hours, and a rate over that
// time is 1 all the while.
func TestStopwatchCountsWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPipeline(PipelineOptions{Name: "a"})
		w := p.NewWorker()
		expect := func(seconds float64) {
			t.Helper()
			s := newSums()
			s.add(w)
			if s.idle != seconds {
				t.Errorf("idle for %v s, want %v", s.idle, seconds)
			}
		}
		expect(0)
		w.Idle.Start()
		time.Sleep(2 * time.Second)
		expect(2)
		time.Sleep(3 * time.Second)
		expect(5)
		w.Idle.Stop()
		time.Sleep(time.Second)
		expect(5)
		w.Idle.Start()
		expect(5)
		time.Sleep(time.Second)
		expect(6)
		w.Idle.Stop()
		expect(6)
	})
}

// TestStopwatchNeverShrinks reads it while it is started and stopped: what shrinks
// is taken for a counter that began anew.
func TestStopwatchNeverShrinks(t *testing.T) {
	var s Stopwatch
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				s.Start()
				s.Stop()
			}
		}
	}()
	var last time.Duration
	for begun := time.Now(); time.Since(begun) < 100*time.Millisecond; {
		now := s.Value()
		if now < last || now > time.Since(begun)+time.Second {
			t.Fatalf("%s after %s", now, last)
		}
		last = now
	}
	close(stop)
	<-stopped
}
