package broker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// GroupOptions say which filters are shared out, and among whom.
type GroupOptions struct {
	JS       jetstream.JetStream
	Stream   string // the pipeline's own
	Subjects Subjects
	Filters  []string
	Name     string // of the group
	Instance string // of this process
	Workers  int    // of this process
	// TTL is the silence after which a worker's filters go to others; the server
	// counts in whole seconds, one at least.
	TTL     time.Duration
	Batches *Batches
	Log     *slog.Logger
}

// Group shares a pipeline's filters out among the workers of all its processes.
//
// Each worker says that it is there in a message that expires, and takes leases,
// messages that expire too, each only if nobody else has written it meanwhile.
// Every process decides for its own workers alone, from what it has seen: the
// same number of filters for each of all workers, give or take one. Two that
// want the same filter meet at its lease's expected sequence, and one of them is
// refused.
//
// Leases only spare work. That no event is scored twice is for the position's
// guard to see to: the epoch of a worker that has lost its lease and does not
// know yet is refused.
type Group struct {
	o       GroupOptions
	life    string
	list    string // the filters in whatever order, in short
	view    *view
	stream  jetstream.Stream
	watch   jetstream.ConsumeContext
	members []*GroupMember
	stop    context.CancelFunc
	ended   chan struct{}
	failure atomic.Pointer[lookFailure] // of the last look around; nil: none
}

// lookFailure is why the leases cannot be seen to.
type lookFailure struct {
	since time.Time
	err   error
}

// Within a TTL a process looks around this often, and renews what it has twice
// before it ends.
const (
	looks  = 20
	renews = 3
)

// JoinGroup starts to take leases for the workers of this process. Leave or Close
// it.
func JoinGroup(ctx context.Context, o GroupOptions) (*Group, error) {
	stream, err := o.JS.Stream(ctx, o.Stream)
	if err != nil {
		return nil, fmt.Errorf("join group: stream %s: %w", o.Stream, err)
	}
	o.TTL = max(o.TTL.Truncate(time.Second), time.Second)
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(o.Filters)), " ")))
	g := &Group{o: o, life: nuid.Next(), list: hex.EncodeToString(sum[:8]), view: newView(o.TTL), stream: stream, ended: make(chan struct{})}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{o.Subjects.Of("lease"), o.Subjects.Of("member")},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	})
	if err == nil {
		g.watch, err = consumer.Consume(g.view.note, AtMost(jetstream.DefaultMaxMessages, consumer), jetstream.PullHeartbeat(heartbeat(o.TTL)), jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) {}))
	}
	if err != nil {
		return nil, fmt.Errorf("join group: watch stream %s: %w", o.Stream, err)
	}
	if err := g.catchUp(ctx, consumer); err != nil {
		g.watch.Stop()
		return nil, err
	}
	for n := range o.Workers {
		id := MemberID(o.Name, o.Instance, n)
		g.members = append(g.members, &GroupMember{
			g: g, id: id, n: n, subject: o.Subjects.Member(id), leases: map[int]*lease{}, changed: make(chan struct{}, 1), idleSince: time.Now(),
		})
	}
	running, stop := context.WithCancel(context.Background())
	g.stop = stop
	go g.run(running)
	return g, nil
}

// heartbeat is how often the server says that it is there while nobody claims
// anything. The client begins to watch anew when two are missing, as when the server
// that had the watch is lost: within a TTL, where the client's range allows it.
func heartbeat(ttl time.Duration) time.Duration {
	const least, most = 500 * time.Millisecond, 5 * time.Second // most is the client's default
	return min(max(ttl/2, least), most)
}

// catchUp waits until the view has what was there at the start, so that nobody
// is overlooked.
func (g *Group) catchUp(ctx context.Context, consumer jetstream.Consumer) error {
	info, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("join group: %w", err)
	}
	for waiting := info.NumPending; waiting > 0; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("join group: read the leases: %w", ctx.Err())
		}
		if info, err = consumer.Info(ctx); err != nil {
			return fmt.Errorf("join group: %w", err)
		}
		waiting = info.NumPending
	}
	return nil
}

// Member is worker n of this process.
func (g *Group) Member(n int) *GroupMember { return g.members[n] }

// Trouble is why the leases could not be seen to for so long that they end; nil
// when all is well.
func (g *Group) Trouble() error {
	if f := g.failure.Load(); f != nil && time.Since(f.since) > g.o.TTL/renews {
		return f.err
	}
	return nil
}

// Denied is the permission that the user lacks for the leases; nil when none is
// missed.
func (g *Group) Denied() error {
	if f := g.failure.Load(); f != nil && errors.Is(f.err, nats.ErrPermissionViolation) {
		return fmt.Errorf("see to the leases: %w", f.err)
	}
	return nil
}

