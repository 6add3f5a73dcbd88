package consumer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// begin reads where a filter stands, or decides where it begins and writes that
// down before anything is read.
func (n *NATS) begin(ctx context.Context, r *filterReader) error {
	for {
		held, err := n.position(ctx, r.filter)
		if err != nil {
			return err
		}
		if held == nil || held.Value.Retired {
			if err := n.place(ctx); err != nil {
				return err
			}
			continue // another worker may have been faster
		}
		r.position = *held
		break
	}
	info, err := n.o.Session.Source.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up the source stream: %w", err)
	}
	p := place{
		topic: n.source, partition: int32(r.number), topicID: identity(n.source, info),
		committed: int64(r.position.Value.Next), start: int64(info.State.FirstSeq), end: int64(info.State.LastSeq) + 1,
		known: &knownPosition{TopicID: r.position.Value.Stream + "@" + r.position.Value.Created.UTC().String()},
	}
	if !n.o.ExactlyOnce {
		// The server moves its consumer on by itself, and knows which of the events
		// that are gone were this filter's.
		p.start = min(p.start, p.committed)
	}
	b, err := p.begin(n.o.Start, n.o.From)
	if err != nil {
		return fmt.Errorf("filter %s: %w", r.filter, err)
	}
	log := n.o.Log.With("stream", n.source, "filter", r.filter, "sequence", b.offset)
	switch {
	case b.expired > 0:
		log.Warn("retention removed events before they were read; going on at the earliest one left", "removed_at_most", b.expired)
		n.o.Telemetry.Expired(b.expired)
	case b.chosen:
		log.Warn("the position was lost; going on where --from says")
	}
	if uint64(b.offset) == r.position.Value.Next && !b.chosen {
		return nil
	}
	return n.move(ctx, r, broker.Position{Next: uint64(b.offset), Stream: n.source, Created: info.Created, Resume: r.position.Value.Resume, Else: r.position.Value.Else})
}

// identity tells a stream from one of the same name that was made later.
func identity(name string, info *jetstream.StreamInfo) string {
	return name + "@" + info.Created.UTC().String()
}

// position is where a filter stands; nil where it never was read. At least once
// the filter's consumer knows.
func (n *NATS) position(ctx context.Context, filter string) (*broker.Held[broker.Position], error) {
	held, err := broker.Last[broker.Position](ctx, n.o.Session.Own, n.o.Session.Subjects.Position(filter))
	if err != nil || held == nil || held.Value.Retired || n.o.ExactlyOnce {
		return held, err
	}
	// Where there is none it is made, and begins where the position says.
	floor, err := ackFloor(ctx, n.o.Session.JS, n.source, durableName(n.o.GroupName, filter))
	held.Value.Next = max(held.Value.Next, floor+1)
	return held, err
}

// move writes a filter's position.
func (n *NATS) move(ctx context.Context, r *filterReader, to broker.Position) error {
	guard, err := positionGuard(n.o.Session.Subjects.Position(r.filter), &to, r.position.Sequence)
	if err != nil {
		return err
	}
	if !n.o.ExactlyOnce { // it is made again, where the position says
		err := n.o.Session.Source.DeleteConsumer(ctx, durableName(n.o.GroupName, r.filter))
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete the consumer of %s: %w", r.filter, err)
		}
	}
	sequence, err := guard.Put(ctx, n.o.Session.JS)
	if err != nil {
		return err
	}
	r.position = broker.Held[broker.Position]{Value: to, Sequence: sequence}
	return nil
}

func positionGuard(subject string, p *broker.Position, expected uint64) (broker.Guard, error) {
	value, err := json.Marshal(p)
	if err != nil {
		return broker.Guard{}, fmt.Errorf("write %s: %w", subject, err)
	}
	return broker.Guard{Subject: subject, Value: value, Expected: expected}, nil
}

// place gives all filters that have no position one, in one batch. Events that
// a filter took which is no longer in the list go on where that stood, and it is
// retired: who still reads it finds the next epoch refused.
func (n *NATS) place(ctx context.Context) error {
	info, err := n.o.Session.Source.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up the source stream: %w", err)
	}
	known, err := n.positions(ctx)
	if err != nil {
		return err
	}
	first := info.State.FirstSeq
	if n.o.Start == Latest {
		first = info.State.LastSeq + 1
	}
	first = max(first, 1)
	var guards []broker.Guard
	retired := map[string]bool{}
	for _, filter := range n.o.Filters {
		mine, ok := known[filter]
		if ok && !mine.Value.Retired {
			continue
		}
		for _, other := range leftOver(known, n.o.Filters, filter) {
			if holder := n.o.Group.Holder(other); holder != "" {
				return fmt.Errorf("filter %s takes events that %s takes too, which worker %s still reads: stop it first, for its list of filters is another", filter, other, holder)
			}
			retired[other] = true
		}
		p := resume(broker.Position{Stream: n.source, Created: info.Created}, filter, first, facts(known, filter))
		guard, err := positionGuard(n.o.Session.Subjects.Position(filter), &p, mine.Sequence)
		if err != nil {
			return err
		}
		guards = append(guards, guard)
		n.o.Log.Info("filter has no position yet; it begins here", "stream", n.source, "filter", filter, "sequence", p.Next)
	}
	for other := range retired {
		p := known[other].Value
		p.Retired = true
		guard, err := positionGuard(n.o.Session.Subjects.Position(other), &p, known[other].Sequence)
		if err != nil {
			return err
		}
		guards = append(guards, guard)
	}
	if len(retired) > 0 && len(guards) > broker.MaxBatch {
		return fmt.Errorf("the list of filters changed so much that it takes %d positions at once, and the server takes %d: change it in steps", len(guards), broker.MaxBatch)
	}
	for chunk := range slices.Chunk(guards, broker.MaxBatch) {
		_, err = broker.PublishBatch(ctx, n.o.Session.Conn, nil, chunk)
		if broker.Overtaken(err) {
			return nil // another worker has done it
		}
		if err != nil {
			return err
		}
	}
	if n.o.ExactlyOnce {
		return nil
	}
	for other := range retired {
		err := n.o.Session.Source.DeleteConsumer(ctx, durableName(n.o.GroupName, other))
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete the consumer of %s: %w", other, err)
		}
	}
	return nil
}

