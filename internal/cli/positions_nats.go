package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// natsPositions is where a pipeline on NATS stands.
type natsPositions struct {
	server   *natsServer
	p        *config.Pipeline
	subjects broker.Subjects
	known    consumer.NATSPositions
	source   *jetstream.StreamInfo
	own      jetstream.Stream // nil: it was never made
	filters  []filterPosition
	members  []string // workers that are there
}

// filterPosition is where a filter stands.
type filterPosition struct {
	filter  string
	next    uint64
	known   bool // it has a position
	waiting uint64
	owner   string // empty: nobody reads it
}

func (s *session) openNATSPositions(ctx context.Context, cfg *config.Pipeline) (*natsPositions, error) {
	if err := s.existing(cfg); err != nil {
		return nil, err
	}
	server, err := s.openNATS(cfg)
	if err != nil {
		return nil, explained(ctx, err)
	}
	p := &natsPositions{server: server, p: cfg, subjects: broker.NewSubjects(cfg)}
	p.known = consumer.NATSPositions{
		JS: server.js, Source: cfg.Source.Stream, Own: cfg.Sink.Stream, Subjects: p.subjects,
		Group: cfg.Source.Group,
	}
	if err := p.guarded(ctx, p.ask); err != nil {
		server.close()
		return nil, explained(ctx, err)
	}
	return p, nil
}

func (p *natsPositions) close() { p.server.close() }

// guarded asks the server for as long as a person waits for it.
func (p *natsPositions) guarded(ctx context.Context, ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return p.server.guarded(ctx, ask)
}

func (p *natsPositions) ask(ctx context.Context) error {
	source, err := p.server.js.Stream(ctx, p.p.Source.Stream)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", p.p.Source.Stream, err)
	}
	p.source = source.CachedInfo()
	p.filters = nil
	for _, filter := range p.p.Source.Filters() {
		p.filters = append(p.filters, filterPosition{filter: filter})
	}
	own, err := p.server.js.Stream(ctx, p.p.Sink.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil // the pipeline never ran
	case err != nil:
		return fmt.Errorf("look up stream %s: %w", p.p.Sink.Stream, err)
	}
	p.own = own
	for i := range p.filters {
		if err := p.askOf(ctx, &p.filters[i]); err != nil {
			return err
		}
	}
	p.members, err = broker.GroupMembers(ctx, own, p.subjects)
	return err
}

func (p *natsPositions) askOf(ctx context.Context, at *filterPosition) (err error) {
	if at.owner, err = broker.LeaseHolder(ctx, p.own, p.subjects, at.filter); err != nil {
		return err
	}
	if at.next, at.known, err = p.known.Of(ctx, at.filter); err != nil || !at.known {
		return err
	}
	at.waiting, err = p.known.Waiting(ctx, p.source, at.filter, at.next)
	return err
}

func (p *natsPositions) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STREAM\tFILTER\tPOSITION\tLAG\tOWNER")
	for i := range p.filters {
		at := &p.filters[i]
		position, lag, owner := "-", "-", at.owner
		if at.known {
			position, lag = strconv.FormatUint(at.next, 10), strconv.FormatUint(at.waiting, 10)
		}
		if owner == "" {
			owner = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.p.Source.Stream, at.filter, position, lag, owner)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print positions: %w", err)
	}
	return nil
}

func (p *natsPositions) idle() error {
	running := p.members
	for i := range p.filters {
		if owner := p.filters[i].owner; owner != "" && len(p.members) == 0 {
			running = append(running, owner)
		}
	}
	if len(running) == 0 {
		return nil
	}
	return fmt.Errorf("group %s has members, which would go on where they are: %s; stop them (SIGTERM gives their filters back; those of a killed process go after session_timeout, %s) and try again",
		p.p.Source.Group, strings.Join(running, ", "), p.p.Source.SessionTimeout)
}

func (p *natsPositions) reset(ctx context.Context, to string, since time.Time) error {
	if r := p.source.Config.Retention; r != jetstream.LimitsPolicy {
		return fmt.Errorf("stream %s has retention=%s: it drops events that are done, so that there is nothing to go back to", p.p.Source.Stream, strings.ToLower(r.String()))
	}
	return p.guarded(ctx, func(ctx context.Context) error {
		next, err := p.resolve(ctx, to, since)
		if err != nil {
			return err
		}
		if err := p.makeOwn(ctx); err != nil {
			return err
		}
		err = p.known.Reset(ctx, p.source, p.p.Source.Filters(), next)
		if broker.Overtaken(err) {
			return errors.New("the positions have moved just now: stop the pipeline and try again")
		}
		if err != nil {
			return err
		}
		return p.ask(ctx)
	})
}

// resolve finds the sequence to move to, which is one for all filters.
func (p *natsPositions) resolve(ctx context.Context, to string, since time.Time) (uint64, error) {
	switch to {
	case consumer.Earliest:
		return max(p.source.State.FirstSeq, 1), nil
	case consumer.Latest:
		return p.source.State.LastSeq + 1, nil
	}
	return p.known.At(ctx, since)
}

// makeOwn makes the pipeline's own stream, where the pipeline has not yet.
func (p *natsPositions) makeOwn(ctx context.Context) error {
	if p.own != nil {
		return nil
	}
	if err := p.server.readable(p.p.Sink.Stream); err != nil {
		return err
	}
	found, err := broker.InspectStreams(ctx, p.server.js, broker.NeededStreams(p.p))
	if err == nil {
		_, err = broker.CreateStreams(ctx, p.server.js, found, true)
	}
	return err
}
