//go:build unix

package natstest

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// InProcess starts a server with JetStream in this process for as long as the
// test lives, at a port that is free unless a change of its options says
// otherwise. It is there at once, and cannot be killed or frozen.
func InProcess(tb testing.TB, changes ...func(*server.Options)) *server.Server {
	tb.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: tb.TempDir(), NoSigs: true, NoLog: true}
	for _, change := range changes {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		tb.Fatal(err)
	}
	s.Start()
	tb.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(startTime) {
		tb.Fatal("the server is not ready")
	}
	return s
}

// Configured is a change of a server's options: what a configuration file of this
// text says. Where its streams are and where it listens stays.
func Configured(tb testing.TB, text string) func(*server.Options) {
	tb.Helper()
	return func(o *server.Options) {
		before := *o
		if err := o.ProcessConfigString(text); err != nil {
			tb.Fatalf("%v in\n%s", err, text)
		}
		o.Host, o.Port, o.JetStream, o.StoreDir = before.Host, before.Port, before.JetStream, before.StoreDir
	}
}

// JetStream gives a connection's, which ends with the test, time enough for a busy
// disk to sync.
func JetStream(tb testing.TB, conn *nats.Conn, err error) jetstream.JetStream {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(30*time.Second))
	if err != nil {
		tb.Fatal(err)
	}
	return js
}
