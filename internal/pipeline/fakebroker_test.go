package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// fakeBroker is a broker in a few lines, for what must be known to the event:
// it gives the polls that a test makes up, and notes what comes of them.
type fakeBroker struct {
	poll    func(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error)
	isolate bool
	// reference is what a question for the frozen one gets; nil: there is none.
	reference func() ([]byte, error)

	mu        sync.Mutex // guards what follows
	open      []string   // published in the open epoch
	committed []string
	counted   [][]byte // deltas, as the above
	counts    [][]byte
	until     []broker.Offsets // of the commits that had one
	aborted   int
	quiet     bool // publishes are not noted
}

func (b *fakeBroker) Prepare(context.Context) error                           { return nil }
func (b *fakeBroker) Open(context.Context, int) (pipeline.Session, error)     { return b, nil }
func (b *fakeBroker) AtEnd(context.Context) (bool, error)                     { return false, nil }
func (b *fakeBroker) Leave(context.Context) error                             { return nil }
func (b *fakeBroker) Health() string                                          { return "" }
func (b *fakeBroker) Close()                                                  {}
func (b *fakeBroker) Committed(context.Context) error                         { return nil }
func (b *fakeBroker) Room() int                                               { return math.MaxInt }
func (b *fakeBroker) Skip(context.Context, error) error                       { return nil }
func (b *fakeBroker) Joined() bool                                            { return true }
func (b *fakeBroker) Replaced(context.Context, error) bool                    { return false }
func (b *fakeBroker) Attempt(context.Context, []penstock.Event) (bool, error) { return b.isolate, nil }

// awaitCommit returns once positions were committed.
func (b *fakeBroker) awaitCommit(t *testing.T) {
	t.Helper()
	eventually(t, "a commit", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.until) == 0 {
			return errors.New("none")
		}
		return nil
	})
}

func (b *fakeBroker) Stood(source string, partition int32) (consumer.Place, bool) {
	return consumer.Place{Source: source, Partition: partition}, true
}

func (b *fakeBroker) Ended(_ context.Context, places []consumer.Place) ([]consumer.Place, error) {
	return places, nil
}

func (b *fakeBroker) Unreadable(error) (penstock.EventID, int64, *penstock.Rejection, bool) {
	return penstock.EventID{}, 0, nil, false
}

func (b *fakeBroker) Poll(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error) {
	return b.poll(ctx, events, limit)
}

func (b *fakeBroker) Publish(_ context.Context, r *penstock.Record) error {
	if b.quiet {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Topic == "panes" {
		b.counted = append(b.counted, r.Value)
		return nil
	}
	for _, h := range r.Headers {
		if h.Key == producer.HeaderErrorClass {
			b.open = append(b.open, fmt.Sprintf("%s to %s", h.Value, r.Topic))
			return nil
		}
	}
	id := strings.TrimPrefix(string(r.Value), `{"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	b.open = append(b.open, id)
	return nil
}

func (b *fakeBroker) Commit(_ context.Context, until broker.Offsets) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.committed, b.open = append(b.committed, b.open...), nil
	b.counts, b.counted = append(b.counts, b.counted...), nil
	if until != nil {
		noted := broker.Offsets{}
		for topic, partitions := range until {
			for p, at := range partitions {
				noted.Set(topic, p, at)
			}
		}
		b.until = append(b.until, noted)
	}
	return true, nil
}

func (b *fakeBroker) Abort(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open, b.counted = nil, nil
	b.aborted++
	return nil
}

// loopOn runs a pipeline of one worker on a fake broker.
func loopOn(t testing.TB, b *fakeBroker, m inference.Model, change ...func(*pipeline.Config)) *running {
	t.Helper()
	plan, out, encoder := model(t, m)
	limits := broker.NewLimits()
	c := pipeline.Config{
		Name: "p", Instance: "a", Workers: 1, BatchRows: 8, CommitInterval: time.Minute, CommitTimeout: 10 * time.Second,
		SessionTimeout: 10 * time.Second, DrainTimeout: 10 * time.Second, MaxDeadShare: 1, SinkTopic: "out", Limits: limits,
		DeadLetters: &producer.DeadLetters{Limits: limits, Topic: func(string) string { return "dead" }},
		Model: pipeline.Model{
			Runtime: m, Mapping: plan, Output: out, Encoder: encoder, Scoring: inference.ScorerOptions{Timeout: modelTimeout},
			Isolated: func() (pipeline.Isolated, error) { return newInProcess(m, plan, out, encoder) },
		},
		Telemetry: telemetry.NewPipeline(telemetry.PipelineOptions{Name: "p"}), Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&c)
	}
	p, err := pipeline.New(c, b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, drain := context.WithCancel(context.Background())
	r := &running{Pipeline: p, t: t, counts: c.Telemetry, drain: drain, ended: make(chan error, 1)}
	go func() { r.ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		r.drain()
		_ = r.wait()
	})
	return r
}

// once gives these polls, then nothing: in an open epoch that ends it, between
// epochs it waits.
func once(polls ...[]penstock.Event) func(context.Context, []penstock.Event, int) ([]penstock.Event, error) {
	return func(ctx context.Context, events []penstock.Event, _ int) ([]penstock.Event, error) {
		if len(polls) > 0 {
			events = append(events, polls[0]...)
			polls = polls[1:]
			return events, nil
		}
		if ctx != nil {
			<-ctx.Done()
		}
		return events, nil
	}
}

// at is an event of a partition. x below 0 is a tombstone.
func at(partition int32, offset int64, x int) penstock.Event {
	e := penstock.Event{ID: penstock.EventID{Source: "in", Partition: partition, Offset: offset}, Time: time.Now().UnixMilli()}
	if x >= 0 {
		e.Value = fmt.Appendf(nil, `{"x":%d}`, x)
	}
	return e
}

func (b *fakeBroker) Reference(context.Context, penstock.ModelIdentity) ([]byte, error) {
	if b.reference == nil {
		return nil, nil
	}
	return b.reference()
}
