package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// sourceSubject is a subject of a NATS stream that events are sent to.
type sourceSubject struct {
	subject string
	stream  string
	server  *natsServer
	js      jetstream.JetStream
	refused context.Context // ends when the server refuses the subject to the user, or the connection does
	stop    func()
	log     *slog.Logger

	finished func(error)
	run      string // begins the message ids of this run
	given    int
	pending  []onItsWay // in their order
	any      bool       // the server took an event
	away     time.Time  // since when it takes none; zero: it does
	pause    time.Duration
}

// sendPending is how many events are on their way before the first of them is
// acknowledged.
const sendPending = 4096

func (c *sendCommand) openSubject(ctx context.Context, s *session, p *config.Pipeline, finished func(error)) (destination, error) {
	subject, err := c.subject(p.Source.Filters())
	if err != nil {
		return nil, err
	}
	server, err := s.openNATS(p)
	if err != nil {
		return nil, explained(ctx, err)
	}
	t := &sourceSubject{subject: subject, stream: p.Source.Stream, server: server, log: s.log, finished: finished, run: "send:" + rand.Text()}
	// Twice as many, for what is published again beside what is on its way.
	t.js, err = jetstream.New(server.conn, jetstream.WithPublishAsyncMaxPending(2*sendPending), jetstream.WithPublishAsyncTimeout(answerTime))
	if err == nil && p.Broker.Embedded != nil {
		err = server.makeSource(ctx)
	}
	if err != nil {
		server.close()
		return nil, explained(ctx, err)
	}
	t.refused, t.stop = server.liveness.Guard(context.WithoutCancel(ctx))
	return t, nil
}

// subject is where the events go.
func (c *sendCommand) subject(filters []string) (string, error) {
	literal := func(subject string) bool { return !strings.ContainsAny(subject, "*>") }
	switch {
	case c.Subject == "" && len(filters) == 1 && literal(filters[0]):
		return filters[0], nil
	case c.Subject == "":
		return "", &refusal{fmt.Errorf("the source takes %s: choose with --subject one that the events go to", filterList(filters))}
	case !literal(c.Subject) || strings.ContainsAny(c.Subject, " \t\r\n"):
		return "", &refusal{fmt.Errorf("--subject must be one subject, such as transactions.eu, not %q", c.Subject)}
	case !slices.ContainsFunc(filters, func(f string) bool { return config.Covers(f, c.Subject) }):
		return "", &refusal{fmt.Errorf("--subject %s would not be read: the source takes %s", c.Subject, filterList(filters))}
	}
	return c.Subject, nil
}

// filterList names filters, the first of many.
func filterList(filters []string) string {
	const most = 8
	if len(filters) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(filters[:most], ", "), len(filters)-most)
	}
	return strings.Join(filters, ", ")
}

// makeSource makes the source stream where it is missing: of an embedded server
// nobody else may be able to.
func (s *natsServer) makeSource(ctx context.Context) error {
	if err := s.readable(s.p.Source.Stream); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return s.guarded(ctx, func(ctx context.Context) error {
		found, err := broker.InspectStreams(ctx, s.js, broker.NeededStreams(s.p)[:1])
		if err == nil {
			_, err = broker.CreateStreams(ctx, s.js, found, false)
		}
		return err
	})
}

func (t *sourceSubject) name() string { return t.subject }

func (t *sourceSubject) close() {
	t.stop()
	t.server.close()
}

func (t *sourceSubject) publish(ctx context.Context, event []byte) error {
	if err := t.settle(ctx, sendPending-1); err != nil {
		return err
	}
	if cause := context.Cause(t.refused); errors.Is(cause, nats.ErrPermissionViolation) {
		return cause
	}
	t.given++
	e := onItsWay{id: fmt.Sprintf("%s:%d", t.run, t.given), event: bytes.Clone(event)}
	err := t.give(&e)
	if errors.Is(err, nats.ErrMaxPayload) {
		return errTooLarge
	}
	if err != nil && !t.passes(err) {
		return err
	}
	t.pending = append(t.pending, e)
	if err != nil {
		return t.again(ctx, err)
	}
	return nil
}

func (t *sourceSubject) flush(ctx context.Context) error { return t.settle(ctx, 0) }
