package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/penstock/penstock/internal/filelock"
)

// NATSOptions say what StartNATS starts.
type NATSOptions struct {
	// Dir keeps the streams; all that the server writes is in it. It is made
	// where it is missing, and serves one process at a time.
	Dir string
	// Listen is the HOST:PORT where others publish and subscribe; port 0 is any
	// free one. Empty: nobody else does. Beyond loopback it needs UsersFile.
	Listen string
	// UsersFile says who may connect by Listen, as readUsers reads it. Empty:
	// everybody on this machine.
	UsersFile string
	// MaxBytes is how much streams may take on the disk, about. What is published
	// beyond it is refused. 0: as much as there is.
	MaxBytes int64
	// Unsynced leaves it to the system when writes reach the disk: for streams
	// that nobody wants back.
	Unsynced bool
	// AwaitRoom has a server that finds no room at its start wait for it, as one
	// does that has run: down, and with Health saying so.
	AwaitRoom bool
	// Log takes the server's warnings and errors; nil: nobody does.
	Log *slog.Logger
}

// NATS is a nats-server with JetStream. It syncs each write to the disk before it
// acknowledges it, so that what was acknowledged outlives the machine's crash.
//
// A write that fails, as on a full disk, ends the server at once: it holds in
// memory what is not on the disk, and would show that to readers. It begins
// again, with the connections and addresses it had, once the disk takes what it
// must write then; docs/decisions/2026-11-21-embedded-nats.md says why not
// before. Until then Health says what is wrong and clients find nobody.
type NATS struct {
	opts   NATSOptions
	log    *slog.Logger
	users  *users
	unlock func()        // gives Dir back
	spoken chan struct{} // the server wrote to its log
	stop   context.CancelFunc
	done   chan struct{} // closed when watch has ended
	close  sync.Once

	mu      sync.Mutex     // protects what follows
	server  *server.Server // nil while it is down
	addr    string         // HOST:PORT, from the first start on
	trouble error          // why it is down
	started time.Time      // when it last did
	lost    []string       // what it could not read then, and has not been back since

	limit sync.Mutex // protects what follows, and which limit the server has
	// batches are being written, for which the limit is lifted.
	batches int
}

// errClosed is what keeps down a server that was closed.
var errClosed = errors.New("it is closed")

// InUseError says that another process has Dir.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another process keeps its streams in %s: stop that one, or give this one a dir of its own", e.Dir)
}

// NoRoomError says that the disk of Dir is too full to start on.
type NoRoomError struct {
	Dir string
	Err error
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("make room on the disk of %s: %v", e.Dir, e.Err)
}

func (e *NoRoomError) Unwrap() error { return e.Err }

// lockFile is the file in Dir that says whose it is.
const lockFile = "penstock.lock"

// StartNATS starts a server, which the caller closes. Without AwaitRoom it refuses
// a disk without room.
func StartNATS(o NATSOptions) (*NATS, error) {
	n, err := openNATS(o)
	if err != nil {
		return nil, fmt.Errorf("start the embedded NATS: %w", err)
	}
	return n, nil
}

func openNATS(o NATSOptions) (*NATS, error) {
	if err := checkListen(o.Listen, o.UsersFile); err != nil {
		return nil, err
	}
	users, err := readUsers(o.UsersFile)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, err
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	sweep(o.Dir)
	n := &NATS{
		opts: o, log: o.Log, users: users, unlock: unlock, addr: o.Listen,
		spoken: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	switch err := n.start(); {
	case err == nil:
		n.compareDisk()
	case o.AwaitRoom && isNoRoom(err):
		n.log.Error("the embedded NATS waits until it can write", "error", err)
		n.trouble = err
	default:
		unlock()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go n.watch(ctx)
	return n, nil
}

func isNoRoom(err error) bool {
	_, ok := errors.AsType[*NoRoomError](err)
	return ok
}

// lockTime is how long a lock is waited for. Who is killed while it starts a child
// leaves its lock to that, until the child has become the program that it is to
// be: who is started again at once must not be refused.
const lockTime = 300 * time.Millisecond

// lock takes a dir for this process.
func lock(dir string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), lockTime, &InUseError{dir})
	defer cancel()
	return filelock.Take(ctx, filepath.Join(dir, lockFile), func() {})
}

// Connect makes a connection one to this server, within the process, with every
// right. It lasts as long as the server: a client that loses it asks again for as
// long as it takes.
func (n *NATS) Connect() nats.Option {
	return func(o *nats.Options) error {
		o.InProcessServer = n
		o.MaxReconnect = -1
		return n.users.self(o)
	}
}

// InProcessConn is a new connection to the server as it is now, for nats.go.
func (n *NATS) InProcessConn() (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil, fmt.Errorf("the embedded NATS is down: %w", cmp.Or(n.trouble, errClosed))
	}
	return n.server.InProcessConn()
}

// running is the server as it is now, nil while it is down.
func (n *NATS) running() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server
}

// Addr is the HOST:PORT for others, "" without Listen.
func (n *NATS) Addr() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addr
}

// Close stops the server. It may be called again.
func (n *NATS) Close() {
	n.close.Do(func() {
		n.stop()
		<-n.done
		n.shutdown(nil)
		n.unlock()
	})
}
