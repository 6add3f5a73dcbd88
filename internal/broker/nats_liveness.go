package broker

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// NATSLiveness knows whether a NATS server answers, from the handlers of the
// connections that were made with its Options. It is safe for concurrent use.
type NATSLiveness struct {
	mu        sync.Mutex // guards what follows; nothing is called under it
	connected map[*nats.Conn]bool
	lost      time.Time  // when the last of the connections was; zero: there was none yet
	trouble   error      // why, or what went wrong since then
	away      *nats.Conn // the last one in trouble
	guards    map[*context.CancelCauseFunc]bool
}

// Options are what a connection needs, besides NATSOptions, to be watched. Its
// pings are as frequent as it takes for a dead server to be known before others
// take the session's partitions.
func (l *NATSLiveness) Options(sessionTimeout time.Duration) []nats.Option {
	pings := min(pingInterval, sessionTimeout/(pingsMissed+2))
	return []nats.Option{
		nats.PingInterval(pings), nats.FlusherTimeout(writeTime(pings)),
		nats.ConnectHandler(l.here), nats.ReconnectHandler(l.here),
		nats.DisconnectErrHandler(l.gone), nats.ReconnectErrHandler(l.failed),
		nats.ClosedHandler(func(c *nats.Conn) { l.gone(c, nil) }),
		nats.ErrorHandler(l.told),
	}
}

func (l *NATSLiveness) here(c *nats.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connected == nil {
		l.connected = map[*nats.Conn]bool{}
	}
	l.connected[c] = true
	l.trouble, l.away = nil, nil
}

func (l *NATSLiveness) gone(c *nats.Conn, err error) {
	l.mu.Lock()
	lost := l.connected[c]
	if lost {
		err = brokenOff(err)
		delete(l.connected, c)
		l.lost = time.Now()
	}
	l.note(c, err)
	l.mu.Unlock()
	if lost && err != nil { // nobody closed it here
		l.interrupt(&natsError{err})
	}
}

// brokenOff is why a connection ended that was one. In a handshake an end without
// a word says something of TLS and logins; later it is a server that was stopped.
func brokenOff(err error) error {
	if errors.Is(err, io.EOF) {
		return nats.ErrDisconnected
	}
	return err
}

// interrupt ends what is guarded.
func (l *NATSLiveness) interrupt(why error) {
	l.mu.Lock()
	var guards []context.CancelCauseFunc
	for g := range l.guards {
		guards = append(guards, *g)
	}
	l.mu.Unlock()
	for _, cancel := range guards {
		cancel(why)
	}
}

func (l *NATSLiveness) failed(c *nats.Conn, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(c, err)
}

// note is called with mu held.
func (l *NATSLiveness) note(c *nats.Conn, err error) {
	if err != nil && !l.connected[c] {
		l.trouble, l.away = &natsError{err}, c
	}
}

// told is given what goes wrong beside the connection, and refused logins.
func (l *NATSLiveness) told(c *nats.Conn, _ *nats.Subscription, err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		l.failed(c, err)
		return
	}
	l.interrupt(err)
}

// Guard gives a context that is cancelled when the server refuses a subject to
// the user of a watched connection, or when such a connection breaks off, with
// that as its cause: a request that is refused or lost is never answered, so that
// its timeout would be all that is told. The caller calls stop.
func (l *NATSLiveness) Guard(ctx context.Context) (guarded context.Context, stop func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.guards == nil {
		l.guards = map[*context.CancelCauseFunc]bool{}
	}
	l.guards[&cancel] = true
	return guarded, func() {
		l.mu.Lock()
		delete(l.guards, &cancel)
		l.mu.Unlock()
		cancel(nil)
	}
}

// Silent tells since when no connection is there, and what went wrong last. It
// is silent after a fraction of patience, which a connection that was lost in
// passing does not take to come back.
func (l *NATSLiveness) Silent(now time.Time, patience time.Duration) (since time.Time, silent bool, err error) {
	l.mu.Lock()
	here, since, err, away := len(l.connected) > 0, l.lost, l.trouble, l.away
	l.mu.Unlock()
	if here {
		return now, false, nil
	}
	// Of refused handshakes a connection that tries again tells no handler.
	if away != nil {
		if last := lastError(away); last != nil {
			err = &natsError{last}
		}
	}
	if since.IsZero() {
		return time.Unix(0, 0), true, err
	}
	return since, now.Sub(since) > patience/troubleCounts, err
}

// atOnce is how long a connection is waited for to say what is wrong with it.
const atOnce = 50 * time.Millisecond

// lastError is the connection's; nil where it does not say at once. It does not
// while it shakes hands, which takes seconds with a server that is frozen.
func lastError(c *nats.Conn) error {
	told := make(chan error, 1)
	go func() { told <- c.LastError() }()
	select {
	case err := <-told:
		return err
	case <-time.After(atOnce):
		return nil
	}
}
