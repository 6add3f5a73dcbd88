package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/penstock/penstock/examples"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
)

type demoCommand struct {
	Broker     string        `help:"Embedded broker: kafka; nats is still to come." enum:"nats,kafka" default:"kafka"`
	Rate       float64       `placeholder:"N" help:"Events a second (${default})." default:"2000"`
	Duration   time.Duration `help:"End by itself after this time; 0 goes on until Ctrl-C." default:"0s"`
	DriftAfter time.Duration `placeholder:"TIME" help:"When the events move away from what the model was trained on (${default}); 0 never." default:"60s"`
	Listen     string        `placeholder:"HOST:PORT" help:"Address of health, metrics and API (${default}); empty is off." default:"127.0.0.1:8080"`
}

// Help is the example that --help shows.
func (demoCommand) Help() string {
	return `Everything runs inside this process: a broker, card transactions that are made up, the bundled fraud model and the very pipeline that "penstock run" runs. One event in a thousand is bad and becomes a dead letter. Nothing is left behind.

Example:

    penstock demo
    penstock demo --rate 20000 --duration 30s --drift-after 15s`
}

// What the broker keeps of a topic is in memory, which a demo of a day must not
// fill; yet a pipeline that stops for a moment must not lose any of it.
const (
	historySeconds = 10
	recordBytes    = 1 << 10 // no less than an event or a prediction takes
	mostKept       = 256 << 20
)

// Run runs the demo until it is told to end.
func (c *demoCommand) Run(ctx context.Context, s *session) (err error) {
	started := time.Now()
	if err := c.check(); err != nil {
		return &refusal{err}
	}
	dir, err := os.MkdirTemp("", "penstock-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file, err := c.unpack(dir, s.Lookup)
	if err != nil {
		return err
	}
	cfg := &file.Pipeline
	partitions := 2 * runtime.GOMAXPROCS(0) // some for each worker
	kafka, err := embedded.StartKafka(embedded.KafkaOptions{
		Topics:    demoTopics(cfg, partitions),
		KeepBytes: int64(min(c.Rate*historySeconds*recordBytes, mostKept)) / int64(partitions),
	})
	if err != nil {
		return err
	}
	defer kafka.Close()
	cfg.Broker.Kafka.BootstrapServers = []string{kafka.Addr()}

	view := newDemoView(s.Out, demoPlaces{
		listen: cfg.Listen, broker: kafka.Addr(),
		source: cfg.Source.Topic, sink: cfg.Sink.Topic, deadLetters: broker.DeadLetterTopic(cfg, cfg.Source.Topic),
	})
	p := &process{session: s.withLog(view), command: &runCommand{}, started: started}
	defer p.close()
	if err := p.add(ctx, file); err != nil {
		return err
	}
	feed, err := newDemoFeed(kafka.Addr(), cfg.Source.Topic, c.Rate, c.DriftAfter)
	if err != nil {
		return err
	}
	defer feed.close()
	watch, err := newDemoWatch(kafka.Addr(), cfg.Sink.Topic, started)
	if err != nil {
		return err
	}
	defer watch.close()
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, started.Add(c.Duration))
		defer cancel()
	}
	d := &demo{started: started, process: p, group: cfg.Source.Group, feed: feed, watch: watch, view: view}
	return d.run(ctx)
}

// withLog is the session for a pipeline that runs below a view: what it logs in
// its normal course the view shows better.
func (s *session) withLog(view *demoView) *session {
	level := slog.LevelWarn
	if s.log.Enabled(context.Background(), slog.LevelDebug) {
		level = slog.LevelDebug
	}
	below := *s
	if view.block && isTerminal(s.Err) {
		below.Err = view
	}
	below.log = newLogger(below.Err, s.logJSON, level)
	return &below
}

// check refuses what the flags' types let pass.
func (c *demoCommand) check() error {
	switch {
	case c.Broker == "nats":
		return errors.New("--broker nats: not yet: the embedded NATS server comes with NATS itself; --broker kafka is there")
	case c.Rate <= 0:
		return fmt.Errorf("--rate wants more than 0 events a second, not %g", c.Rate)
	case c.Duration < 0:
		return fmt.Errorf("--duration wants a time, or 0 for no end, not %s", c.Duration)
	case c.DriftAfter < 0:
		return fmt.Errorf("--drift-after wants a time, or 0 for never, not %s", c.DriftAfter)
	}
	return nil
}

// unpack writes the bundled example to dir and reads it as run does.
func (c *demoCommand) unpack(dir string, lookup func(string) (string, bool)) (*config.File, error) {
	if err := os.CopyFS(dir, examples.CardFraud); err != nil {
		return nil, fmt.Errorf("unpack the demo: %w", err)
	}
	f, err := config.Load(filepath.Join(dir, "card-fraud", "pipeline.yaml"), config.Options{
		Purpose: config.ForRun, Lookup: lookup, Set: []string{"instance=demo", "listen=" + strconv.Quote(c.Listen)},
	})
	if err == nil && f.Failed() { // for a flag's value: the file is sound
		err = errors.New(strings.ReplaceAll(strings.Join(f.Render(nil), "\n"), "--set ", "--"))
	}
	if err != nil {
		return nil, &refusal{err}
	}
	return f, nil
}

// demoTopics are those that a user of the pipeline would create.
func demoTopics(p *config.Pipeline, partitions int) []embedded.Topic {
	var all []embedded.Topic
	for _, t := range broker.NeededTopics(p) {
		if !t.Own {
			all = append(all, embedded.Topic{Name: t.Name, Partitions: int32(partitions)})
		}
	}
	return all
}
