//go:build kafka || nats

package faults

import "context"

// broker is one that penstock works with, with the streams of one stage on it:
// all that storms and gaps need of it. What asks it something gives up after a
// while, and then gives as much as nothing, since tests let it die.
type broker interface {
	// Kill, Restart, Pause and Resume are what may happen to it.
	Kill() error
	Restart(ctx context.Context) error
	Pause() error
	Resume() error

	// config is the part of the pipeline's file that says where events come from
	// and go to.
	config() string
	// beside are the settings with which another pipeline has the same source.
	beside(pipeline string) []string
	// publisher publishes to the source.
	publisher() publisher

	// members are the workers in the group, as INSTANCE-N. atRest tells whether
	// all partitions are given to them.
	members() (members []string, atRest bool)
	// open tells whether a worker of the instance has an epoch open; of any, where
	// it is empty. Of a process that is dead or frozen it tells what was cut.
	open(instance string) bool

	// stands gives the sums of the group's positions and of the source's ends.
	// They are compared, and not lags: a lag of zero is also what a group shows
	// that never committed.
	stands() (at, ends int64)
	// settled waits until readers are given all that is there.
	settled()
	// events are those of the source, and outputs what became of them, each
	// partition's in its order.
	events() []event
	outputs() []output
	// reports are those of drift, of a pipeline, in their order.
	reports(pipeline string) [][]byte
	// arrivals tells of each output that comes, until ctx ends, of which partition
	// of the source its event was.
	arrivals(ctx context.Context, each func(partition int32))
	// explain logs what is known of events that are lost, or doubled.
	explain(v *verdict)
}

// publisher publishes events to the partitions of a source. One goroutine uses
// it.
type publisher interface {
	// publish does not wait for the broker.
	publish(e *newEvent)
	// flush waits until the broker has all.
	flush() error
	close()
}

// newEvent is one to be published.
type newEvent struct {
	partition int
	key       []byte // nil: none
	value     []byte // nil: a tombstone
	traced    bool   // with two headers of one name
}

// opener makes the broker's side of a new stage.
type opener func(st *stage) broker
