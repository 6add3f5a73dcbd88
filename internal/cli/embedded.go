package cli

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/embedded"
)

// embeddedServers are the nats-servers within this process, by the folders that
// they keep.
type embeddedServers map[string]*embeddedServer

// open gives the server of a folder, and starts it where there is none yet.
func (all *embeddedServers) open(e *config.Embedded, log *slog.Logger) (*embeddedServer, error) {
	return all.start(e, embedded.NATSOptions{Log: log})
}

// start is open with options that no config has.
func (all *embeddedServers) start(e *config.Embedded, o embedded.NATSOptions) (*embeddedServer, error) {
	dir, err := filepath.Abs(string(e.Dir))
	if err != nil {
		return nil, fmt.Errorf("broker.embedded.dir: %w", err)
	}
	if s := (*all)[dir]; s != nil {
		if other := *e; other.Listen != s.config.Listen || other.UsersFile != s.config.UsersFile || other.MaxBytes != s.config.MaxBytes {
			return nil, &refusal{fmt.Errorf("two pipelines keep their streams in %s and share its server: listen, users_file and max_bytes of their broker.embedded must be the same", dir)}
		}
		return s, nil
	}
	if err := embedded.CheckUsers(string(e.UsersFile)); err != nil {
		return nil, &refusal{fmt.Errorf("broker.embedded.users_file: %w", err)}
	}
	o.Dir, o.Listen, o.UsersFile, o.MaxBytes = dir, e.Listen, string(e.UsersFile), int64(e.MaxBytes)
	started, err := embedded.StartNATS(o)
	if err != nil {
		return nil, err
	}
	if *all == nil {
		*all = embeddedServers{}
	}
	s := &embeddedServer{NATS: started, config: *e}
	(*all)[dir] = s
	if addr := started.Addr(); addr != "" && s.health() == "" {
		o.Log.Info("the embedded NATS listens", "address", addr)
	}
	return s, nil
}

func (all embeddedServers) close() {
	for _, s := range all {
		s.Close()
	}
}

// embeddedServer is one within this process.
type embeddedServer struct {
	*embedded.NATS
	config config.Embedded

	last atomic.Pointer[diagnosis]
}

// diagnosis is an answer of Health.
type diagnosis struct {
	at      time.Time
	trouble string
}

// connect are the options of connections to it.
func (s *embeddedServer) connect() ([]nats.Option, error) {
	options, err := broker.NATSOptions(&config.NATS{})
	return append(options, s.Connect()), err
}

// readable tells why streams must not be made: they are there, and the server could
// not read them.
func (s *embeddedServer) readable(streams ...string) error {
	for _, stream := range streams {
		if s.Lost(stream) {
			return fmt.Errorf("stream %s is in %s and could not be read: restore that folder from a copy, or move the stream's own out of it to begin anew, and start again", stream, s.config.Dir)
		}
	}
	return nil
}

// healthHolds is for how long an answer of Health is good enough: to find one,
// the server writes to the disk.
const healthHolds = time.Second

// health is empty when all is well with the server.
func (s *embeddedServer) health() string {
	last := s.last.Load()
	if now := time.Now(); last == nil || now.Sub(last.at) >= healthHolds {
		last = &diagnosis{now, s.Health()}
		s.last.Store(last)
	}
	return last.trouble
}
