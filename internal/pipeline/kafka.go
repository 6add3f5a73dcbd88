package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/consumer"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// KafkaOptions say how a pipeline uses a Kafka cluster.
type KafkaOptions struct {
	Connect  []kgo.Opt           // of broker.ConnectOptions
	Topics   *broker.Preparation // of those that workers use
	State    string              // the state topic
	Workers  int
	Instance string
	Start    string // consumer.Earliest or consumer.Latest
	From     string // the same for positions that are lost; empty refuses them

	// Session is what all workers' sessions have in common.
	Session   broker.SessionOptions
	Telemetry *telemetry.Pipeline
	Log       *slog.Logger
}

// Kafka opens sessions at a Kafka cluster.
type Kafka struct {
	o        KafkaOptions
	client   *kgo.Client // for all but events
	liveness *broker.Liveness
	opened   atomic.Bool // some worker has had a session

	mu      sync.Mutex // guards what follows
	state   *consumer.State
	stateID [16]byte            // of its topic
	found   []broker.FoundTopic // as Prepare saw them last; never changed
	ends    broker.Offsets      // of the source, when AtEnd was first asked

	references *broker.References // nil until it was needed
}

// NewKafka connects when it is first asked for something.
func NewKafka(o KafkaOptions) (*Kafka, error) {
	k := &Kafka{o: o, liveness: &broker.Liveness{}}
	k.o.Session.Connect, k.o.Session.Liveness = o.Connect, k.liveness
	k.o.Session.Lead = broker.NewLead(o.Session.Group, o.Instance)
	client, err := kgo.NewClient(append(slices.Clone(o.Connect), kgo.WithHooks(k.liveness))...)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	k.client = client
	return k, nil
}

// Close disconnects.
func (k *Kafka) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state != nil {
		k.state.Close()
	}
	if k.references != nil {
		k.references.Close()
	}
	k.client.Close()
}

// Prepare makes the topics that may be made, and says which are missing.
func (k *Kafka) Prepare(ctx context.Context) error {
	found, err := k.o.Topics.Prepare(ctx, k.client)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.found = found
	k.mu.Unlock()
	return k.openState(ctx, found)
}

// openState opens the state topic, once and when it was made anew, and gives places
// in the group back that this instance had when it ran more workers: nobody is
// going to take them.
func (k *Kafka) openState(ctx context.Context, found []broker.FoundTopic) error {
	at := slices.IndexFunc(found, func(f broker.FoundTopic) bool { return f.Role == broker.RoleState })
	id := found[at].ID
	k.mu.Lock()
	opened := k.state != nil && k.stateID == id
	k.mu.Unlock()
	if opened {
		return nil
	}
	if err := broker.Release(ctx, k.client, k.o.Session.Group, k.o.Instance, k.o.Workers); err != nil {
		return err
	}
	state, err := consumer.OpenState(k.o.Connect, k.o.State, k.o.Session.Group, k.liveness)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.state == nil:
	case k.stateID == id:
		state.Close() // another worker was faster
		return nil
	default:
		k.state.Close() // who still uses it is about to look, and to come here
	}
	k.state, k.stateID = state, id
	return nil
}

// Open implements Broker.
func (k *Kafka) Open(ctx context.Context, n int) (Session, error) {
	session := k.o.Session
	session.MemberID = broker.MemberID(session.Group, k.o.Instance, n)
	source, s, err := consumer.Open(ctx, consumer.Options{
		Session: session, State: k.state, Start: k.o.Start, From: k.o.From,
		Telemetry: k.o.Telemetry, Log: k.o.Log,
	})
	if err != nil {
		return nil, err
	}
	k.opened.Store(true)
	k.mu.Lock()
	defer k.mu.Unlock()
	return &kafkaSession{Kafka: source, sink: producer.New(s, session.Limits), session: s, found: k.found, heard: time.Now()}, nil
}

// AtEnd implements Broker.
func (k *Kafka) AtEnd(ctx context.Context) (bool, error) {
	k.mu.Lock()
	ends := k.ends
	k.mu.Unlock()
	if ends == nil {
		var err error
		if ends, err = broker.Ends(ctx, k.client, k.o.Session.Topics, k.o.Session.ReadCommitted); err != nil {
			return false, err
		}
		k.mu.Lock()
		k.ends = ends
		k.mu.Unlock()
	}
	return broker.Reached(ctx, k.client, k.o.Session.Group, ends)
}

// Reference implements Broker.
func (k *Kafka) Reference(ctx context.Context, model penstock.ModelIdentity) ([]byte, error) {
	k.mu.Lock()
	if k.references == nil {
		var err error
		if k.references, err = broker.NewReferences(append(slices.Clone(k.o.Connect), kgo.WithHooks(k.liveness)), k.o.State); err != nil {
			k.mu.Unlock()
			return nil, err
		}
	}
	references := k.references
	k.mu.Unlock()
	return references.Of(ctx, model.Name, model.Version)
}

// Leave implements Broker. Places go by name: those of a process that had none yet
// may be another's.
func (k *Kafka) Leave(ctx context.Context) error {
	if !k.opened.Load() {
		return nil
	}
	return broker.Release(ctx, k.client, k.o.Session.Group, k.o.Instance, 0)
}

// Health implements Broker.
func (k *Kafka) Health() string {
	since, silent, err := k.liveness.Silent(time.Now(), k.o.Session.SessionTimeout)
	switch {
	case !silent:
		return ""
	case err != nil:
		if hint := broker.Diagnose(err).Hint; hint != "" {
			return hint
		}
		return err.Error()
	case since.UnixNano() == 0:
		return "the broker has not answered yet"
	default:
		return fmt.Sprintf("the broker has not answered for %s", time.Since(since).Round(time.Second))
	}
}
