//go:build unix

package brokertest

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy passes bytes between clients and the broker. It delays them, each way,
// as a longer wire would: what is sent meanwhile is on its way as well, so that
// the delay costs time and no throughput. And it can be cut. Its methods may be
// called at any time.
type Proxy struct {
	addr, to string
	delay    atomic.Int64 // a time.Duration
	running  sync.WaitGroup

	mu       sync.Mutex // protects what follows
	listener net.Listener
	conns    map[net.Conn]struct{} // both sides of every connection
}

// NewProxy listens on addr and passes on to to.
func NewProxy(addr, to string, delay time.Duration) (*Proxy, error) {
	p := &Proxy{addr: addr, to: to, conns: map[net.Conn]struct{}{}}
	p.SetDelay(delay)
	if err := p.Restore(); err != nil {
		return nil, err
	}
	return p, nil
}

// ProxyForTest starts one on a free port, without a delay, for as long as a test.
func ProxyForTest(tb testing.TB, to string) *Proxy {
	tb.Helper()
	ports, err := FreePorts(1)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := NewProxy(Address(ports[0]), to, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// Addr is the HOST:PORT on which the proxy listens.
func (p *Proxy) Addr() string { return p.addr }

// SetDelay sets what is added each way to bytes that arrive from now on.
func (p *Proxy) SetDelay(d time.Duration) { p.delay.Store(int64(d)) }

// Cut closes every connection and refuses new ones until Restore: the broker is
// away. What was on its way is lost.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for conn := range p.conns {
		conn.Close() // who reads from it, or writes to it, ends and takes it off the list
	}
}

// Restore lets connections through again after Cut.
func (p *Proxy) Restore() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("open the proxy: %w", err)
	}
	p.listener = l
	p.running.Go(func() { p.accept(l) })
	return nil
}

// Close cuts and returns once nothing of the proxy runs any more.
func (p *Proxy) Close() {
	p.Cut()
	p.running.Wait()
}

// accept serves l until it is closed.
func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a client that gave up before it was served
		}
		p.running.Go(func() { p.serve(l, client) })
	}
}

// serve connects one client that came by l, until either side ends.
func (p *Proxy) serve(l net.Listener, client net.Conn) {
	defer client.Close()
	broker, err := net.Dial("tcp", p.to)
	if err != nil {
		return // the client sees its connection closed, as by a broker that is down
	}
	defer broker.Close()
	if !p.enter(l, client, broker) {
		return
	}
	defer p.leave(client, broker)
	var both sync.WaitGroup
	both.Go(func() { p.pass(broker, client) })
	both.Go(func() { p.pass(client, broker) })
	both.Wait()
}

// enter lists a connection for Cut; false: l was cut before that.
func (p *Proxy) enter(l net.Listener, conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != l {
		return false
	}
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return true
}

func (p *Proxy) leave(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// chunk is some bytes on their way.
type chunk struct {
	due   time.Time
	bytes []byte
}

// onTheWay bounds the chunks between reading and writing. When so many wait the
// sender waits too, as for a full window.
const onTheWay = 256

// pass carries bytes one way until either side ends, and then ends both.
func (p *Proxy) pass(to, from net.Conn) {
	wire := make(chan chunk, onTheWay)
	go func() { // ends with from, which pass closes
		defer close(wire)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if n > 0 {
				wire <- chunk{time.Now().Add(time.Duration(p.delay.Load())), b[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range wire {
		time.Sleep(time.Until(c.due))
		if _, err := to.Write(c.bytes); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
	for range wire { // so that the reader is not left waiting for a place
	}
}
