package pipeline

import (
	"context"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
)

// Source is where a worker's events come from.
type Source interface {
	// Poll appends at most limit events, in the order of each partition.
	// Without any it waits for one until ctx ends; with a nil ctx it does not
	// wait. Their bytes stay as they are until Commit or Abort. After an error
	// the session is spent.
	Poll(ctx context.Context, events []penstock.Event, limit int) ([]penstock.Event, error)
	// Attempt comes before events are scored: who dies over them is found out
	// when it comes again with the same ones. isolate asks for them to be
	// scored in another process.
	Attempt(ctx context.Context, events []penstock.Event) (isolate bool, err error)
	// Committed comes after each commit.
	Committed(ctx context.Context) error
	// Stood gives the place that begins where an event's partition stood at the
	// last commit; ok is false when it is another worker's by now.
	Stood(source string, partition int32) (place consumer.Place, ok bool)
	// Ended appends the places of partitions that nothing was polled of since the
	// last commit and that are read to their ends. The next Commit moves them.
	Ended(ctx context.Context, places []consumer.Place) ([]consumer.Place, error)
}

// Sink is where a worker publishes.
type Sink interface {
	// Publish sends a record, whose bytes must stay until Commit or Abort; r
	// itself is the caller's again at once. The first one opens the epoch.
	Publish(ctx context.Context, r *penstock.Record) error
	// Room is how many more records the epoch takes; without any, commit.
	Room() int
	// Commit makes what was published and the positions of what was polled, or
	// until where it is given, durable as a whole. False without an error: it
	// was aborted, and the events come again. After an error, and after an
	// until, the session is spent; not after an empty one, of an epoch that has
	// no events.
	Commit(ctx context.Context, until broker.Offsets) (bool, error)
	// Abort drops the epoch; its events come again.
	Abort(ctx context.Context) error
}

// Session is one worker's connection: both ends of an epoch.
type Session interface {
	Source
	Sink
	// Skip gives up what the source cannot read, after its dead letter was
	// committed. The session is spent.
	Skip(ctx context.Context, unreadable error) error
	// Unreadable tells which events an error of Poll stands for, from the first
	// to the one before next, and why they cannot be read; ok is false for any
	// other error.
	Unreadable(err error) (first penstock.EventID, next int64, why *penstock.Rejection, ok bool)
	// Joined tells whether the worker has its share of the source and knows
	// where it begins.
	Joined() bool
	// Replaced tells whether err ended the session because another process took
	// this one's name.
	Replaced(ctx context.Context, err error) bool
	Close()
}

// Broker opens sessions. It is safe for concurrent use.
type Broker interface {
	// Prepare makes sure that all is there that a pipeline needs, and learns
	// its limits. It comes before every Open.
	Prepare(ctx context.Context) error
	// Open opens the session of worker n.
	Open(ctx context.Context, n int) (Session, error)
	// AtEnd tells whether all events that were there at the first call are
	// committed.
	AtEnd(ctx context.Context) (bool, error)
	// Reference gives what a model's drift is measured by where that was collected
	// from the stream, encoded; nil as long as it is not complete. It comes after
	// Prepare, from one goroutine at a time.
	Reference(ctx context.Context, model penstock.ModelIdentity) ([]byte, error)
	// Leave gives the workers' places back to the group, if they have any.
	Leave(ctx context.Context) error
	// Health says what is wrong with the broker; empty when nothing is.
	Health() string
	Close()
}

// Isolated scores events where a crash does no harm.
type Isolated interface {
	// Score gives, for each event in order, the record of its prediction or why
	// it has none. wall is the time that records are stamped with, in Unix
	// nanoseconds.
	Score(ctx context.Context, events []penstock.Event, wall int64, out func(i int, record []byte, rejection *penstock.Rejection)) error
	Close() error
}
