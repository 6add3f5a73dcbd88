package web

import (
	"net"
	"sync"
)

// limited is a listener whose Accept waits while n connections are open.
type limited struct {
	*net.TCPListener
	slots  chan struct{}
	closed chan struct{}
	close  func() error // once
}

func limit(l *net.TCPListener, n int) *limited {
	closed := make(chan struct{})
	return &limited{TCPListener: l, slots: make(chan struct{}, n), closed: closed, close: sync.OnceValue(func() error {
		close(closed)
		return l.Close()
	})}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.AcceptTCP()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{TCPConn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close implements net.Listener; it may be called twice.
func (l *limited) Close() error { return l.close() }

// limitedConn is a TCPConn, and not any Conn, because net/http closes its writing
// half first, so that a client can read why it was turned away.
type limitedConn struct {
	*net.TCPConn
	release func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.TCPConn.Close()
}
