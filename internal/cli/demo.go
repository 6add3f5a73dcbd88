package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/penstock/penstock/examples"
	"github.com/penstock/penstock/internal/config"
)

type demoCommand struct {
	Broker     string        `help:"Embedded broker: nats or kafka." enum:"nats,kafka" default:"nats"`
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
    penstock demo --broker kafka
    penstock demo --rate 20000 --duration 30s --drift-after 15s`
}

// What the broker keeps is in memory or a temporary folder, which a demo of a day
// must not fill; yet a pipeline that stops for a moment must not lose any of it.
const (
	historySeconds = 10
	recordBytes    = 1 << 10 // no less than an event or a prediction takes
	mostKept       = 256 << 20
)

// demoBroker is an embedded broker and those who use it beside the pipeline.
type demoBroker interface {
	places() demoPlaces
	// servers are those that the pipeline is to find within the process.
	servers() embeddedServers
	// connect comes before what follows; published is told once of each event
	// what became of it, by whichever goroutine.
	connect(ctx context.Context, published func(error)) error
	// publish sends an event, and flush waits until published was told of all.
	publish(key, value []byte, at time.Time) error
	flush(ctx context.Context) error
	// predictions gives them, as any consumer sees them who wants each exactly
	// once, until ctx ends.
	predictions(ctx context.Context, take func(value []byte) error) error
	// ready tells whether all workers have their share of the partitions. What
	// is sent while the group still forms has to wait for it, once in a
	// pipeline's life, and would hide how long events take from then on.
	ready(ctx context.Context, p *openPipeline) bool
	disconnect()
	stop()
}

// start starts the broker that the pipeline's config is for.
func (c *demoCommand) start(cfg *config.Pipeline, s *session) (demoBroker, error) {
	if cfg.Broker.Embedded != nil {
		return startDemoNATS(cfg, c.kept(), s)
	}
	return startDemoKafka(cfg, c.kept())
}

// demoPartitions are some for each worker.
func demoPartitions() int { return 2 * runtime.GOMAXPROCS(0) }

// kept is how many bytes of events, or of predictions, are kept.
func (c *demoCommand) kept() int64 {
	return int64(min(c.Rate*historySeconds*recordBytes, mostKept))
}

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
	broker, err := c.start(cfg, s)
	if err != nil {
		return err
	}
	defer broker.stop() // last of all
	places := broker.places()
	places.listen = cfg.Listen
	view := newDemoView(s.Out, places)
	p := &process{session: s.withLog(view), command: &runCommand{}, servers: broker.servers(), started: started}
	defer p.close()
	if err := p.add(ctx, file); err != nil {
		return err
	}
	feed := newDemoFeed(broker, c.Rate, c.DriftAfter)
	if err := broker.connect(ctx, feed.published); err != nil {
		return err
	}
	defer broker.disconnect()
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, started.Add(c.Duration))
		defer cancel()
	}
	d := &demo{
		started: started, process: p, broker: broker, view: view,
		feed: feed, watch: &demoWatch{broker: broker, since: started},
	}
	return d.run(ctx)
}

// withLog is the session for a pipeline that runs below a view: what it logs in
// its normal course the view shows better.
func (s *session) withLog(view *demoView) *session {
	below := *s
	if view.block && isTerminal(s.Err) {
		below.Err = view
	}
	below.log = below.quiet()
	return &below
}

// quiet is a log without what a view shows better.
func (s *session) quiet() *slog.Logger {
	level := slog.LevelWarn
	if s.log.Enabled(context.Background(), slog.LevelDebug) {
		level = slog.LevelDebug
	}
	return newLogger(s.Err, s.logJSON, level)
}

// check refuses what the flags' types let pass.
func (c *demoCommand) check() error {
	switch {
	case c.Rate <= 0:
		return fmt.Errorf("--rate wants more than 0 events a second, not %g", c.Rate)
	case c.Duration < 0:
		return fmt.Errorf("--duration wants a time, or 0 for no end, not %s", c.Duration)
	case c.DriftAfter < 0:
		return fmt.Errorf("--drift-after wants a time, or 0 for never, not %s", c.DriftAfter)
	case exposed(c.Listen):
		return fmt.Errorf("--listen: %s is reachable from other machines, and the demo has neither TLS nor keys: listen at 127.0.0.1:8080", c.Listen)
	}
	return nil
}

// exposed tells whether an address is beyond loopback. One that is none the
// config refuses.
func exposed(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip, named := netip.ParseAddr(host)
	return err == nil && host != "localhost" && (named != nil || !ip.IsLoopback())
}

// demoDrift watches the example's stream in windows that are short enough to see
// them come and go.
const demoDrift = "drift={reference: reference.json, pane: 1s, windows: [12s], lateness: 1s, idle: 2s}"

// unpack writes the bundled example to dir and reads it as run does.
func (c *demoCommand) unpack(dir string, lookup func(string) (string, bool)) (*config.File, error) {
	if err := os.CopyFS(dir, examples.CardFraud); err != nil {
		return nil, fmt.Errorf("unpack the demo: %w", err)
	}
	set := []string{"instance=demo", "listen=" + strconv.Quote(c.Listen), demoDrift}
	if c.Broker == "nats" {
		set = append(set, demoOnNATS(filepath.Join(dir, "streams"))...)
	}
	f, err := config.Load(filepath.Join(dir, "card-fraud", "pipeline.yaml"), config.Options{Purpose: config.ForRun, Lookup: lookup, Set: set})
	if err == nil && f.Failed() { // for a flag's value: the file is sound
		err = errors.New(strings.ReplaceAll(strings.Join(f.Render(nil), "\n"), "--set ", "--"))
	}
	if err != nil {
		return nil, &refusal{err}
	}
	return f, nil
}
