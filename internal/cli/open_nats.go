package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
)

// openNATS connects to the server of a pipeline, which may be one that is kept in
// a folder: then it is that of the process which has the folder, or is started
// here for as long as the command runs. The caller closes it.
func (s *session) openNATS(p *config.Pipeline) (*natsServer, error) {
	if p.Broker.NATS != nil {
		return dialNATS(p)
	}
	e := p.Broker.Embedded
	var servers embeddedServers
	// Nobody else needs to come in meanwhile.
	server, err := servers.open(&config.Embedded{Dir: e.Dir, MaxBytes: e.MaxBytes}, s.log)
	if inUse, ok := errors.AsType[*embedded.InUseError](err); ok {
		return dialEmbedded(p, inUse.Dir)
	}
	if err != nil {
		return nil, err
	}
	options, err := server.connect()
	if err != nil {
		server.Close()
		return nil, err
	}
	opened, err := connectNATS(p, options)
	if err != nil {
		server.Close()
		return nil, err
	}
	opened.within = server
	return opened, nil
}

// dialEmbedded connects to the process that has a folder.
func dialEmbedded(p *config.Pipeline, dir string) (*natsServer, error) {
	e := p.Broker.Embedded
	host, port, _ := net.SplitHostPort(e.Listen) // the config was checked
	address := e.Listen
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() { // it is on all of this machine's
		address = net.JoinHostPort("127.0.0.1", port)
	}
	switch {
	case e.Listen == "":
		return nil, fmt.Errorf("another process keeps %s and lets nobody in: give it broker.embedded.listen, such as 127.0.0.1:4222, or stop it meanwhile", dir)
	case port == "0":
		return nil, fmt.Errorf("another process keeps %s, and broker.embedded.listen does not tell its port: give it one of its own, such as 4222, or stop it meanwhile", dir)
	case e.UsersFile != "":
		return nil, &refusal{fmt.Errorf("another process keeps %s and lets in the users of %s alone: say as whom to come, with --set broker.embedded= --set broker.nats.url=nats://%s --set broker.nats.user=NAME --set 'broker.nats.password=${PASSWORD}', or broker.nats.nkey_seed", dir, e.UsersFile, address)}
	}
	options, err := broker.NATSOptions(&config.NATS{URL: "nats://" + address})
	if err != nil {
		return nil, err
	}
	return connectNATS(p, options)
}

// readable tells why a stream must not be made, where the server is within this
// process.
func (s *natsServer) readable(stream string) error {
	if s.within == nil {
		return nil
	}
	return s.within.readable(stream)
}

// existing refuses to look into a folder that is not there: a server would make
// it, and find nothing in it.
func (s *session) existing(p *config.Pipeline) error {
	if e := p.Broker.Embedded; e != nil {
		if _, err := os.Stat(string(e.Dir)); err != nil {
			return fmt.Errorf("look into broker.embedded.dir: %w; penstock run makes it", err)
		}
	}
	return nil
}

// guarded does what the server never answers where it refuses it to the user: the
// refusal ends it, and is its error.
func (s *natsServer) guarded(ctx context.Context, do func(ctx context.Context) error) error {
	guarded, stop := s.liveness.Guard(ctx)
	defer stop()
	err := do(guarded)
	if cause := context.Cause(guarded); err != nil && cause != nil && ctx.Err() == nil {
		return cause
	}
	return err
}
