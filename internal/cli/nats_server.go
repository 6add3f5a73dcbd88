package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// natsServer is a connection of a command that looks at what the pipeline reads
// and writes.
type natsServer struct {
	p        *config.Pipeline
	conn     *nats.Conn
	js       jetstream.JetStream
	liveness *broker.NATSLiveness
	within   *embeddedServer // nil: it is another process's
}

// dialNATS connects to the pipeline's server. The caller closes it.
func dialNATS(p *config.Pipeline) (*natsServer, error) {
	options, err := broker.NATSOptions(p.Broker.NATS)
	if err != nil {
		return nil, &refusal{err}
	}
	return connectNATS(p, options)
}

func connectNATS(p *config.Pipeline, options []nats.Option) (*natsServer, error) {
	s := &natsServer{p: p, liveness: &broker.NATSLiveness{}}
	var err error
	if s.conn, err = broker.ConnectNATS(append(options, s.liveness.Options(p.Source.SessionTimeout)...)); err != nil {
		return nil, err
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		s.conn.Close()
		return nil, fmt.Errorf("connect to JetStream: %w", err)
	}
	return s, nil
}

func (s *natsServer) close() {
	s.conn.Close()
	if s.within != nil {
		s.within.Close()
	}
}

// inspect looks for the pipeline's streams. What the user may not ask for is an
// error at once.
func (s *natsServer) inspect(ctx context.Context) ([]broker.FoundStream, error) {
	guarded, stop := s.liveness.Guard(ctx)
	defer stop()
	return broker.InspectStreams(guarded, s.js, broker.NeededStreams(s.p))
}

// permission is one that the pipeline's user needs.
type permission struct {
	broker.Permission
	has verdict
}

// neededPermissions are those of which nothing is known yet.
func neededPermissions(p *config.Pipeline) []permission {
	var all []permission
	for _, needed := range broker.NATSPermissions(p) {
		all = append(all, permission{needed, verdictUnknown})
	}
	return all
}

// probe asks the server which of the permissions the user has.
func (s *natsServer) probe(ctx context.Context, permissions []permission) error {
	for i := range permissions {
		p := &permissions[i]
		err := p.Probe(ctx, s.conn)
		p.has = rightAfter(err)
		if p.has == verdictUnknown && !errors.Is(err, broker.ErrNotProbed) {
			return err
		}
	}
	return nil
}

// text names the permission in a sentence.
func (p *permission) text() string {
	if p.Subscribe {
		return "subscribe to " + p.Subject
	}
	return "publish to " + p.Subject
}

// printPermissions writes them as a user's in the configuration of a
// nats-server.
func printPermissions(w io.Writer, permissions []permission) {
	fmt.Fprintln(w, "\nPERMISSIONS")
	fmt.Fprintln(w, "permissions: {")
	for _, list := range []struct {
		name      string
		subscribe bool
	}{{"publish", false}, {"subscribe", true}} {
		fmt.Fprintf(w, "  %s: [\n", list.name)
		for i := range permissions {
			if p := &permissions[i]; p.Subscribe == list.subscribe {
				fmt.Fprintf(w, "    %-48q # %s\n", p.Subject, p.has)
			}
		}
		fmt.Fprintln(w, "  ]")
	}
	fmt.Fprintln(w, "}")
}