// positions are those of all filters that ever were read.
func (n *NATS) positions(ctx context.Context) (map[string]broker.Held[broker.Position], error) {
	known, err := knownPositions(ctx, n.o.Session.Own, n.o.Session.Subjects)
	if err != nil || n.o.ExactlyOnce {
		return known, err
	}
	for filter := range known { // at least once the consumers know more
		held, err := n.position(ctx, filter)
		if err != nil {
			return nil, err
		}
		if held != nil {
			known[filter] = *held
		}
	}
	return known, nil
}

// knownPositions are the positions in a pipeline's own stream, by filter.
func knownPositions(ctx context.Context, own jetstream.Stream, subjects broker.Subjects) (map[string]broker.Held[broker.Position], error) {
	info, err := own.Info(ctx, jetstream.WithSubjectFilter(subjects.Of("position")))
	if err != nil {
		return nil, fmt.Errorf("look up the positions: %w", err)
	}
	known := map[string]broker.Held[broker.Position]{}
	for subject := range info.State.Subjects {
		filter, err := url.PathUnescape(subject[strings.LastIndexByte(subject, '.')+1:])
		if err != nil {
			continue // nobody's position
		}
		held, err := broker.Last[broker.Position](ctx, own, subject)
		if err != nil {
			return nil, err
		}
		if held != nil {
			known[filter] = *held
		}
	}
	return known, nil
}

// leftOver are filters that had a position, are no longer in the list, and took
// events which filter takes now.
func leftOver(known map[string]broker.Held[broker.Position], list []string, filter string) []string {
	var all []string
	for other, p := range known {
		if !p.Value.Retired && !slices.Contains(list, other) && config.Overlap(other, filter) {
			all = append(all, other)
		}
	}
	slices.Sort(all)
	return all
}

// facts are what is known of the events that a filter takes: those that some
// filter took are done before where that stands, whether it is still used,
// retired, or went by such facts itself. What another one says better is left
// out.
func facts(known map[string]broker.Held[broker.Position], filter string) []broker.Resume {
	var all []broker.Resume
	for other, p := range known {
		if config.Overlap(other, filter) {
			all = append(all, broker.Resume{Filter: other, From: p.Value.Next})
			all = append(all, p.Value.Resume...)
		}
	}
	slices.SortFunc(all, func(a, b broker.Resume) int {
		return cmp.Or(cmp.Compare(b.From, a.From), strings.Compare(a.Filter, b.Filter))
	})
	var kept []broker.Resume
	for _, f := range all {
		better := func(k broker.Resume) bool {
			return config.Covers(k.Filter, f.Filter) || config.Covers(k.Filter, filter)
		}
		if config.Overlap(f.Filter, filter) && !slices.ContainsFunc(kept, better) {
			kept = append(kept, f)
		}
	}
	return kept
}

// resume places a filter of whose events these facts are known; first is where
// it begins for all that none of them is about.
func resume(p broker.Position, filter string, first uint64, facts []broker.Resume) broker.Position {
	p.Next = first
	if len(facts) == 0 {
		return p
	}
	p.Resume, p.Else = facts, first
	if slices.ContainsFunc(facts, func(f broker.Resume) bool { return config.Covers(f.Filter, filter) }) {
		p.Next, p.Else = facts[0].From, 0
	}
	for _, f := range facts {
		p.Next = min(p.Next, f.From)
	}
	return moved(p, p.Next)
}

// moved is a position that goes on at next. What it resumes is forgotten once
// all of it has gone by.
func moved(p broker.Position, next uint64) broker.Position {
	p.Next = next
	if p.Else <= next && !slices.ContainsFunc(p.Resume, func(f broker.Resume) bool { return f.From > next }) {
		p.Resume, p.Else = nil, 0
	}
	return p
}

// done tells whether an event was scored under another filter, or is of no
// interest.
func done(p *broker.Position, subject string, sequence uint64) bool {
	if len(p.Resume) == 0 {
		return false
	}
	about := false
	for i := range p.Resume {
		if config.Covers(p.Resume[i].Filter, subject) {
			if sequence < p.Resume[i].From {
				return true
			}
			about = true
		}
	}
	return !about && sequence < p.Else
}
