package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock/penstock/consumer"
)

type positionCommand struct {
	Show  positionShowCommand  `cmd:"" help:"Show where each partition stands."`
	Reset positionResetCommand `cmd:"" help:"Move a stopped pipeline to another position."`
}

type positionShowCommand struct {
	Config string   `arg:"" help:"Pipeline file."`
	Set    []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
}

// Help is the example that --help shows.
func (positionShowCommand) Help() string {
	return `One line a partition: the offset of the next event, the offset behind the last one that can be read, how many lie between, and which worker has the partition. A dash stands for none.

On NATS it is a line a filter: the stream sequence from which on its events are to be scored, how many of them wait, and which worker has its lease.

Example:

    penstock position show fraud.yaml`
}

// Run prints the positions.
func (c *positionShowCommand) Run(ctx context.Context, s *session) error {
	p, err := s.openPositions(ctx, c.Config, c.Set)
	if err != nil {
		return err
	}
	defer p.close()
	return p.print(s.Out)
}

type positionResetCommand struct {
	Config string   `arg:"" help:"Pipeline file."`
	To     string   `required:"" placeholder:"WHERE" help:"earliest, latest, or a time such as 2026-11-21T09:00:00Z: the first event that is not older."`
	Set    []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
}

// Help is the example that --help shows.
func (positionResetCommand) Help() string {
	return `Refused while the pipeline runs: its workers would go on where they are. What was predicted stays; an event that is read again is predicted again. On NATS a process that was killed counts as running until its leases expire, after source.session_timeout; a stream that drops its events once they are done, as a work queue does, has nothing to go back to, and is refused.

Example:

    penstock position reset fraud.yaml --to 2026-11-21T09:00:00Z`
}

// Run moves the positions and prints them.
func (c *positionResetCommand) Run(ctx context.Context, s *session) error {
	since, err := c.since()
	if err != nil {
		return err
	}
	p, err := s.openPositions(ctx, c.Config, c.Set)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.idle(); err != nil {
		return err
	}
	if err := p.reset(ctx, c.To, since); err != nil {
		return explained(ctx, err)
	}
	return p.print(s.Out)
}

// since is the time that --to names, if any.
func (c *positionResetCommand) since() (time.Time, error) {
	if c.To == consumer.Earliest || c.To == consumer.Latest {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, c.To)
	if err != nil {
		return t, &refusal{fmt.Errorf("--to must be earliest, latest, or a time such as 2026-11-21T09:00:00Z, not %q", c.To)}
	}
	return t, nil
}
