//go:build unix

package natstest

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/brokertest"
)

// seconds is a context that ends in time to tell what hangs.
func seconds(t *testing.T, n int) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// create makes a stream of that name on subject name.>.
func create(t *testing.T, js jetstream.JetStream, name string) jetstream.Stream {
	t.Helper()
	stream, err := js.CreateStream(seconds(t, 10), jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// TestServerLivesDiesAndReturns: what was acknowledged before a stop or a kill
// is there afterwards, at the same address.
func TestServerLivesDiesAndReturns(t *testing.T) {
	s := ForTest(t, Options{SyncAlways: true})
	ctx := t.Context()
	conn, err := s.Connect(nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	js := JetStream(t, conn, err)
	create(t, js, "kept")
	stop := func() error { return s.Stop(ctx) }
	for i, end := range []func() error{s.Kill, stop, s.Kill} {
		ack, err := js.Publish(seconds(t, 20), "kept.x", []byte("x"))
		if err != nil || ack.Sequence != uint64(i+1) {
			t.Fatalf("publication %d: %+v, %v", i+1, ack, err)
		}
		pid := s.PID()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if brokertest.Alive(pid) {
			t.Errorf("process %d is still there", pid)
		}
		if conn, err := net.Dial("tcp", s.Addr()); err == nil {
			conn.Close()
			t.Error("somebody answers for a server that is down")
		}
		if err := s.Restart(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if stream, err := js.Stream(seconds(t, 20), "kept"); err != nil || stream.CachedInfo().State.Msgs != 3 {
		t.Errorf("at the end: %+v, %v; want 3 messages", stream, err)
	}
	s.Close()
	s.Close()
	if _, err := os.Stat(s.Dir); err == nil {
		t.Errorf("Close left %s", s.Dir)
	}
}

// TestFrozenServer: a frozen server answers nobody and goes on where it was.
func TestFrozenServer(t *testing.T) {
	s := ForTest(t, Options{})
	conn, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	// All its threads must have heard of the signal.
	for deadline := time.Now().Add(20 * time.Second); ; {
		if err = conn.FlushTimeout(300 * time.Millisecond); err != nil || time.Now().After(deadline) {
			break
		}
	}
	if !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("a frozen server answers: %v", err)
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := conn.FlushTimeout(20 * time.Second); err != nil {
		t.Errorf("after Resume: %v", err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err == nil {
		t.Error("a server that is down can be frozen")
	}
}

// TestProxied: all that a client of ProxiedURL does goes through the proxy,
// and it never learns a way around it.
func TestProxied(t *testing.T) {
	const delay = 30 * time.Millisecond
	s := ForTest(t, Options{Delay: delay})
	conn, err := nats.Connect(s.ProxiedURL(), append(s.ClientOptions(),
		nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.NoReconnect())...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if rtt, err := conn.RTT(); err != nil || rtt < 2*delay {
		t.Errorf("a round trip took %v, %v, less than 2 × %v: it went around the proxy", rtt, err, delay)
	}
	if known := conn.DiscoveredServers(); len(known) != 0 {
		t.Errorf("the client learned of %q, which is a way around the proxy", known)
	}
	s.Proxy().Cut()
	if conn, err := nats.Connect(s.ProxiedURL()); err == nil {
		conn.Close()
		t.Error("a server that is away answered")
	}
	if err := s.Proxy().Restore(); err != nil {
		t.Fatal(err)
	}
	again, err := nats.Connect(s.ProxiedURL(), s.ClientOptions()...)
	if err != nil {
		t.Fatalf("after Restore: %v", err)
	}
	again.Close()
}

// TestLimits: what Options bound the server keeps to.
func TestLimits(t *testing.T) {
	s := ForTest(t, Options{MaxPayload: 1000, MaxStore: 4 << 10, Config: "max_connections: 2\n"})
	conn, err := s.Connect()
	js := JetStream(t, conn, err)
	if conn.MaxPayload() != 1000 {
		t.Errorf("the largest message is %d bytes", conn.MaxPayload())
	}
	create(t, js, "small")
	for i := 0; ; i++ {
		_, err := js.Publish(seconds(t, 10), "small.x", make([]byte, 900))
		if err == nil && i < 10 {
			continue
		}
		var full *jetstream.APIError
		if i < 3 || i > 5 || !errors.As(err, &full) || full.ErrorCode != jetstream.ErrorCode(10023) {
			t.Errorf("publication %d of 900 bytes in 4 KiB: %v", i, err)
		}
		break
	}
	second, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if third, err := s.Connect(); err == nil {
		third.Close()
		t.Error("Config was not heeded: there is a third connection")
	}
}

// TestSyncAlways: the server reads it as it is meant; what it does then only
// cutting the power would tell.
func TestSyncAlways(t *testing.T) {
	for _, always := range []bool{false, true} {
		s := ForTest(t, Options{SyncAlways: always})
		read, err := server.ProcessConfigFile(s.file(serverConfig))
		if err != nil || read.SyncAlways != always {
			t.Errorf("SyncAlways %t is read as %t, %v", always, read.SyncAlways, err)
		}
	}
}

// TestStartSaysWhatIsWrong: the server's own reason is in the error, and how to
// mend a TestMain, which ends the same way.
func TestStartSaysWhatIsWrong(t *testing.T) {
	s, err := Start(t.Context(), Options{Config: "max_payload: lots\n"})
	if err == nil {
		s.Close()
		t.Fatal("a server started on a broken configuration")
	}
	for _, want := range []string{"nats.conf:", "natstest.Main"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want a word on %s", err, want)
		}
	}
}
