package embedded

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/filelock"
)

// startNATS starts a server that is closed at the test's end.
func startNATS(t *testing.T, o NATSOptions) *NATS {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	n, err := StartNATS(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// connect connects, within the process where no address is given.
func connect(t *testing.T, url string, options ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// subscribe returns once the server knows of the subscription: what others publish
// after it is heard.
func subscribe(t *testing.T, conn *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	sub, err := conn.SubscribeSync(subject)
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func streams(t *testing.T, conn *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(30*time.Second)) // a busy disk takes its time to sync
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestNATSKeeps: what was acknowledged is there after a restart.
func TestNATSKeeps(t *testing.T) {
	dir := t.TempDir()
	for want := uint64(1); want <= 2; want++ {
		n := startNATS(t, NATSOptions{Dir: dir})
		conn := connect(t, "", n.Connect())
		js := streams(t, conn)
		if _, err := js.CreateOrUpdateStream(soon(t), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(soon(t), "kept", nil)
		if err != nil || ack.Sequence != want {
			t.Errorf("sequence %v, %v; want %d", ack, err, want)
		}
		// No test can cut the power, so this asks the server.
		if config := n.server.JetStreamConfig(); config == nil || !config.SyncAlways {
			t.Errorf("it acknowledges what is not on the disk: %+v", config)
		}
		if health := n.Health(); health != "" || n.Addr() != "" {
			t.Errorf("health %q, address %q", health, n.Addr())
		}
		conn.Close()
		n.Close()
		n.Close()
		if health := n.Health(); health != "the embedded NATS is closed" {
			t.Errorf("health once it is closed: %q", health)
		}
	}
}

// TestNATSStaysInItsFolder: nothing is written elsewhere, and two servers cannot
// have one folder.
func TestNATSStaysInItsFolder(t *testing.T) {
	elsewhere, dir := t.TempDir(), filepath.Join(t.TempDir(), "a [new] one")
	t.Setenv("TMPDIR", elsewhere)
	t.Setenv("HOME", elsewhere)
	t.Chdir(elsewhere)
	n := startNATS(t, NATSOptions{Dir: dir, Listen: "127.0.0.1:0"})
	if _, err := streams(t, connect(t, "", n.Connect())).CreateStream(soon(t), jetstream.StreamConfig{Name: "IN", Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	if second, err := StartNATS(NATSOptions{Dir: dir}); err == nil {
		second.Close()
		t.Error("two servers have one folder")
	} else if want := "another process keeps its streams in " + dir; !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %q", err, want)
	}
	n.Close()
	left := filepath.Join(dir, "penstock.room-17") // by a process that was killed
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	startNATS(t, NATSOptions{Dir: dir}).Close() // it is free again
	for folder, want := range map[string][]string{elsewhere: nil, dir: {"jetstream", "penstock.lock"}} {
		if got := names(t, folder); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", folder, got, want)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// TestNATSListens: others publish and subscribe by Listen, and the port is the
// one that was asked for.
func TestNATSListens(t *testing.T) {
	first := startNATS(t, NATSOptions{Listen: "localhost:0"})
	heard := subscribe(t, connect(t, "", first.Connect()), "hello")
	if err := connect(t, first.Addr()).Publish("hello", []byte("from outside")); err != nil {
		t.Fatal(err)
	}
	if msg, err := heard.NextMsg(10 * time.Second); err != nil || string(msg.Data) != "from outside" {
		t.Errorf("heard %v, %v", msg, err)
	}
	if taken, err := StartNATS(NATSOptions{Dir: t.TempDir(), Listen: first.Addr()}); err == nil {
		taken.Close()
		t.Error("two servers have one port")
	} else if !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
	address := first.Addr()
	first.Close()
	if again := startNATS(t, NATSOptions{Listen: address}); again.Addr() != address {
		t.Errorf("asked for %s, it listens on %s", address, again.Addr())
	}
}

// TestNATSRefusals: what it cannot do it says before it does anything.
func TestNATSRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options NATSOptions
		want    string
	}{
		"everywhere without users":    {NATSOptions{Listen: "0.0.0.0:0"}, "it needs a users_file"},
		"any address without users":   {NATSOptions{Listen: ":0"}, "it needs a users_file"},
		"another host without users":  {NATSOptions{Listen: "192.0.2.1:4222"}, "it needs a users_file"},
		"no port":                     {NATSOptions{Listen: "127.0.0.1"}, "missing port"},
		"no number":                   {NATSOptions{Listen: "127.0.0.1:nats"}, "the port is no number"},
		"a folder that is a file":     {NATSOptions{Dir: file}, "not a directory"},
		"users that are not there":    {NATSOptions{UsersFile: file + ".gone"}, "no such file"},
		"another host's address here": {NATSOptions{Listen: "192.0.2.1:4222", UsersFile: usersFile(t, 0o600, `authorization {users: [{user: a, password: b}]}`)}, "cannot assign requested address"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.options.Dir == "" {
				c.options.Dir = t.TempDir()
			}
			n, err := StartNATS(c.options)
			if err == nil {
				n.Close()
				t.Fatal("it starts")
			}
			if !strings.HasPrefix(err.Error(), "start the embedded NATS: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if second, err := StartNATS(NATSOptions{Dir: t.TempDir()}); err != nil {
				t.Error(err)
			} else {
				second.Close()
			}
		})
	}
	loopback := net.JoinHostPort("::1", "0")
	for _, address := range []string{"127.0.0.1:0", "localhost:0", loopback} {
		if err := checkListen(address, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestNATSWaitsForADyingLock: a child of a process that was killed may have the
// lock for a moment longer.
func TestNATSWaitsForADyingLock(t *testing.T) {
	dir := t.TempDir()
	release, err := filelock.Try(filepath.Join(dir, lockFile))
	if err != nil || release == nil {
		t.Fatal(err)
	}
	time.AfterFunc(lockTime/6, release)
	startNATS(t, NATSOptions{Dir: dir})
}