func (g *Group) run(ctx context.Context) {
	defer close(g.ended)
	ticks := time.NewTicker(g.o.TTL / looks)
	defer ticks.Stop()
	for ctx.Err() == nil {
		// To the end: what is cut short may have been written all the same, and
		// then Leave would not know after which message to give it back.
		before := g.o.JS.Conn().LastError()
		err := g.look(context.WithoutCancel(ctx))
		if err != nil { // what is refused is not answered, so that only a timeout came back
			err = cmp.Or(refusedSince(g.o.JS.Conn(), before), err)
		}
		g.note(err)
		select {
		case <-ticks.C:
		case <-g.view.changed:
		case <-ctx.Done():
		}
	}
}

// note remembers since when looking around fails.
func (g *Group) note(err error) {
	if err == nil {
		g.failure.Store(nil)
		return
	}
	f := &lookFailure{time.Now(), err}
	if before := g.failure.Load(); before != nil {
		f.since = before.since
	} else {
		g.o.Log.Debug("the leases could not be seen to", "error", err)
	}
	g.failure.Store(f)
	for _, m := range g.members {
		m.settled.Store(false)
		m.tell()
	}
}

// mostLook bounds a look around, for Leave waits for its end.
const mostLook = 2 * time.Second

// look renews what the members of this process have and sees to it that they
// have their share. A member that has had no session for a TTL has none: its
// filters are for others.
func (g *Group) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(g.o.TTL/renews, mostLook))
	defer cancel()
	now := time.Now()
	for _, m := range g.members {
		m.adopt(now)
	}
	if err := g.renewAll(ctx); err != nil {
		return err
	}
	for _, m := range g.members {
		if m.idleFor(now) > g.o.TTL {
			if err := m.withdraw(ctx); err != nil {
				return err
			}
		} else if err := m.enrol(ctx); err != nil {
			return err
		}
	}
	if err := g.dismiss(ctx); err != nil {
		return err
	}
	all := g.alive(now)
	for _, m := range g.members {
		if m.sequence == 0 || m.replaced.Load() {
			continue
		}
		if err := m.renew(ctx); err != nil {
			return err
		}
		at := slices.Index(all, m.id)
		share := len(g.o.Filters) / len(all)
		if at < len(g.o.Filters)%len(all) {
			share++
		}
		if err := m.settle(ctx, share, at*len(g.o.Filters)/len(all)); err != nil {
			return err
		}
	}
	return nil
}

// dismiss gives back the places of workers that this process had in an earlier
// life and has no more: others would leave filters to them.
func (g *Group) dismiss(ctx context.Context) error {
	for subject, s := range g.view.living(g.o.Subjects.prefix("member"), time.Now()) {
		if !g.ours(&s) || s.N < len(g.members) {
			continue
		}
		guard := Guard{Subject: subject, Value: []byte("{}"), Expected: s.sequence, TTL: givenUp}
		sequence, err := guard.Put(ctx, g.o.JS)
		if err != nil && !Overtaken(err) {
			return fmt.Errorf("give up a place in the group: %w", err)
		}
		if err == nil {
			g.view.set(subject, seen{sequence: sequence, until: time.Now().Add(givenUp)})
		}
	}
	return nil
}

// alive are the ids of all workers that share out the same filters, in order.
func (g *Group) alive(now time.Time) []string {
	var all []string
	for _, m := range g.members {
		if m.sequence != 0 && !m.replaced.Load() {
			all = append(all, m.id)
		}
	}
	for _, s := range g.view.living(g.o.Subjects.prefix("member"), now) {
		if s.List == g.list && !g.ours(&s) {
			all = append(all, s.Owner)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ours tells whether a claim is of this process, or of one of the same name that
// was before it.
func (g *Group) ours(s *seen) bool { return s.Instance == g.o.Instance && s.Instance != "" }

// Holder is who has the lease of a filter that is not in this process's list;
// empty: nobody.
func (g *Group) Holder(filter string) string {
	s, held := g.view.get(g.o.Subjects.Lease(filter), time.Now())
	if !held || g.ours(&s) {
		return ""
	}
	return s.Owner
}

// Leave gives all back, so that others need not wait for it to expire. Close the
// group then.
func (g *Group) Leave(ctx context.Context) error {
	g.end()
	for _, m := range g.members {
		if m.replaced.Load() {
			continue // what goes by its name is another's
		}
		if err := m.withdraw(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close stops to renew. What is held expires. It may take some seconds when the
// watch has lost its server and looks for it.
func (g *Group) Close() {
	g.end()
	g.watch.Stop()
}

func (g *Group) end() {
	g.stop()
	<-g.ended
}
