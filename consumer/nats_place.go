package consumer

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// place gives all filters that have no position one. Events that
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
	retired, err := n.leftOvers(known)
	if err != nil {
		return err
	}
	guards, err := n.placed(info, known, retired)
	if err != nil {
		return err
	}
	if len(retired) > 0 { // one filter's end is another's beginning
		_, err = n.o.Session.Batches.Publish(ctx, n.o.Session.Conn, nil, guards)
	} else {
		_, err = n.o.Session.Batches.PublishAll(ctx, n.o.Session.Conn, guards)
	}
	if broker.Overtaken(err) {
		return nil // another worker has done it
	}
	if err != nil {
		return err
	}
	for other := range retired {
		if known[other].Value.OverrulesConsumer {
			continue
		}
		if err := n.deleteDurable(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// leftOvers are the filters of an earlier list whose events some filter without
// a position takes over. Nobody may read them any more.
func (n *NATS) leftOvers(known map[string]broker.Held[broker.Position]) (map[string]bool, error) {
	all := map[string]bool{}
	for _, filter := range n.o.Filters {
		if mine, ok := known[filter]; ok && !mine.Value.Retired {
			continue
		}
		for _, other := range leftOver(known, n.o.Filters, filter) {
			if holder := n.o.Group.Holder(other); holder != "" {
				return nil, fmt.Errorf("filter %s takes events that %s takes too, which worker %s still reads: stop it first, for its list of filters is another", filter, other, holder)
			}
			all[other] = true
		}
	}
	return all, nil
}

// placed are the positions of filters that have none yet, and those of the
// retired, as they are to be.
func (n *NATS) placed(info *jetstream.StreamInfo, known map[string]broker.Held[broker.Position], retired map[string]bool) ([]broker.Guard, error) {
	first := max(info.State.FirstSeq, 1)
	if n.o.Start == Latest {
		first = info.State.LastSeq + 1
	}
	next := map[string]broker.Position{}
	for _, filter := range n.o.Filters {
		if mine, ok := known[filter]; !ok || mine.Value.Retired {
			p := resume(broker.Position{Stream: n.source, Created: info.Created, OverrulesConsumer: n.o.ExactlyOnce}, filter, first, facts(known, filter))
			for _, other := range leftOver(known, n.o.Filters, filter) {
				p.Since = n.since(p.Since, known[other])
			}
			next[filter] = p
			n.o.Log.Info("filter has no position yet; it begins here", "stream", n.source, "filter", filter, "sequence", p.Next)
		}
	}
	if most := n.o.Session.Batches.Most(); len(retired) > 0 && len(next)+len(retired) > most {
		return nil, fmt.Errorf("the list of filters changed so much that it takes %d positions at once, and the server takes %d: change it in steps", len(next)+len(retired), most)
	}
	guards := make([]broker.Guard, 0, len(next)+len(retired))
	add := func(filter string, p broker.Position) error {
		guard, err := positionGuard(n.o.Session.Subjects.Position(filter), &p, known[filter].Sequence)
		guards = append(guards, guard)
		return err
	}
	for other := range retired { // first: where only they were written, they are known the next time
		p := known[other].Value
		p.Retired = true
		if err := add(other, p); err != nil {
			return nil, err
		}
	}
	for filter, p := range next {
		if err := add(filter, p); err != nil {
			return nil, err
		}
	}
	return guards, nil
}

// positions are those of all filters that ever were read.
func (n *NATS) positions(ctx context.Context) (map[string]broker.Held[broker.Position], error) {
	known, err := knownPositions(ctx, n.o.Session.Own, n.o.Session.Subjects)
	if err != nil {
		return nil, err
	}
	for filter, p := range known {
		if p.Value.Retired || p.Value.OverrulesConsumer {
			continue
		}
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
