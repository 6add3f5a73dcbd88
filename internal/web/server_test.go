package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/telemetry"
)

// slow is a pipeline whose checks wait until they are let go.
type slow struct {
	fake
	asked, answer chan struct{}
}

func (s *slow) Checks() []telemetry.Check {
	close(s.asked)
	<-s.answer
	return s.checks
}

func TestRequestsUnderWayEndBeforeTheServer(t *testing.T) {
	p := &slow{fake: *ready("a"), asked: make(chan struct{}), answer: make(chan struct{})}
	s := New(Options{Metrics: metrics, Mounts: []Mount{{Pipeline: p, Listen: local}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	answers := make(chan answer)
	go func() { answers <- get(t, "http://"+s.Addr().String()+"/readyz") }()
	<-p.asked
	stop()
	// The listener is closed at once, for whoever comes now.
	for deadline := time.Now().Add(shutdownTimeout); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Error("it still listens")
			break
		}
	}
	select {
	case err := <-ended:
		t.Errorf("run ended before its request: %v", err)
	default:
	}
	close(p.answer)
	if got := <-answers; got.code != 200 || got.body != "ok\n" {
		t.Errorf("the request under way got %d %q", got.code, got.body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRunEndsWhenAListenerFails(t *testing.T) {
	s := New(Options{Metrics: metrics, Mounts: []Mount{{Pipeline: ready("a"), Listen: local, MetricsListen: local}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.listeners[1].socket.Close()
	if err := s.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "metrics_listen 127.0.0.1:0: ") {
		t.Errorf("error is %v", err)
	}
}

func TestNothingToServe(t *testing.T) {
	s := New(Options{Metrics: metrics, Mounts: []Mount{{Pipeline: ready("a")}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if s.Addr() != nil || s.MetricsAddr() != nil || s.URLs() != nil {
		t.Error("something listens")
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestCloseWithoutRun(t *testing.T) {
	s := New(Options{Metrics: metrics, Mounts: []Mount{{Pipeline: ready("a"), Listen: local}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err == nil {
		t.Error("it listens twice")
	}
	address := s.Addr().String()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
	if err := s.Listen(); err == nil {
		t.Error("it listens after Close")
	}
}

func TestURLs(t *testing.T) {
	s := New(Options{Metrics: metrics, Mounts: []Mount{{Pipeline: ready("a"), Listen: "localhost:0", MetricsListen: "0.0.0.0:0"}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, url := range s.URLs() {
		if !strings.HasPrefix(url, "http://localhost:") || strings.HasSuffix(url, ":0") {
			t.Errorf("URL is %s", url)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner.(*net.TCPListener), 2)
	accepted := make(chan net.Conn)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	})
	var clients, servers []net.Conn
	dial := func() {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, conn)
	}
	for range 3 {
		dial()
	}
	servers = append(servers, <-accepted, <-accepted)
	select {
	case <-accepted:
		t.Fatal("a third connection is open")
	case <-time.After(50 * time.Millisecond):
	}
	servers[0].Close()
	servers[0].Close() // twice gives one place back, not two
	servers = append(servers, <-accepted)
	dial()
	select {
	case <-accepted:
		t.Fatal("a third connection is open")
	case <-time.After(50 * time.Millisecond):
	}
	// Closing ends an Accept that waits for a place.
	l.Close()
	accepting.Wait()
	for _, conn := range append(clients, servers...) {
		conn.Close()
	}
}

func TestBigHeadersAreRefused(t *testing.T) {
	s := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local}}})
	if got := ask(t, client, "GET", "http://"+s.Addr().String()+"/livez", strings.Repeat("x", 2*maxHeaderBytes)); got.code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d %q", got.code, got.body)
	}
}

func TestSlowClientsAreCut(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for a time limit of seconds")
	}
	s := start(t, Options{Mounts: []Mount{{Pipeline: ready("a"), Listen: local}}})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	conn.SetReadDeadline(started.Add(4 * headerTimeout))
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after %s: %d, %v", time.Since(started), n, err)
	}
}

// broken panics, which no pipeline should.
type broken struct{ fake }

func (*broken) Checks() []telemetry.Check { panic("no checks") }

func TestAPanicEndsOneRequestAndIsTold(t *testing.T) {
	var mu sync.Mutex
	var text bytes.Buffer
	s := start(t, Options{
		Log:    slog.New(slog.NewTextHandler(&lockedWriter{&mu, &text}, nil)),
		Mounts: []Mount{{Pipeline: &broken{*ready("a")}, Listen: local}},
	})
	base := "http://" + s.Addr().String()
	if response, err := client.Get(base + "/readyz"); err == nil {
		response.Body.Close()
		t.Errorf("it answered %d", response.StatusCode)
	}
	if got := get(t, base+"/livez"); got.code != 200 {
		t.Errorf("the next request: %d", got.code)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(text.String(), "level=ERROR") || !strings.Contains(text.String(), "no checks") {
		t.Errorf("log is %s", &text)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
