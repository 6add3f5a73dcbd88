//go:build unix

package natstest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/penstock/penstock/internal/brokertest"
)

// Options are what tests vary. The zero value is a server that allows everyone
// everything.
type Options struct {
	// Login is how clients log in.
	Login Login
	// Permissions are what User may do, as "permissions" of nats-server's
	// configuration has it. Nil: everything.
	Permissions *Permissions
	// TLS has the server show a certificate, which CAFile has signed.
	TLS bool
	// ClientTLS has the server demand one, too: CertFile with KeyFile.
	ClientTLS bool
	// SyncAlways has each write on the disk before it is acknowledged.
	SyncAlways bool
	// MaxPayload is the largest message in bytes, headers included. 0: nats-server's 1 MiB.
	MaxPayload int
	// MaxStore is how many bytes streams may take on the disk. 0: most of it.
	MaxStore int64
	// Delay is what the proxy adds, each way.
	Delay time.Duration
	// Config is added to the server's configuration, in its own language.
	Config string
}

// Server is a nats-server in a process of its own. All its data is in Dir. Its
// methods may not be called from several goroutines at once, except those that
// give addresses or connections, and those of Proxy.
type Server struct {
	// Dir holds all there is of the server: its streams, server.log, nats.conf,
	// certificates.
	Dir string
	// CAFile, CertFile and KeyFile are what a client needs with TLS: who signed
	// the server's certificate, and a certificate of User with its key. PEM.
	CAFile, CertFile, KeyFile string
	Credentials

	name  string
	port  int
	tls   bool
	proxy *brokertest.Proxy
	node  *brokertest.Process // nil while the server is down
	admin []nats.Option       // log in who may do everything
	close sync.Once
}

// startTime is how long a start may take. On two idle cores it is a tenth of a
// second; the cores of a test are not idle.
const startTime = 60 * time.Second

// Start starts a server on a fresh directory and returns once it answers. Close
// it, whatever else was done to it. The process dies with this one, however that
// ends.
func Start(ctx context.Context, opts Options) (*Server, error) {
	dir, err := os.MkdirTemp("", "natstest-")
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	s := &Server{Dir: dir, name: filepath.Base(dir), tls: opts.TLS || opts.ClientTLS}
	if err := s.open(ctx, opts); err != nil {
		s.Close()
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	return s, nil
}

// ForTest starts a server that lives as long as the test, which fails when it
// does not start, and which shows the end of the server's log when it fails.
func ForTest(tb testing.TB, opts Options) *Server {
	tb.Helper()
	s, err := Start(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of the server's log:\n%s", s.logTail())
		}
		s.Close()
	})
	return s
}

func (s *Server) open(ctx context.Context, opts Options) error {
	ports, err := brokertest.FreePorts(2)
	if err != nil {
		return err
	}
	s.port = ports[0]
	if s.proxy, err = brokertest.NewProxy(brokertest.Address(ports[1]), s.Addr(), opts.Delay); err != nil {
		return err
	}
	if err := s.configure(opts); err != nil {
		return err
	}
	return s.Restart(ctx)
}

// Addr is the server's HOST:PORT, the same for as long as it lives.
func (s *Server) Addr() string { return brokertest.Address(s.port) }

// URL is where clients connect.
func (s *Server) URL() string { return s.url(s.Addr()) }

// ProxiedURL is where clients connect through Proxy.
func (s *Server) ProxiedURL() string { return s.url(s.proxy.Addr()) }

func (s *Server) url(addr string) string {
	if s.tls {
		return "tls://" + addr
	}
	return "nats://" + addr
}

// Proxy stands before the server for those who come by ProxiedURL.
func (s *Server) Proxy() *brokertest.Proxy { return s.proxy }

// ClientOptions are what User needs to connect to URL or ProxiedURL.
func (s *Server) ClientOptions() []nats.Option {
	return append(s.tlsOptions(), s.Credentials.options()...)
}

// Connect connects User.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(s.URL(), append(s.ClientOptions(), opts...)...)
}

// Admin connects somebody who may do everything, whatever Permissions are.
func (s *Server) Admin(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(s.URL(), append(append(s.tlsOptions(), s.admin...), opts...)...)
}

func (s *Server) tlsOptions() []nats.Option {
	if !s.tls {
		return nil
	}
	return []nats.Option{nats.RootCAs(s.CAFile), nats.ClientCert(s.CertFile, s.KeyFile)}
}

// Restart starts the server again on its directory and address, killing it
// first where it runs, and returns once it answers.
func (s *Server) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := s.Kill(); err != nil {
		return err
	}
	node, err := s.start()
	if err != nil {
		return err
	}
	s.node = node
	for {
		err := s.greeted(ctx)
		switch {
		case err == nil:
			return nil
		case node.Exited():
			return fmt.Errorf("the server ended: %w (does TestMain begin with natstest.Main?)\n%s", errors.Join(node.Err(), err), s.logTail())
		case ctx.Err() != nil:
			return fmt.Errorf("the server does not answer: %w\n%s", errors.Join(ctx.Err(), err), s.logTail())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// start starts the process. A test binary without Main runs no test and ends.
func (s *Server) start() (*brokertest.Process, error) {
	out, err := os.OpenFile(s.file(serverLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own descriptor
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), configEnv+"="+s.file(serverConfig))
	cmd.Stdout, cmd.Stderr = out, out
	return brokertest.StartProcess(cmd)
}

// greeted is nil once the server greets clients, which it does when it has read
// its streams. A greeting asks for no login.
func (s *Server) greeted(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	var info struct {
		Name string `json:"server_name"`
	}
	text, _ := strings.CutPrefix(line, "INFO ")
	if err := json.Unmarshal([]byte(text), &info); err != nil || info.Name != s.name {
		return fmt.Errorf("somebody else answers: %q", line)
	}
	return nil
}

// PID is the server's process, 0 while it is down.
func (s *Server) PID() int {
	if s.node == nil {
		return 0
	}
	return s.node.PID()
}

// Kill ends the server with SIGKILL, as a crash does. It returns once the
// process is gone. Killing a server that is down does nothing.
func (s *Server) Kill() error {
	if s.node == nil {
		return nil
	}
	err := s.node.Kill()
	s.node = nil
	return err
}

// Stop ends the server in good order, with SIGTERM, and returns once it is gone.
func (s *Server) Stop(ctx context.Context) error {
	if s.node == nil {
		return nil
	}
	if err := s.node.Terminate(ctx); err != nil {
		return fmt.Errorf("stop NATS: %w\n%s", err, s.logTail())
	}
	s.node = nil
	return nil
}

// Pause freezes the server's process, with SIGSTOP: connections stay open and
// nothing answers.
func (s *Server) Pause() error { return s.node.Pause() }

// Resume lets a frozen server go on.
func (s *Server) Resume() error { return s.node.Resume() }

// Close kills the server and deletes its directory. Closing it again does
// nothing.
func (s *Server) Close() {
	s.close.Do(func() {
		// What fails here leaves a process or a file behind, which no caller
		// could mend; the tests of this package see that none is left.
		_ = s.Kill()
		if s.proxy != nil {
			s.proxy.Close()
		}
		_ = os.RemoveAll(s.Dir)
	})
}

// Files of Dir.
const (
	serverConfig = "nats.conf"
	serverLog    = "server.log" // what the server and its forerunners logged
)

// file is a file or directory of that name in Dir.
func (s *Server) file(name string) string { return filepath.Join(s.Dir, name) }

// logTail is the end of what the server logged, where the reason stands.
func (s *Server) logTail() string { return brokertest.Tail(s.file(serverLog)) }
