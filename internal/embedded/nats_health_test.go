package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestNATSLogs: its warnings and errors go to the log, and how it starts does
// not; an error that does not hinder it changes nothing.
func TestNATSLogs(t *testing.T) {
	var log logged
	n := startNATS(t, NATSOptions{
		Listen: "127.0.0.1:0", UsersFile: usersFile(t, 0o600, `authorization {users: [{user: a, password: b}]}`),
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	conn := connect(t, "", n.Connect())
	if _, err := nats.Connect(n.Addr(), nats.UserInfo("a", "guess")); !errors.Is(err, nats.ErrAuthorization) {
		t.Fatal(err)
	}
	text := log.String()
	if !strings.Contains(text, "level=ERROR") || !strings.Contains(text, `nats-server: `) || !strings.Contains(text, "authentication error") {
		t.Errorf("a wrong password is not in the log: %s", text)
	}
	if strings.Contains(text, "Starting") || strings.Contains(text, "guess") {
		t.Errorf("too much is in the log: %s", text)
	}
	if err := conn.FlushTimeout(10 * time.Second); err != nil || n.Health() != "" {
		t.Errorf("a wrong password hinders the others: %v, %s", err, n.Health())
	}
}

// TestNATSJetStreamGivenUp: nats-server gives JetStream up, and goes on without
// it, where the system denies it a file. It gets it back, and so do those who were
// connected.
func TestNATSJetStreamGivenUp(t *testing.T) {
	n := startNATS(t, NATSOptions{Listen: "127.0.0.1:0"})
	address := n.Addr()
	js := streams(t, connect(t, "", n.Connect(), nats.ReconnectWait(10*time.Millisecond)))
	if _, err := js.CreateStream(soon(t), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
		t.Fatal(err)
	}
	if err := n.server.ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	if health := n.Health(); !strings.Contains(health, "JetStream has stopped") {
		t.Errorf("health is %q", health)
	}
	for ctx := soon(t); n.Health() != ""; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("it does not come back: %s", n.Health())
		}
	}
	for ctx := soon(t); ; {
		once, cancel := context.WithTimeout(ctx, time.Second) // what was sent to the old one nobody answers
		_, err := js.Publish(once, "kept", nil)
		cancel()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	connect(t, address) // the port that was free is the same one
}

// guess tries to log in with a wrong password, which the server logs.
func guess(t *testing.T, n *NATS) {
	t.Helper()
	if conn, err := nats.Connect(n.Addr(), nats.UserInfo("a", "guess")); err == nil {
		conn.Close()
		t.Fatal("a wrong password gets in")
	}
}

// comeAndGo makes and deletes streams until it is over, each to the end: nats-server
// forgets to close one that is just being made when it stops. One stays: with the
// last one nats-server removes the folder of all, also when another is just being
// made.
func comeAndGo(until context.Context, js jetstream.JetStream) error {
	ctx := context.WithoutCancel(until)
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "KEPT"}); err != nil {
		return err
	}
	for i := 0; until.Err() == nil; i++ {
		name := fmt.Sprint("S", i)
		if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name}); err != nil {
			return err
		}
		for range 20 {
			if err := js.Conn().Publish(name, make([]byte, 1000)); err != nil {
				return err
			}
		}
		if err := js.DeleteStream(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// TestNATSStreamsComeAndGo: a stream has a folder before the server knows it, and
// for a while after it was deleted; that is no trouble, whoever has the server
// write to its log then.
func TestNATSStreamsComeAndGo(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSOptions{
		Listen: "127.0.0.1:0", Unsynced: true,
		UsersFile: usersFile(t, 0o600, `authorization {users: [{user: a, password: b}]}`),
	})
	js, first := streams(t, connect(t, "", n.Connect())), n.running()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- comeAndGo(ctx, js) }()
	began, passing, looks := time.Now(), 0, 0
	// Longer than it takes for what is away to count.
	for ; time.Since(began) < lostAfter+time.Second; looks++ {
		if looks%10 == 0 {
			guess(t, n)
		}
		if health := n.Health(); health != "" {
			t.Fatalf("after %d looks health is %q", looks, health)
		}
		if len(check(first)) > 0 {
			passing++
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n.running() != first {
		t.Error("the server was started again")
	}
	t.Logf("of %d looks %d saw a stream on its way", looks, passing)
	if passing == 0 {
		t.Error("no stream was ever seen on its way, so that this shows nothing")
	}
}

// TestNATSUnreadableStream: a server that cannot read one of its streams goes on
// with the others, and says so until somebody sees to it.
func TestNATSUnreadableStream(t *testing.T) {
	t.Parallel()
	o := NATSOptions{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", UsersFile: usersFile(t, 0o600, `authorization {users: [{user: a, password: b}]}`),
	}
	n := startNATS(t, o)
	js := streams(t, connect(t, "", n.Connect()))
	for _, name := range []string{"LOST", "KEPT"} {
		if _, err := js.CreateStream(soon(t), jetstream.StreamConfig{Name: name, Subjects: []string{name}}); err != nil {
			t.Fatal(err)
		}
	}
	n.Close()
	folder := filepath.Join(o.Dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", "LOST")
	if err := os.WriteFile(filepath.Join(folder, server.JetStreamMetaFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	n = startNATS(t, o)
	js, first := streams(t, connect(t, "", n.Connect())), n.running()
	want := "the embedded NATS could not read all of " + o.Dir + " when it started, and goes on without stream LOST; "
	for ctx := soon(t); !strings.HasPrefix(n.Health(), want); time.Sleep(20 * time.Millisecond) {
		guess(t, n)
		if ctx.Err() != nil {
			t.Fatalf("health is %q, want %q", n.Health(), want)
		}
	}
	if !n.Lost("LOST") || n.Lost("KEPT") {
		t.Errorf("lost: LOST %v, KEPT %v", n.Lost("LOST"), n.Lost("KEPT"))
	}
	if _, err := js.Publish(soon(t), "KEPT", nil); err != nil {
		t.Errorf("the other stream suffers: %v", err)
	}
	if n.running() != first {
		t.Error("the server was started again")
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if health := n.Health(); health != "" {
		t.Errorf("the folder is gone, and health is %q", health)
	}
}
