package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock/penstock"
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
)

// patience is how long a contract waits for what must come. Two noisy cores
// under the race detector take their time.
const patience = 40 * time.Second

// record is one of a stream, as whoever reads it sees it.
type record struct {
	Partition  int32
	Offset     int64
	Key, Value []byte
	Headers    []penstock.Header
}

func (r *record) header(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// seen is what a prediction says.
type seen struct {
	ID    string   `json:"id"`
	Score *float64 `json:"score"`
	Pass  struct {
		Pass string `json:"pass"`
	} `json:"pass"`
}

func (r *record) prediction(t testing.TB) seen {
	t.Helper()
	var p seen
	if err := json.Unmarshal(r.Value, &p); err != nil {
		t.Fatalf("prediction %q: %v", r.Value, err)
	}
	return p
}

// stream is a broker with a pipeline's streams, as a contract needs it. Every
// broker implements it once, and every contract runs on it.
type stream interface {
	// Source names the source, as events' ids do. Sink is what a prediction goes
	// to, for the pipeline.
	Source() string
	Sink() string
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
	model  inference.Model
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
				Pipeline: "p", Model: identity, Limits: limits, Topic: func(source string) string { return source + ".dead" },
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
			r.wait()
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

// event is x as an event of a partition, with a key where there is one.
func event(partition int32, x int, key ...string) record {
	r := record{Partition: partition, Value: fmt.Appendf(nil, `{"x":%d,"pass":"%d"}`, x, x)}
	if len(key) > 0 {
		r.Key = []byte(key[0])
	}
	return r
}

// numbered are events first..last in turn over the partitions.
func numbered(first, last, partitions int) []record {
	var all []record
	for x := first; x <= last; x++ {
		all = append(all, event(int32(x%partitions), x))
	}
	return all
}

// settled checks that each of the events numbered first..last, but those that
// are left out, has exactly one prediction with the right score, and that those
// of each source partition are in order within their sink partition.
func settled(t testing.TB, predictions []record, first, last int, leftOut ...int) {
	t.Helper()
	times := map[string]int{}
	latest := map[string]int64{} // offset by source partition and sink partition
	for i := range predictions {
		p := predictions[i].prediction(t)
		times[p.Pass.Pass]++
		x, err := strconv.Atoi(p.Pass.Pass)
		if err != nil || p.Score == nil || *p.Score != 2*float64(x) {
			t.Errorf("prediction %s has not twice its x", predictions[i].Value)
		}
		at := strings.LastIndexByte(p.ID, '/')
		offset, _ := strconv.ParseInt(p.ID[at+1:], 10, 64)
		lane := fmt.Sprintf("%s to %d", p.ID[:at], predictions[i].Partition)
		if before, ok := latest[lane]; ok && offset <= before {
			t.Errorf("%s: %d comes after %d", lane, offset, before)
		}
		latest[lane] = offset
	}
	var wrong []error
	for x := first; x <= last; x++ {
		want := 1
		if slices.Contains(leftOut, x) {
			want = 0
		}
		if n := times[strconv.Itoa(x)]; n != want {
			wrong = append(wrong, fmt.Errorf("event %d has %d predictions", x, n))
		}
		delete(times, strconv.Itoa(x))
	}
	for x, n := range times {
		wrong = append(wrong, fmt.Errorf("%d predictions of %s, which is none of ours", n, x))
	}
	if len(wrong) > 0 {
		t.Errorf("%d wrong: %v", len(wrong), errors.Join(wrong[:min(len(wrong), 5)]...))
	}
}

// complete checks that each of the events numbered first..last has at least one
// prediction.
func complete(t testing.TB, predictions []record, first, last int) {
	t.Helper()
	there := map[string]bool{}
	for i := range predictions {
		there[predictions[i].prediction(t).Pass.Pass] = true
	}
	for x := first; x <= last; x++ {
		if !there[strconv.Itoa(x)] {
			t.Errorf("event %d has no prediction", x)
		}
	}
}
