package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock/penstock/internal/telemetry"
)

// demo is one run of the demo: the pipeline, a feed before it, and somebody who
// reads behind it.
type demo struct {
	started time.Time
	process *process
	broker  demoBroker
	feed    *demoFeed
	watch   *demoWatch
	view    *demoView

	fed  time.Duration // from the start until the feed began
	over time.Duration // and until it was told to end
	last demoMoment    // as it was shown last
}

// part is something that runs beside the others until it is told to end.
type part struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // once done is closed
}

// begin runs a part. It does not end with the demo's context, since the parts
// end one after the other.
func begin(run func(context.Context) error) *part {
	ctx, stop := context.WithCancel(context.Background())
	p := &part{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = run(ctx)
	}()
	return p
}

// end tells a part to end, waits until it has and says how it went.
func (p *part) end() error {
	p.stop()
	<-p.done
	return p.err
}

// early is the error of a part that ended before it was told to and does not
// say why; what it says itself, end gives.
func (p *part) early(name string) error {
	if p.err != nil {
		return nil
	}
	return fmt.Errorf("%s ended by itself", name)
}

// run runs the demo until ctx ends or a part of it fails. The feed ends first
// and the pipeline when it has done with all that was sent, so that the last
// word adds up.
func (d *demo) run(ctx context.Context) error {
	pipeline, watch := begin(d.process.run), begin(d.watch.run)
	feed, err := d.follow(ctx, pipeline, watch)
	if feed != nil {
		d.over = time.Since(d.started)
		err = errors.Join(err, feed.end())
		d.settle(pipeline)
	}
	if failed := errors.Join(pipeline.end(), watch.end(), err); failed != nil {
		return failed
	}
	return d.view.end(d.moment(), d.watch.now().first)
}

// readyChecks is how often it asks whether the pipeline is ready.
const readyChecks = 20 * time.Millisecond

// follow starts the feed once the pipeline is ready and shows how it goes,
// until ctx or a part ends.
func (d *demo) follow(ctx context.Context, pipeline, watch *part) (feed *part, err error) {
	ready := time.NewTicker(readyChecks)
	defer ready.Stop()
	show := time.NewTicker(d.view.refresh())
	defer show.Stop()
	var fed chan struct{}
	for err == nil {
		select {
		case <-ctx.Done():
			return feed, nil
		case <-pipeline.done:
			return feed, pipeline.early("the pipeline")
		case <-watch.done:
			return feed, watch.early("the reader of the predictions")
		case <-fed:
			return feed, feed.early("the feed of events")
		case <-ready.C:
			if d.broker.ready(ctx, d.pipeline()) {
				ready.Stop()
				d.fed = time.Since(d.started)
				feed = begin(d.feed.run)
				fed = feed.done
				err = d.view.begin()
			}
		case <-show.C:
			if feed != nil {
				err = d.view.show(d.moment())
			}
		}
	}
	return feed, err
}

func (d *demo) pipeline() *openPipeline { return d.process.pipelines[0] }

// settleTime is how long the pipeline has to catch up with what was sent.
const settleTime = 5 * time.Second

// settle waits until the pipeline is done with all that was sent.
func (d *demo) settle(pipeline *part) {
	checks := time.NewTicker(readyChecks)
	defer checks.Stop()
	late := time.NewTimer(settleTime)
	defer late.Stop()
	for {
		t := d.totals()
		if t.Predicted+t.DeadLettered+t.Skipped >= d.feed.sent.Load() {
			return
		}
		select {
		case <-checks.C:
		case <-pipeline.done:
			return // it says why
		case <-late.C:
			return // the summary shows how many are missing
		}
	}
}

func (d *demo) totals() telemetry.Totals { return d.pipeline().counts.Totals() }

// moment is how the demo stands, and what has happened since it was asked last.
func (d *demo) moment() *demoMoment {
	m := demoMoment{
		elapsed: time.Since(d.started), sent: d.feed.sent.Load(), done: d.totals(),
		seen: d.watch.now(), shifted: d.feed.shifted.Load(),
		wanted: d.feed.rate, drift: latestOf(d.pipeline().Drift()),
	}
	if d.fed > 0 {
		m.fed = cmp.Or(d.over, m.elapsed) - d.fed
	}
	if d.fed > 0 && d.feed.shift > 0 {
		m.shiftAt = d.fed + d.feed.shift
	}
	m.since(&d.last)
	d.last = m
	return &m
}
