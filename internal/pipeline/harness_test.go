package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// side is a stream that a pipeline writes.
type side uint8

const (
	sink side = iota
	deadLetters
	panes
)

// patience is how long a contract waits for what must come. Two noisy cores
// under the race detector take their time.
const patience = 40 * time.Second

// stream is a broker with a pipeline's streams, as a contract needs it. Every
// broker implements it once, and every contract runs on it.
type stream interface {
	// Source names the source, as events' ids do. Sink is what a prediction goes
	// to, for the pipeline.
	Source() string
	Sink() string
	// Dead is where a source's dead letters go.
	Dead(source string) string
	// Panes is where what is counted goes.
	Panes() string
	// Key is that of a record, nil on a broker whose records have none.
	Key(text string) []byte
	// ID is that of the nth event of a partition, from 0, in a source of which
	// only that partition has events.
	ID(partition int32, nth int64) string
	// Missing names the source where it is not there.
	Missing() string
	// Create makes the source, the sink and the dead letters, with so many
	// partitions.
	Create(t testing.TB, source, sinks int)
	// Publish appends records to the source, each in its Partition, in order.
	Publish(t testing.TB, records ...record)
	// Read waits until n committed records are there, and gives all, by partition
	// and offset.
	Read(t testing.TB, what side, n int) []record
	// Positions are where the group stands, by partition of the source.
	Positions(t testing.TB) map[int32]int64
	// Open gives the pipeline's side.
	Open(t testing.TB, o openOptions) pipeline.Broker
	// Away cuts the way to the broker until back is called.
	Away(t testing.TB) (back func())
}

// openOptions are what contracts vary of the pipeline's side.
type openOptions struct {
	ExactlyOnce    bool
	Instance       string
	Workers        int
	Start          string
	From           string
	Create         bool
	Counts         bool // for drift
	SessionTimeout time.Duration
	Limits         *broker.Limits
	Telemetry      *telemetry.Pipeline
	Log            *slog.Logger
}

// running is a pipeline under test.
type running struct {
	*pipeline.Pipeline
	t      testing.TB
	counts *telemetry.Pipeline
	drain  context.CancelFunc
	ended  chan error
	err    error
	over   bool
}

// setup is a pipeline to be started.
type setup struct {
	open   openOptions
	config pipeline.Config
	wrap   func(pipeline.Broker) pipeline.Broker // nil: as it is
}

// pipelineOf starts a pipeline on s and drains it at the test's end.
func pipelineOf(t testing.TB, s stream, exactlyOnce bool, m inference.Model, change ...func(*setup)) *running {
	t.Helper()
	plan, out, encoder := model(t, m)
	counts := telemetry.NewPipeline(telemetry.PipelineOptions{Name: "p", Model: identity})
	limits := broker.NewLimits()
	log := newLog(t)
	made := setup{
		open: openOptions{
			ExactlyOnce: exactlyOnce, Instance: "a", Workers: 1, Start: "earliest",
			SessionTimeout: 10 * time.Second, Limits: limits, Telemetry: counts, Log: log,
		},
		config: pipeline.Config{
			Name: "p", Instance: "a", BatchRows: 64, CommitInterval: 100 * time.Millisecond, CommitTimeout: 10 * time.Second,
			SessionTimeout: 10 * time.Second, DrainTimeout: 20 * time.Second, MaxDeadShare: 1, SinkTopic: s.Sink(),
			DeadLetters: &producer.DeadLetters{
				Pipeline: "p", Model: identity, Limits: limits, Topic: s.Dead,
			},
			Limits: limits,
			Model: pipeline.Model{
				Identity: identity, Runtime: m, Mapping: plan, Output: out, Encoder: encoder,
				Scoring:  inference.ScorerOptions{Timeout: modelTimeout},
				Isolated: func() (pipeline.Isolated, error) { return newInProcess(m, plan, out, encoder) },
			},
			Telemetry: counts, Log: log,
		},
	}
	for _, f := range change {
		f(&made)
	}
	made.config.Workers, made.config.Instance = made.open.Workers, made.open.Instance
	b := s.Open(t, made.open)
	if made.wrap != nil {
		b = made.wrap(b)
	}
	p, err := pipeline.New(made.config, b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, drain := context.WithCancel(context.Background())
	r := &running{Pipeline: p, t: t, counts: counts, drain: drain, ended: make(chan error, 1)}
	go func() {
		err := p.Run(ctx)
		b.Close()
		r.ended <- err
	}()
	t.Cleanup(func() {
		if !r.over {
			r.Abort()
			r.drain()
			_ = r.wait()
		}
	})
	return r
}

// wait waits until the pipeline has ended by itself.
func (r *running) wait() error {
	r.t.Helper()
	if r.over {
		return r.err
	}
	select {
	case r.err = <-r.ended:
		r.over = true
	case <-time.After(patience):
		r.t.Fatal("the pipeline does not end")
	}
	return r.err
}

// stop drains the pipeline, which must end without an error.
func (r *running) stop() {
	r.t.Helper()
	r.drain()
	if err := r.wait(); err != nil {
		r.t.Fatalf("drain: %v", err)
	}
}

// kill ends the pipeline without a commit, as a crash would, but for its
// connections.
func (r *running) kill() {
	r.t.Helper()
	r.Abort()
	r.drain()
	if err := r.wait(); err == nil {
		r.t.Fatal("an abort ended as if all were done")
	}
}

// totals are what the pipeline has counted, when what was published is there:
// it counts right after the commit.
func (r *running) totals(until func(telemetry.Totals) bool) telemetry.Totals {
	r.t.Helper()
	eventually(r.t, "the totals", func() error {
		if got := r.counts.Totals(); !until(got) {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	return r.counts.Totals()
}

// unready waits until a check fails with a reason that says what.
func (r *running) unready(check, what string) {
	r.t.Helper()
	eventually(r.t, "check "+check, func() error {
		for _, c := range r.Checks() {
			if c.Name == check && !c.OK && strings.Contains(c.Reason, what) {
				return nil
			}
		}
		return fmt.Errorf("%+v", r.Checks())
	})
}

// ready waits until all checks pass.
func (r *running) ready() {
	r.t.Helper()
	eventually(r.t, "readiness", func() error {
		if s := r.Status(); !s.Ready {
			return fmt.Errorf("%+v", s.Checks)
		}
		return nil
	})
}

// eventually asks again until there is no error, and fails with the last one.
func eventually(t testing.TB, what string, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// testLog keeps a logger's lines for a test that fails. Clients log after it
// has ended, too.
type testLog struct {
	mu    sync.Mutex // guards lines
	lines bytes.Buffer
}

func newLog(t testing.TB) *slog.Logger {
	l := &testLog{}
	t.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.Failed() {
			t.Log("the pipeline's log:\n" + l.lines.String())
		}
	})
	return slog.New(slog.NewTextHandler(l, nil))
}

func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}
