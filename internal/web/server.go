package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

// Pipeline is what the server shows. Its methods are called by requests, several
// at a time, for as long as Run runs; they must answer at once, from memory.
type Pipeline interface {
	Name() string
	Checks() []telemetry.Check // all of them, in the same order every time
	Status() telemetry.Status
	Drift() []*drift.Report // the latest of each window, whichever process made them
}

// Options says what a process shows, and where.
type Options struct {
	Version string
	Started time.Time
	Metrics http.Handler // of the whole process, whatever pipelines a listener has; required
	Mounts  []Mount
	Debug   bool // serve /debug/pprof
	Log     *slog.Logger
}

// Mount is one pipeline's wish, from its config, where it is to be found.
type Mount struct {
	Pipeline      Pipeline
	File          string // the config's, for errors
	Listen        string // HOST:PORT; empty: off
	MetricsListen string // HOST:PORT; empty: off
	// Security of Listen: files in PEM, both or none, and the file of API keys.
	Cert, Key, KeysFile string
}

// ConfigError is one of the configs, or of a file that they name: whoever tries
// again without mending it meets it again.
type ConfigError struct{ err error }

func (e *ConfigError) Error() string { return e.err.Error() }
func (e *ConfigError) Unwrap() error { return e.err }

// Server serves all listeners of a process. It is used in this order: New,
// Listen, Run, Close.
type Server struct {
	options Options

	mu        sync.Mutex // protects the two below
	listeners []*listener
	closed    bool
}

// New returns a server that does nothing yet.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{options: o}
}

// Listen opens every listener or none. Connections wait until Run serves them.
// Its errors are the user's to mend: a ConfigError, or an address that cannot be
// had.
func (s *Server) Listen() error {
	sites, err := plan(s.options.Mounts)
	if err != nil {
		return &ConfigError{err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.listeners != nil {
		return errors.New("listen: the server listens already, or it was closed")
	}
	var opened []*listener
	for _, site := range sites {
		l, err := site.open(s.options, opened)
		if err != nil {
			closeAll(opened)
			return err
		}
		opened = append(opened, l)
	}
	s.listeners = opened
	return nil
}

// shutdownTimeout is how long requests under way may take to end.
const shutdownTimeout = 3 * time.Second

// Run serves until ctx is done, which is no error, or until a listener fails.
// Requests under way may end within shutdownTimeout.
func (s *Server) Run(ctx context.Context) error {
	listeners := s.open()
	defer closeAll(listeners)
	failed := make(chan error, len(listeners)) // none of them waits to be heard
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := l.serve(); err != nil {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, l := range listeners {
		serving.Go(func() { l.shutdown(ending) })
	}
	serving.Wait()
	return err
}

// Close closes what Listen opened, for those who never come to Run. It may be
// called at any time, also twice.
func (s *Server) Close() error {
	listeners := s.open()
	s.mu.Lock()
	s.closed, s.listeners = true, nil
	s.mu.Unlock()
	closeAll(listeners)
	return nil
}

// Addr is where the first listener for everything listens, whose port the system
// may have chosen; nil when there is none.
func (s *Server) Addr() net.Addr { return s.addr(false) }

// MetricsAddr is where the first listener for metrics alone listens; nil when
// there is none.
func (s *Server) MetricsAddr() net.Addr { return s.addr(true) }

func (s *Server) addr(metrics bool) net.Addr {
	for _, l := range s.open() {
		if l.site.metrics == metrics {
			return l.socket.Addr()
		}
	}
	return nil
}

// URLs are the bases of everything that is served, for people to follow.
func (s *Server) URLs() []string {
	var urls []string
	for _, l := range s.open() {
		urls = append(urls, l.url())
	}
	return urls
}

func (s *Server) open() []*listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners
}
