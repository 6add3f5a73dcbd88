package broker

import (
	"cmp"
	"context"
	"time"
)

// renewal is a guard that renews what a member has, and what to do when it is in
// the stream.
type renewal struct {
	guard Guard
	noted func(sequence uint64)
}

// renewAll renews what is due of all members, their places and their leases, in
// one batch where nobody has taken any of it: on a busy server a round trip takes
// long, and one for each worker and each filter would outlast the leases. What is
// refused is left for enrol and renew, which go about it worker by worker.
func (g *Group) renewAll(ctx context.Context) error {
	now := time.Now()
	var all []renewal
	for _, m := range g.members {
		due, err := m.due(now)
		if err != nil {
			return err
		}
		all = append(all, due...)
	}
	if len(all) == 0 {
		return nil
	}
	guards := make([]Guard, 0, len(all))
	for i := range all {
		guards = append(guards, all[i].guard)
	}
	sequences, err := g.o.Batches.PublishAll(ctx, g.o.JS.Conn(), guards)
	for i, sequence := range sequences {
		all[i].noted(sequence)
	}
	if Overtaken(err) {
		return nil
	}
	return err
}

// due are the renewals that it is time for, which are noted as tried.
func (m *GroupMember) due(now time.Time) ([]renewal, error) {
	if m.sequence == 0 || m.replaced.Load() || m.idleFor(now) > m.g.o.TTL {
		return nil, nil
	}
	value, err := m.claim()
	if err != nil {
		return nil, err
	}
	var all []renewal
	if now.Before(m.until) && !now.Before(m.renewAt) {
		m.tried = cmp.Or(m.tried, now)
		guard := Guard{Subject: m.subject, Value: value, Expected: m.sequence, TTL: m.g.o.TTL}
		all = append(all, renewal{guard, func(sequence uint64) { m.enrolled(sequence, now) }})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for filter, l := range m.leases {
		if l.let || !now.Before(l.until) || now.Before(l.renewAt) {
			continue
		}
		l.tried = cmp.Or(l.tried, now)
		guard := Guard{Subject: m.g.o.Subjects.Lease(m.g.o.Filters[filter]), Value: value, Expected: l.sequence, TTL: m.g.o.TTL}
		all = append(all, renewal{guard, func(sequence uint64) { m.have(filter, sequence, now) }})
	}
	return all, nil
}

// adopt learns from the watch which renewals are in the stream whose answers did
// not come in time: to find that out by asking takes several round trips more. They
// count from when they were first sent.
func (m *GroupMember) adopt(now time.Time) {
	if m.sequence == 0 || m.replaced.Load() {
		return
	}
	if s, held := m.g.view.get(m.subject, now); held && !m.tried.IsZero() && s.claim == m.own() && s.sequence > m.sequence {
		m.enrolled(s.sequence, m.tried)
	}
	for filter, l := range m.held() {
		s, held := m.g.view.get(m.g.o.Subjects.Lease(m.g.o.Filters[filter]), now)
		if held && !l.tried.IsZero() && s.claim == m.own() && s.sequence > l.sequence {
			m.have(filter, s.sequence, l.tried)
		}
	}
}
