package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/penstock/penstock/internal/brokertest"
	"github.com/penstock/penstock/internal/config"
)

// watched connects as a worker does, which waits for a server that is away.
func watched(t *testing.T, l *NATSLiveness, n *config.NATS) *nats.Conn {
	t.Helper()
	options, err := NATSOptions(n)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect("", append(options, l.Options(time.Second)...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// awaitSilent asks until the answer is as wanted, at a time when a connection
// that is lost has been so for long.
func awaitSilent(t *testing.T, l *NATSLiveness, want bool, hint string) (since time.Time) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		since, silent, err := l.Silent(time.Now().Add(time.Second), time.Second)
		if silent == want && (hint == "" || strings.Contains(Diagnose(err).Hint, hint)) {
			return since
		}
		if time.Now().After(deadline) {
			t.Fatalf("silent %v with %v (%s), want %v with %q", silent, err, Diagnose(err).Hint, want, hint)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestNATSLiveness follows a connection whose server comes and goes.
func TestNATSLiveness(t *testing.T) {
	l := &NATSLiveness{}
	if since, silent, err := l.Silent(time.Now(), time.Second); !silent || err != nil || since.UnixNano() != 0 {
		t.Errorf("before there is any: %v, %v, %v", since, silent, err)
	}
	s := startNATS(t)
	port := s.Addr().(*net.TCPAddr).Port
	watched(t, l, &config.NATS{URL: s.ClientURL()})
	awaitSilent(t, l, false, "")
	before := time.Now()
	s.Shutdown()
	if since := awaitSilent(t, l, true, "no broker answers at 127.0.0.1:"); since.Before(before) {
		t.Errorf("silent since %v, lost after %v", since, before)
	}
	if _, silent, _ := l.Silent(time.Now(), time.Hour); silent {
		t.Error("what was lost a moment ago is silent already")
	}
	s = startNATS(t, func(o *server.Options) { o.Port = port })
	awaitSilent(t, l, false, "")
	other := watched(t, l, &config.NATS{URL: s.ClientURL()})
	other.Close()
	if _, silent, err := l.Silent(time.Now(), time.Second); silent {
		t.Errorf("one of two is closed: silent with %v", err)
	}
}

// TestNATSLivenessOfRefusedLogins: a server that comes, and refuses a connection
// that was never made, is known to do so, which no handler is told; and the
// connection is made once the server takes the login.
func TestNATSLivenessOfRefusedLogins(t *testing.T) {
	ports, err := brokertest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	port := ports[0]
	as := func(user, password string) func(*server.Options) {
		return func(o *server.Options) { o.Port, o.Username, o.Password = port, user, password }
	}
	l := &NATSLiveness{}
	watched(t, l, &config.NATS{URL: fmt.Sprint("nats://127.0.0.1:", port), User: "ann", Password: "sesame"})
	awaitSilent(t, l, true, "no broker answers")
	s := startNATS(t, as("ann", "other"))
	awaitSilent(t, l, true, "refused the login")
	time.Sleep(3 * (reconnectWait + reconnectJitter)) // until it has tried again, twice
	s.Shutdown()
	s.WaitForShutdown()
	startNATS(t, as("ann", "sesame"))
	awaitSilent(t, l, false, "")
}

// TestSilenceIsToldAtOnce: also while a connection waits for a server that takes
// it and says nothing, as one that is frozen does.
func TestSilenceIsToldAtOnce(t *testing.T) {
	s := startNATS(t)
	address := s.Addr().String()
	l := &NATSLiveness{}
	watched(t, l, &config.NATS{URL: s.ClientURL()})
	awaitSilent(t, l, false, "")
	s.Shutdown()
	s.WaitForShutdown()
	frozen, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close()
	conn, err := frozen.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 4 {
		start := time.Now()
		_, silent, err := l.Silent(start.Add(time.Second), time.Second)
		if took := time.Since(start); took > 20*atOnce || !silent || err == nil {
			t.Errorf("after %s: silent %v, %v", took, silent, err)
		}
	}
}

// TestServerThatTakesNothing: who publishes more than the wire holds to a server
// that is frozen waits for about as long as for its pings, and not for a minute.
func TestServerThatTakesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	over := make(chan struct{})
	defer close(over)
	letIn := func(c net.Conn) { // and read no more
		defer c.Close()
		fmt.Fprint(c, "INFO {\"max_payload\":1048576,\"headers\":true}\r\n")
		in := bufio.NewReader(c)
		var err error
		for line := ""; err == nil && line != "PING\r\n"; {
			line, err = in.ReadString('\n')
		}
		fmt.Fprint(c, "PONG\r\n")
		<-over
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go letIn(c)
		}
	}()
	conn := watched(t, &NATSLiveness{}, &config.NATS{URL: "nats://" + l.Addr().String()})
	start := time.Now()
	for err == nil && time.Since(start) < 20*time.Second {
		err = conn.Publish("subject", make([]byte, 1<<20))
	}
	if took := time.Since(start); err == nil || took > 5*time.Second {
		t.Errorf("it took %s and gave %v", took, err)
	}
}

// TestGuard: a request that is refused ends at once, and says why.
func TestGuard(t *testing.T) {
	s := startNATS(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "ann", Password: "sesame", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"secret"}}}}}
	})
	l := &NATSLiveness{}
	conn := watched(t, l, &config.NATS{URL: s.ClientURL(), User: "ann", Password: "sesame"})
	ctx, stop := l.Guard(t.Context())
	defer stop()
	_, err := conn.RequestWithContext(ctx, "secret", nil)
	if d := Diagnose(context.Cause(ctx)); !errors.Is(err, context.Canceled) || d.Kind != Denied || !strings.Contains(d.Hint, "the user may not publish to secret:") {
		t.Errorf("got %v, %s, %s", err, d.Kind, d.Hint)
	}
	ctx, stop = l.Guard(t.Context())
	if _, err := conn.RequestWithContext(ctx, "open", nil); !errors.Is(err, nats.ErrNoResponders) || ctx.Err() != nil {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
	stop()
	if len(l.guards) != 1 {
		t.Errorf("%d guards are left", len(l.guards))
	}
}
