package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// NATSOptions say what StartNATS starts.
type NATSOptions struct {
	Dir string // keeps the streams
	// Listen is the HOST:PORT where others publish and subscribe; port 0 is any
	// free one. Empty: nobody else does. Beyond loopback it needs UsersFile.
	Listen    string
	UsersFile string       // who may connect by Listen; empty: everybody who can
	MaxBytes  int64        // most bytes that streams may take on the disk; 0: nats-server's choice
	Log       *slog.Logger // takes the server's warnings and errors; nil: nobody does
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
		ServerName: "penstock", JetStream: true, StoreDir: o.Dir, SyncAlways: true, JetStreamMaxStore: o.MaxBytes,
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

// Addr is the HOST:PORT for others, "" without Listen.
func (n *NATS) Addr() string { return "" }

// Health is empty when all is well, otherwise a sentence on what is not.
func (n *NATS) Health() string { return "" }

// Close stops the server.
func (n *NATS) Close() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}
