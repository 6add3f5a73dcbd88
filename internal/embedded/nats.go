package embedded

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// NATSOptions say what StartNATS starts.
type NATSOptions struct {
	Dir string // keeps the streams
}

// NATS is a nats-server with JetStream. It syncs each write to the disk before it
// acknowledges it, so that what was acknowledged outlives the process.
type NATS struct {
	server *server.Server
}

// startTime is how long the server may take to read its streams.
const startTime = 30 * time.Second

// StartNATS starts a server, which the caller closes.
func StartNATS(o NATSOptions) (*NATS, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "penstock", JetStream: true, StoreDir: o.Dir, SyncAlways: true,
		DontListen: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, fmt.Errorf("start the embedded NATS: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(startTime) {
		s.Shutdown()
		return nil, errors.New("start the embedded NATS: it is not ready in time")
	}
	return &NATS{server: s}, nil
}

// Connect makes a connection one to this server, within the process.
func (n *NATS) Connect() nats.Option { return nats.InProcessServer(n.server) }

// Close stops the server.
func (n *NATS) Close() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}
