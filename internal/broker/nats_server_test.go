package broker

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
)

// startNATS starts a server with JetStream within this process, at a port that
// is free unless more says otherwise.
func startNATS(t *testing.T, more ...func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	for _, change := range more {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

// configured reads a server's configuration file.
func configured(t *testing.T, text string) func(*server.Options) {
	t.Helper()
	return func(o *server.Options) {
		dir := o.StoreDir
		if err := o.ProcessConfigString(text); err != nil {
			t.Fatal(err)
		}
		o.StoreDir = dir
	}
}

// connectNATS connects once, as the config says.
func connectNATS(t *testing.T, n *config.NATS, more ...nats.Option) (*nats.Conn, error) {
	t.Helper()
	options, err := NATSOptions(n)
	if err != nil {
		return nil, err
	}
	conn, err := ConnectNATS(append(options, more...))
	if err == nil {
		t.Cleanup(conn.Close)
	}
	return conn, err
}

// jetStreamOf is a connection that must come about.
func jetStreamOf(t *testing.T, n *config.NATS, more ...nats.Option) jetstream.JetStream {
	t.Helper()
	conn, err := connectNATS(t, n, more...)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(30*time.Second)) // a busy disk takes its time to sync
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func addStream(t *testing.T, js jetstream.JetStream, c jetstream.StreamConfig) {
	t.Helper()
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// soonCtx ends before a test is given up.
func soonCtx(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
