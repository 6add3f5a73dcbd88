package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// memoryBytes is what streams in memory may take. Only those whom Listen lets in
// have such: penstock's are on the disk.
const memoryBytes = 64 << 20

// readyTime is how long the server may take from having read its streams to
// taking connections.
const readyTime = 30 * time.Second

// start starts a server on Dir, if there is room for what it writes then.
func (n *NATS) start() error {
	if err := room(n.opts.Dir); err != nil {
		if isAny(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG) {
			return &NoRoomError{n.opts.Dir, err}
		}
		return err
	}
	options, err := n.serverOptions()
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	log := &natsLogger{log: n.log, spoken: n.spoken}
	s.SetLogger(log, false, false)
	s.Start()
	n.limit.Lock()
	defer n.limit.Unlock()
	err = log.fatalError()
	if err == nil && !s.ReadyForConnections(readyTime) {
		err = errors.New("it is not ready in time")
	}
	if err == nil && n.batches == 0 {
		err = allow(s, n.opts.MaxBytes)
	}
	if err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return err
	}
	lost, _ := ailing(s) // the watch sees to the trouble, of which there is a line in the log
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, n.trouble = s, nil
	n.started, n.lost = time.Now(), lost
	if n.addr != "" { // port 0 is the same one from now on
		n.addr = net.JoinHostPort(options.Host, strconv.Itoa(s.Addr().(*net.TCPAddr).Port))
	}
	return nil
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// shutdown stops the server, because of the trouble.
func (n *NATS) shutdown(trouble error) {
	n.mu.Lock()
	s := n.server
	n.server, n.trouble = nil, trouble
	n.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

func (n *NATS) serverOptions() (*server.Options, error) {
	o := &server.Options{
		ServerName: "penstock", NoSigs: true, NoLog: true, DontListen: true,
		JetStream: true, StoreDir: n.opts.Dir, SyncAlways: !n.opts.Unsynced,
		JetStreamMaxStore: unlimited, JetStreamMaxMemory: memoryBytes,
		Users: n.users.byPassword, Nkeys: n.users.byKey,
	}
	if n.addr == "" {
		return o, nil
	}
	host, port, err := net.SplitHostPort(n.addr)
	if err != nil {
		return nil, err
	}
	o.DontListen, o.Host = false, host
	if o.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("listen on %s: the port is no number", n.addr)
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT // 0 is 4222 to it
	}
	return o, nil
}

// checkListen refuses to let the network in without users.
func checkListen(address, usersFile string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() || usersFile != "" {
		return nil
	}
	return fmt.Errorf("listen on %s, where others than this machine get in: it needs a users_file", address)
}

// natsLogger writes nats-server's warnings and errors to a log. Of every line it
// tells the watch, which finds out whether the server can go on: once started it
// says little, and that it gives JetStream up is a notice.
type natsLogger struct {
	log    *slog.Logger
	spoken chan<- struct{}
	fatal  atomic.Pointer[string] // why it did not start
}

func (l *natsLogger) fatalError() error {
	if why := l.fatal.Load(); why != nil {
		return errors.New(*why)
	}
	return nil
}

func (l *natsLogger) Noticef(format string, v ...any) { l.write(l.log.Debug, format, v) }
func (l *natsLogger) Warnf(format string, v ...any)   { l.write(l.log.Warn, format, v) }
func (l *natsLogger) Errorf(format string, v ...any)  { l.write(l.log.Error, format, v) }

// Fatalf is called by a server that cannot start; it does not end the process.
func (l *natsLogger) Fatalf(format string, v ...any) {
	l.fatal.CompareAndSwap(nil, new(fmt.Sprintf(format, v...)))
}

func (*natsLogger) Debugf(string, ...any) {}
func (*natsLogger) Tracef(string, ...any) {}

func (l *natsLogger) write(to func(string, ...any), format string, v []any) {
	to("nats-server: " + fmt.Sprintf(format, v...))
	select {
	case l.spoken <- struct{}{}:
	default: // the watch is yet to look after the last line, and will see this too
	}
}
