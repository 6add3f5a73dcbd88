package monitor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/drift"
)

// silent is a broker that gives the deltas to this process, and then answers
// nothing any more, or, unless it is to last, not even what the state is.
type silent struct {
	lasts  bool
	polled int
}

func (s *silent) Open(context.Context, Identity) (Session, error) { return s, nil }
func (s *silent) Owner() bool                                     { return true }
func (s *silent) Close()                                          {}

func (s *silent) Poll(ctx context.Context, _ int) ([]Delta, error) {
	if s.polled++; s.polled == 1 {
		return []Delta{{Value: []byte("no delta")}}, nil
	}
	<-ctx.Done()
	return nil, nil
}

func (s *silent) State(ctx context.Context, _ []string, take func(StateRecord) error) error {
	for range 5 {
		time.Sleep(time.Second)
		if err := take(StateRecord{}); err != nil {
			return err
		}
	}
	if !s.lasts {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *silent) Partitions(ctx context.Context) ([]drift.PartitionID, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *silent) Reached(ctx context.Context) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func (s *silent) Room() int     { return 1000 }
func (s *silent) Guarded() bool { return true }

func (s *silent) Commit(ctx context.Context, _ *Output) error { return s.Leave(ctx) }

func (s *silent) Leave(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestStoppingIsCutShort: whatever the broker does not answer, the end comes when
// it has to.
func TestStoppingIsCutShort(t *testing.T) {
	for _, left := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			hard, cut := context.WithCancel(t.Context())
			m := New(Options{Core: testCore(t), Broker: &silent{lasts: true}, Timeout: 10 * time.Second, Log: quiet})
			ended := make(chan error)
			go func() { ended <- m.Run(ctx, hard) }()
			time.Sleep(time.Minute)
			stopped := time.Now()
			stop()
			time.AfterFunc(left, cut)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(stopped); took > left {
				t.Errorf("with %s left it took %s", left, took)
			}
		})
	}
}

// TestTakingOverWaitsForWordsOnly: as long as records of the state come, and no
// longer than the timeout for the next one.
func TestTakingOverWaitsForWordsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Core: testCore(t), Timeout: 2 * time.Second, Log: quiet})
		start := time.Now()
		if _, err := m.takeOver(t.Context(), &silent{lasts: true}); err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		start = time.Now()
		if _, err := m.takeOver(t.Context(), &silent{}); !errors.Is(err, errSilent) || time.Since(start) != 7*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// TestStoppingWithoutABroker ends processes of either kind whose broker is gone.
func TestStoppingWithoutABroker(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 20, 100, 100)
	for name, open := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			p.Publish(t, log)
			m := New(Options{Core: o, Broker: p.Broker("a"), Timeout: 10 * time.Second, Log: quiet})
			w, err := NewWebhook(WebhookOptions{URL: "http://127.0.0.1:1", Open: p.AlarmReader(), Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			hard, cut := context.WithCancel(t.Context())
			watched, posted := make(chan error), make(chan struct{})
			go func() { watched <- m.Run(ctx, hard) }()
			go func() {
				w.Run(ctx, hard)
				close(posted)
			}()
			eventually(t, "all is committed", func() bool { return p.Done(t, o.Identity) })
			p.Shutdown()
			stopped := time.Now()
			stop()
			const left = 500 * time.Millisecond
			time.AfterFunc(left, cut)
			if err := <-watched; err != nil {
				t.Error(err)
			}
			<-posted
			took := time.Since(stopped).Round(time.Millisecond)
			t.Logf("it took %s", took)
			if took > left+time.Second {
				t.Errorf("with %s left it took %s", left, took)
			}
		})
	}
}
