package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Position is where the group stands in what a filter takes. It is the value of
// a message of the pipeline's own stream, in the same batch as what was made of
// the events before it.
type Position struct {
	// Next is the stream sequence from which on the filter's events are to be
	// scored.
	Next uint64 `json:"next_seq"`
	// Stream and Created tell the source stream from one that was deleted and
	// created again.
	Stream  string    `json:"stream"`
	Created time.Time `json:"created"`
	// Resume says where events go on that other filters took before: what one of
	// these takes is done before its From, and what none of them takes is of no
	// interest before Else. They are there until all that has gone by.
	Resume []Resume `json:"resume,omitempty"`
	Else   uint64   `json:"resume_else,omitempty"`
	// Since is a sequence of the pipeline's own stream: behind it there may be
	// records of events from Next on, of a batch that the server did not finish. 0:
	// there are none before this message.
	Since uint64 `json:"since,omitempty"`
	// Retired marks a filter that is no longer in the list and whose events
	// others have taken over. A worker that still has it finds its batch refused.
	Retired bool `json:"retired,omitempty"`
	// OverrulesConsumer says that the filter's durable consumer counts for nothing,
	// if there is one: exactly once was the last to move the position, or a reset.
	OverrulesConsumer bool `json:"overrules_consumer,omitempty"`
}

// Resume is where the events of a filter go on.
type Resume struct {
	Filter string `json:"filter"`
	From   uint64 `json:"from"`
}

// Held is a message that was read, with its place in the stream.
type Held[T any] struct {
	Value    T
	Sequence uint64
}

// Last reads the last message of a subject as JSON; nil where there is none.
func Last[T any](ctx context.Context, stream jetstream.Stream, subject string) (*Held[T], error) {
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", subject, err)
	}
	h := &Held[T]{Sequence: m.Sequence}
	if len(m.Data) == 0 {
		return h, nil
	}
	if err := json.Unmarshal(m.Data, &h.Value); err != nil {
		return nil, fmt.Errorf("read %s: %w", subject, err)
	}
	return h, nil
}
