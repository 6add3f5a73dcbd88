//go:build unix

package brokertest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// echo is a server that returns what it is sent, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

func proxyTo(t *testing.T, to string, delay time.Duration) *Proxy {
	t.Helper()
	p := ProxyForTest(t, to)
	p.SetDelay(delay)
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// roundTrip sends b and reads it back.
func roundTrip(t *testing.T, conn net.Conn, b []byte) time.Duration {
	t.Helper()
	start := time.Now()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(b))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, b) {
		t.Fatal("what came back is not what was sent")
	}
	return time.Since(start)
}

// TestProxyDelaysEachWay: a round trip takes twice the delay, and what is sent
// while another is on its way does not wait for that.
func TestProxyDelaysEachWay(t *testing.T) {
	const delay = 50 * time.Millisecond
	p := proxyTo(t, echo(t), delay)
	conn := dial(t, p)
	if took := roundTrip(t, conn, []byte("x")); took < 2*delay {
		t.Errorf("a round trip took %v, less than 2 × %v", took, delay)
	}

	const sends = 40 // a millisecond and more apart; one after the other would be 4 s
	start := time.Now()
	go func() {
		for range sends {
			_, _ = conn.Write([]byte("y")) // a lost one is missed below
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := io.ReadFull(conn, make([]byte, sends)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*delay || took > sends*delay {
		t.Errorf("%d round trips begun a millisecond apart took %v: they waited for each other", sends, took)
	}

	p.SetDelay(0)
	if took := roundTrip(t, conn, []byte("z")); took >= 2*delay {
		t.Errorf("a round trip took %v after the delay was taken away", took)
	}
}

// TestProxyLosesNothing: more than its queues hold goes through whole.
func TestProxyLosesNothing(t *testing.T) {
	conn := dial(t, proxyTo(t, echo(t), time.Millisecond))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
	go func() { _, _ = conn.Write(sent) }() // a short write is missed below
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Error("what came back is not what was sent")
	}
}

// TestProxyCutAndRestored: a cut ends connections and refuses others; after
// Restore new ones go through, and Restore and Cut may be repeated.
func TestProxyCutAndRestored(t *testing.T) {
	p := proxyTo(t, echo(t), 0)
	conn := dial(t, p)
	roundTrip(t, conn, []byte("x"))
	p.Cut()
	p.Cut()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlived the cut")
	}
	if again, err := net.Dial("tcp", p.Addr()); err == nil {
		again.Close()
		t.Error("a connection was let in after the cut")
	}
	for range 2 {
		if err := p.Restore(); err != nil {
			t.Fatal(err)
		}
	}
	roundTrip(t, dial(t, p), []byte("y"))
}

// TestProxyEndsBothSides: when the broker hangs up the client learns it.
func TestProxyEndsBothSides(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn := dial(t, proxyTo(t, l.Addr().String(), 0))
	behind, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	behind.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the client reads on from a broker that hung up")
	}
}
