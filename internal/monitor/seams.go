package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/penstock/penstock/drift"
)

// Identity is what a monitor sums, and into what: deltas of another model, version
// or generation are none of its business, and sums of other windows no use.
type Identity struct {
	Model, Version, Generation string
	Windows                    string // pane, windows and zone, in words
}

// NewIdentity names what is summed into windows.
func NewIdentity(model, version, generation string, w drift.WindowsConfig) Identity {
	words := []string{w.Pane.String(), w.Collect.String()}
	if w.Zone != nil {
		words = append(words, w.Zone.String())
	}
	for _, window := range w.Windows {
		words = append(words, window.Name)
	}
	return Identity{Model: model, Version: version, Generation: generation, Windows: strings.Join(words, " ")}
}

// Token names the identity where it is part of a group's name or of a key.
func (id Identity) Token() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{id.Model, id.Version, id.Generation, id.Windows}, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// GroupName is that of the processes that watch an identity of a pipeline.
func GroupName(group string, id Identity) string { return group + ".monitor." + id.Token() }

// WebhookGroup is that of the processes of a pipeline that post its alarms.
func WebhookGroup(group string) string { return group + ".webhook" }

// Broker is where the pipeline's deltas are.
type Broker interface {
	// Open has this process take part in the group of an identity.
	Open(ctx context.Context, id Identity) (Session, error)
}

// Session is a process's part in a group, from when it joins until trouble or
// the loss of what it owns ends it. One goroutine uses it.
type Session interface {
	// Poll gives at most so many deltas, in the order in which they were published.
	// It waits for some until ctx ends, which is no error. Only the owner gets any.
	// After an error the session is spent; ErrLost says that another process is the
	// owner now.
	Poll(ctx context.Context, most int) ([]Delta, error)
	// Owner tells whether this process is the owner. Once it is, it stays so until
	// the session is spent.
	Owner() bool
	// State gives the records that were committed last, in any order, also those of
	// other identities. It comes before the owner's first delta, and now and then later.
	// Where keys are named, those of others need not be given: a broker that has to
	// send them all the same may.
	State(ctx context.Context, keys []string, take func(StateRecord) error) error
	// Partitions are those of the source, as the broker lists them.
	Partitions(ctx context.Context) ([]drift.PartitionID, error)
	// Room is how many records an output may have, its sums aside.
	Room() int
	// Guarded tells whether an owner that has been replaced, and does not know it
	// yet, is refused also a commit before which nothing was polled.
	Guarded() bool
	// Commit makes an output and the position behind what was polled durable as a
	// whole. After an error the session is spent, and nobody knows whether it was.
	Commit(ctx context.Context, out *Output) error
	// Reached tells whether what was committed is behind all deltas that there were
	// when it was first asked.
	Reached(ctx context.Context) (bool, error)
	// Leave gives the place in the group to others at once.
	Leave(ctx context.Context) error
	Close()
}

// Delta is a record of a drift.Delta, or of a part of one, or without a value: that says
// nothing.
type Delta struct {
	Value []byte
	Time  int64 // when it was published, Unix milliseconds
}

// ErrLost says that this process is not the owner any more. Open a new session.
var ErrLost = errors.New("another process owns the deltas now")

// StateRecord is a record of the owner's state; of those with the same key the
// last one counts.
type StateRecord struct {
	Identity string // its token
	Key      string // such as pane/1700000000000/0
	Value    []byte // empty: the key is gone
	// Age is how old the record is, in milliseconds of the broker's clock.
	Age int64
}

// Output is what one commit publishes.
type Output struct {
	Reports []Published
	Alarms  []Published
	// Latest are those of the reports, the last of each key, that processes which
	// start are to know.
	Latest map[string][]byte
	// Sums are records of the state that mean nothing before State's are there, and
	// replace nothing that does: they may become durable before the rest.
	Sums  []StateRecord
	State []StateRecord
	// Reference is one that was frozen, nil in all commits but one.
	Reference *FrozenReference

	bytes int // of Reports and Alarms
}

// Published is a record for others.
type Published struct{ Key, Value []byte }

// FrozenReference is what the workers count by from now on.
type FrozenReference struct {
	Model, Version string
	Encoded        []byte
	Digest         string
}

// empty tells whether there is nothing to publish.
func (o *Output) empty() bool {
	return len(o.Reports)+len(o.Alarms)+len(o.Sums)+len(o.State) == 0 && o.Reference == nil
}
