package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock/penstock/internal/broker"
)

type dlqRedriveCommand struct {
	Config string `arg:"" help:"Pipeline file."`
	letterFilter
	DryRun bool     `help:"Only print what would be sent back: id, class and error."`
	Set    []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
	Quiet  bool     `short:"q" help:"No summary."`
}

// Help is the example that --help shows.
func (dlqRedriveCommand) Help() string {
	return `Each dead letter goes back to the partition (on NATS: the subject) that its event came from, with its key, value and headers, once: what was sent back is remembered among what is the pipeline's own. So a redrive that was cut short is simply run again, and filters may be combined in any order. On Kafka the events and that memory are one transaction. On NATS no batch spans two streams: events that were published before the memory was written are published again under the same message id, and the source stream drops them for as long as its duplicate_window lasts (two minutes by default), so run it again within that time.

The dead letters stay where they are. An event that fails again becomes a new dead letter, whose penstock-attempt counts on. A dead letter whose value the broker refused for its size cannot be sent back; it is counted. Those that come while this runs are left for the next time.

Example:

    penstock dlq redrive fraud.yaml --class type --dry-run
    penstock dlq redrive fraud.yaml --class type`
}

// What one transaction carries, at most. It is well below what the brokers take
// and what a transaction's timeout allows.
const (
	redriveRecords = 500
	redriveBytes   = 4 << 20
	redriveTimeout = 10 * time.Second // until then, a run that was killed keeps events behind it from being read
)

// redriveTries is how often a redrive begins anew whose transaction another one
// ended.
const redriveTries = 5

// Run sends the dead letters back.
func (c *dlqRedriveCommand) Run(ctx context.Context, s *session) error {
	if err := c.read(time.Now()); err != nil {
		return err
	}
	b, err := s.openLetters(ctx, c.Config, c.Set)
	if err != nil {
		return err
	}
	defer b.close()
	r := &redrive{command: c, session: s, letters: b, started: time.Now()}
	for try := 1; ; try++ {
		err = r.run(ctx)
		if err == nil || ctx.Err() != nil || broker.Diagnose(err).Kind != broker.Rebuild {
			break
		}
		if try == redriveTries {
			err = fmt.Errorf("%w; run it again: what was sent back is known, and nothing is sent twice", err)
			break
		}
	}
	r.summarize()
	return explained(ctx, err)
}
