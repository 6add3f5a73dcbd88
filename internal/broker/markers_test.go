package broker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// coordinator answers each question for a transaction's state with the next of
// its states, the last one again and again, after a delay.
type coordinator struct {
	states []string
	code   int16

	mu    sync.Mutex // guards what follows: a question may be under way that nobody waits for
	delay time.Duration
	asked int
}

// questions are how many there were.
func (c *coordinator) questions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// set has the next questions counted from asked on, and answered after delay.
func (c *coordinator) set(asked int, delay time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked, c.delay = asked, delay
}

// control has a cluster answer so.
func (c *coordinator) control(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.DescribeTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		state := kmsg.NewDescribeTransactionsResponseTransactionState()
		state.TransactionalID, state.ErrorCode = "id", c.code
		c.mu.Lock()
		state.State = c.states[min(c.asked, len(c.states)-1)]
		c.asked++
		delay := c.delay
		c.mu.Unlock()
		resp.TransactionStates = append(resp.TransactionStates, state)
		time.Sleep(delay)
		return resp, nil, true
	})
}

func (c *coordinator) markers(t *testing.T) *Markers {
	t.Helper()
	cluster, client := startFake(t)
	c.control(cluster)
	// The first question also asks for versions and for the coordinator.
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{"warm"}
	if _, err := req.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	c.set(0, c.delay)
	return NewMarkers(client, "id")
}

// wait is how long Wait takes right after a commit.
func wait(t *testing.T, m *Markers) time.Duration {
	t.Helper()
	ended := time.Now()
	if err := m.Wait(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	return time.Since(ended)
}

func TestMarkersAreAwaited(t *testing.T) {
	for _, pending := range []string{"PrepareCommit", "PrepareAbort"} {
		c := &coordinator{states: []string{pending, pending, pending, "CompleteCommit"}}
		m := c.markers(t)
		wait(t, m)
		if c.questions() != 4 {
			t.Errorf("%s: asked %d times, want until the fourth answer says complete", pending, c.questions())
		}
	}
}

// TestMarkersNobodyWaitsFor: an event that comes long after the last commit costs
// no question, nor does the first one.
func TestMarkersNobodyWaitsFor(t *testing.T) {
	c := &coordinator{states: []string{"PrepareCommit"}}
	m := c.markers(t)
	for _, lastEnd := range []time.Time{{}, time.Now().Add(-longestMarkers)} {
		if err := m.Wait(t.Context(), lastEnd); err != nil {
			t.Fatal(err)
		}
	}
	if c.questions() != 0 {
		t.Errorf("asked %d times", c.questions())
	}
}

// TestMarkersThatNeverCome: the produce that follows waits for them in the
// broker, so that there is an end to asking.
func TestMarkersThatNeverCome(t *testing.T) {
	c := &coordinator{states: []string{"PrepareCommit"}}
	m := c.markers(t)
	took := wait(t, m)
	if took < longestMarkers || c.questions() < 2 {
		t.Errorf("gave up after %v and %d questions, want %v", took, c.questions(), longestMarkers)
	}
	if most := eagerAsks + int(took/askPause); c.questions() > most {
		t.Errorf("asked %d times in %v, want at most %d", c.questions(), took, most)
	}
}

// TestMarkersOfABrokerThatDoesNotTell: a pause takes the place of asking, in
// every later epoch too.
func TestMarkersOfABrokerThatDoesNotTell(t *testing.T) {
	c := &coordinator{states: []string{""}, code: kerr.TransactionalIDAuthorizationFailed.Code}
	m := c.markers(t)
	for range 3 {
		if took := wait(t, m); took < mutePause {
			t.Errorf("waited %v, want %v", took, mutePause)
		}
	}
	if c.questions() != 1 {
		t.Errorf("asked %d times, want once", c.questions())
	}
}

// TestMarkersFarAway: where a question takes longer than markers do, it is not
// asked for long.
func TestMarkersFarAway(t *testing.T) {
	c := &coordinator{states: []string{"CompleteCommit"}, delay: mutePause + time.Millisecond}
	m := c.markers(t)
	for range 3 * enoughAsks {
		wait(t, m)
	}
	if c.questions() != enoughAsks {
		t.Errorf("asked %d times, want %d", c.questions(), enoughAsks)
	}
	c.set(c.questions(), 0)
	for range 2 * enoughSpared {
		wait(t, m)
	}
	if c.questions() < enoughSpared {
		t.Errorf("the broker is near again, and was asked %d times", c.questions())
	}
}

// TestMarkersOfABrokerThatIsAway: a question without an answer holds nobody up
// for longer than the markers would.
func TestMarkersOfABrokerThatIsAway(t *testing.T) {
	c := &coordinator{states: []string{"CompleteCommit"}, delay: 500 * time.Millisecond}
	m := c.markers(t)
	if took := wait(t, m); took > 4*longestMarkers { // the rest is for busy cores
		t.Errorf("waited %v, want %v", took, longestMarkers)
	}
	if m.mute {
		t.Error("a question that takes long is no refusal")
	}
}

func TestMarkersEndWithTheContext(t *testing.T) {
	c := &coordinator{states: []string{"PrepareCommit"}}
	m := c.markers(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Wait(ctx, time.Now()); !errors.Is(err, context.Canceled) || c.questions() > 0 {
		t.Errorf("asked %d times, got %v", c.questions(), err)
	}
}

// TestBeginWaitsForMarkers: the session asks after each transaction, committed or
// aborted, and at least once never.
func TestBeginWaitsForMarkers(t *testing.T) {
	for _, exactlyOnce := range []bool{true, false} {
		cluster, _ := startFake(t)
		c := &coordinator{states: []string{"CompleteCommit"}}
		c.control(cluster)
		s := openFake(t, cluster, "g", "a", 0, exactlyOnce)
		for _, end := range []func() error{
			func() error { _, err := s.End(t.Context(), nil); return err },
			func() error { return s.Abort(t.Context()) },
			func() error { return nil },
		} {
			if err := s.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
		}
		if want := map[bool]int{true: 2}[exactlyOnce]; c.questions() != want {
			t.Errorf("exactly once %t: asked %d times, want %d", exactlyOnce, c.questions(), want)
		}
	}
}
