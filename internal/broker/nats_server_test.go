package broker

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/natstest"
)

// startNATS starts a server of this process.
func startNATS(t *testing.T, changes ...func(*server.Options)) *server.Server {
	t.Helper()
	return natstest.InProcess(t, changes...)
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
	return natstest.JetStream(t, conn, err)
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
