package broker

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
)

// RoleOwn is a pipeline's own stream on NATS: all that it writes.
const RoleOwn Role = "the pipeline's own"

// leastDuplicates is how long a server must remember Msg-Ids, at least once, to
// outlast a restart. By default it does, unless its own limit is less; it refuses a
// stream that is to have more.
const leastDuplicates = 2 * time.Minute

// Stream is one that a pipeline needs.
type Stream struct {
	Name string
	Role Role
	// Own marks what the pipeline keeps for itself, and makes without asking.
	Own bool
	// Subjects are filters: what a source is read by, and all that the
	// pipeline writes to its own stream.
	Subjects []string
	// Settings are what it is made with.
	Settings jetstream.StreamConfig
	// Path is where the config names it.
	Path []string
}

// NeededStreams are the streams of a pipeline: the source and its own.
func NeededStreams(p *config.Pipeline) []Stream {
	source := Stream{
		Name: p.Source.Stream, Role: RoleSource, Subjects: p.Source.Filters(), Path: []string{"source", "stream"},
		Settings: jetstream.StreamConfig{Name: p.Source.Stream},
	}
	if len(p.Source.FilterSubjects) > 0 {
		source.Settings.Subjects = source.Subjects
	}
	own := Stream{Name: p.Sink.Stream, Role: RoleOwn, Own: true, Subjects: NewSubjects(p).All(), Path: []string{"sink", "stream"}}
	own.Settings = jetstream.StreamConfig{
		Name: own.Name, Subjects: own.Subjects, Description: "Predictions, dead letters and positions of penstock's pipeline " + p.Name,
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		// Where an operator adds a bound of bytes, the stream must refuse what
		// is new: to evict what is old would evict an idle partition's position.
		Discard:            jetstream.DiscardNew,
		AllowAtomicPublish: true, // an epoch is one batch
		AllowRollup:        true, // a position replaces the one before
		AllowMsgTTL:        true, // leases expire, and positions never do, whatever max_age is
		AllowDirect:        true, // positions are read from any replica
	}
	return []Stream{source, own}
}
