package broker

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// NATSPipeline is what a process of a pipeline needs to know on a NATS server,
// whatever it does there.
type NATSPipeline struct {
	Connect    []nats.Option // of NATSOptions
	BeginBatch BeginBatch    // nil: the server is another process's
	Source     string        // the stream
	Filters    []string      // each is a partition
	Own        string        // the pipeline's own stream
	Subjects   Subjects      // of the own stream
	Group      string        // of the pipeline
	Instance   string
	// SessionTimeout is the silence after which others take over what the process does.
	SessionTimeout time.Duration
	// Timeout bounds a question to the server.
	Timeout time.Duration
	Log     *slog.Logger
}
