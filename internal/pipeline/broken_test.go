package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/telemetry"
)

// sessions is how many were opened.
func (s *scripted) sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.published)
}

// TestBrokenRuntimeOpensNoSession: each session begins the session timeout anew,
// so that a worker which opened one at each attempt would keep partitions for ever
// that others could work on.
func TestBrokenRuntimeOpensNoSession(t *testing.T) {
	s := &scripted{commit: func(int) error { return nil }}
	m := &doubler{}
	m.before = func(rows []float32) {
		if len(rows) == 4 && rows[0] == 0 { // from the next run on; this one's rows are known to be good
			m.setBroken(errors.New("the device is gone"))
		}
	}
	r := pipelineOf(t, scriptedStream{scripted: s}, false, m, func(o *setup) { o.config.BatchRows = 4 })
	r.unready("model", "the device is gone")
	first := m.attempts()
	eventually(t, "attempts to go on", func() error {
		if n := m.attempts() - first; n < 5 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	if n := s.sessions(); n != 1 {
		t.Errorf("%d sessions while the runtime was broken, want the first alone", n)
	}
	r.unready("model", "the device is gone")
	m.setBroken(nil)
	r.ready()
	eventually(t, "the second session", func() error {
		if n := s.sessions(); n != 2 {
			return fmt.Errorf("%d sessions", n)
		}
		return nil
	})
	r.totals(func(got telemetry.Totals) bool { return got.Predicted == 4+8 }) // the script has no positions: all comes again
}

// TestUnprovenRuntimeOpensSessions: where no row is known to be good, a made-up
// row that fails says nothing, and only events tell whether the model answers.
func TestUnprovenRuntimeOpensSessions(t *testing.T) {
	s := &scripted{commit: func(int) error { return nil }}
	m := &doubler{fails: map[float32]bool{0: true}, broken: errors.New("gone")} // 0 is the made-up row's
	r := pipelineOf(t, scriptedStream{scripted: s}, false, m)
	r.unready("model", "gone")
	for first := m.attempts(); m.attempts() < first+10; time.Sleep(time.Millisecond) {
		for _, c := range r.Checks() {
			if c.Name == "broker" && !c.OK {
				t.Fatalf("the broker is said to be away: %s", c.Reason)
			}
		}
	}
	m.setBroken(nil)
	r.ready()
	r.stop()
	if n := s.sessions(); n < 2 {
		t.Errorf("%d sessions", n)
	}
}
