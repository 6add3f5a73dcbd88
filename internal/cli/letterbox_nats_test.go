package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
)

// manyLetters are so many that the server does not send them all at once.
const manyLetters = 2000

// lettersOf are those of a pipeline on a server of its own, many of them.
func lettersOf(t *testing.T) *natsLetters {
	t.Helper()
	s, err := embedded.StartNATS(embedded.NATSOptions{Dir: t.TempDir(), Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p := &config.Pipeline{
		Name: "p", Source: config.Source{Group: "p", Stream: "TX", SessionTimeout: 10 * time.Second}, Sink: config.Sink{Stream: "OWN"},
	}
	server, err := connectNATS(p, []nats.Option{s.Connect()})
	if err != nil {
		t.Fatal(err)
	}
	b := &natsLetters{server: server, p: p, subjects: broker.NewSubjects(p)}
	t.Cleanup(b.close)
	if b.stream, err = server.js.CreateStream(t.Context(), broker.NeededStreams(p)[1].Settings); err != nil {
		t.Fatal(err)
	}
	for range manyLetters {
		if _, err := server.js.PublishAsync(b.subjects.Dead(), nil); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-server.js.PublishAsyncComplete():
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not take the messages")
	}
	return b
}

// soonCtx ends before a test is given up.
func soonCtx(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestNATSLettersGoMeanwhile: what was counted and is purged, or expires, before
// it comes is not waited for.
func TestNATSLettersGoMeanwhile(t *testing.T) {
	t.Parallel()
	b, ctx := lettersOf(t), soonCtx(t)
	seen := 0
	err := b.scan(ctx, b.subjects.Dead(), func(jetstream.Msg, uint64) error {
		if seen++; seen == 1 {
			return b.stream.Purge(ctx)
		}
		return nil
	})
	if err != nil || seen == manyLetters {
		t.Errorf("it saw %d of %d, and then %v", seen, manyLetters, err)
	}
}

// TestNATSLettersConsumerGone: a consumer that the server loses is made anew, and
// each message is seen once.
func TestNATSLettersConsumerGone(t *testing.T) {
	t.Parallel()
	b, ctx := lettersOf(t), soonCtx(t)
	seen := map[uint64]bool{}
	err := b.scan(ctx, b.subjects.Dead(), func(_ jetstream.Msg, sequence uint64) error {
		if seen[sequence] {
			return fmt.Errorf("message %d comes again", sequence)
		}
		seen[sequence] = true
		if len(seen) > 1 {
			return nil
		}
		for name := range b.stream.ConsumerNames(ctx).Name() {
			if err := b.stream.DeleteConsumer(ctx, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(seen) != manyLetters {
		t.Errorf("it saw %d of %d, and then %v", len(seen), manyLetters, err)
	}
}

// TestNATSLettersOfNobody: a server that is gone is not waited for.
func TestNATSLettersOfNobody(t *testing.T) {
	t.Parallel()
	b := lettersOf(t)
	err := b.scan(t.Context(), b.subjects.Dead(), func(jetstream.Msg, uint64) error {
		b.server.conn.Close()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "connection closed") {
		t.Errorf("it ended with %v", err)
	}
}
