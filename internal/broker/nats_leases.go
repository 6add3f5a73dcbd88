package broker

import (
	"context"
	"fmt"
	"time"
)

// renew renews the leases that are due, in as few batches as it takes where nobody
// has taken one of them.
func (m *GroupMember) renew(ctx context.Context) error {
	now := time.Now()
	var due []int
	var guards []Guard
	value, err := m.claim()
	if err != nil {
		return err
	}
	for filter, l := range m.held() {
		if !now.Before(l.until) {
			m.drop(filter)
		} else if !l.let && !now.Before(l.renewAt) {
			due = append(due, filter)
			guards = append(guards, Guard{Subject: m.g.o.Subjects.Lease(m.g.o.Filters[filter]), Value: value, Expected: l.sequence, TTL: m.g.o.TTL})
		}
	}
	if len(due) == 0 {
		return nil
	}
	sequences, err := m.g.o.Batches.PublishAll(ctx, m.g.o.JS.Conn(), guards)
	for i, sequence := range sequences {
		m.have(due[i], sequence, now)
	}
	if err == nil || !Overtaken(err) {
		return err
	}
	guards, due = guards[len(sequences):], due[len(sequences):]
	for i, filter := range due {
		sequence, err := guards[i].Put(ctx, m.g.o.JS)
		switch {
		case err == nil:
			m.have(filter, sequence, now)
		case Overtaken(err):
			if err := m.recover(ctx, filter); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// recover finds out what became of a lease that could not be renewed: an answer
// that was lost may have been a yes.
func (m *GroupMember) recover(ctx context.Context, filter int) error {
	holder, err := Last[claim](ctx, m.g.stream, m.g.o.Subjects.Lease(m.g.o.Filters[filter]))
	if err != nil {
		return err
	}
	if holder == nil || holder.Value != m.own() {
		m.drop(filter)
		return nil
	}
	m.have(filter, holder.Sequence, time.Now())
	return nil
}

// have notes a lease that was taken or renewed at now.
func (m *GroupMember) have(filter int, sequence uint64, now time.Time) {
	m.mu.Lock()
	l := m.leases[filter]
	taken := l == nil
	if taken {
		l = &lease{}
		m.leases[filter] = l
	}
	l.sequence, l.until, l.renewAt, l.tried = sequence, now.Add(m.g.o.TTL), now.Add(m.g.o.TTL/renews), time.Time{}
	m.mu.Unlock()
	if taken {
		m.tell()
	}
}

// settle brings the member to its share: what is too much it is asked to let go
// of, what it lacks it takes where it is free. It looks first for what was its
// own in the process that was here before, so that a restart changes little, and
// from filter first on, so that not all look for the same.
func (m *GroupMember) settle(ctx context.Context, share, first int) error {
	kept, let := m.keep(share)
	for _, filter := range let {
		if err := m.giveUp(ctx, filter); err != nil {
			return err
		}
	}
	value, err := m.claim()
	if err != nil {
		return err
	}
	all := len(m.g.o.Filters)
	for i := 0; i < 2*all && kept < share; i++ {
		filter := (first + i) % all
		subject := m.g.o.Subjects.Lease(m.g.o.Filters[filter])
		now := time.Now()
		s, held := m.g.view.get(subject, now)
		if held && s.claim == m.own() && !m.has(filter) { // the answer was lost
			m.have(filter, s.sequence, now)
			kept++
			continue
		}
		left := held && m.g.ours(&s) && s.Life != m.g.life
		if held && !left || i < all && (!left || s.N != m.n) {
			continue
		}
		guard := Guard{Subject: subject, Value: value, Expected: m.g.view.expected(subject, now), TTL: m.g.o.TTL}
		sequence, err := guard.Put(ctx, m.g.o.JS)
		if Overtaken(err) {
			continue // somebody was faster, or it has not expired yet
		}
		if err != nil {
			return err
		}
		m.g.view.set(subject, seen{claim: m.own(), sequence: sequence, until: now.Add(m.g.o.TTL)})
		m.have(filter, sequence, now)
		kept++
	}
	if !m.settled.Swap(true) {
		m.tell()
	}
	return nil
}

// keep asks the worker to let go of what is more than its share. It gives how
// many leases stay, and those that the worker has let go of.
func (m *GroupMember) keep(share int) (kept int, let []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := false
	for filter, l := range m.leases {
		switch {
		case l.let:
			let = append(let, filter)
		case kept < share && !l.surplus:
			kept++
		default:
			asked = asked || !l.surplus
			l.surplus = true
		}
	}
	if asked {
		m.tell()
	}
	return kept, let
}

// giveUp lets another member have a lease at once.
func (m *GroupMember) giveUp(ctx context.Context, filter int) error {
	l := m.held()[filter]
	guard := Guard{Subject: m.g.o.Subjects.Lease(m.g.o.Filters[filter]), Value: []byte("{}"), Expected: l.sequence, TTL: givenUp}
	sequence, err := guard.Put(ctx, m.g.o.JS)
	if err != nil && !Overtaken(err) {
		return fmt.Errorf("give up a lease: %w", err)
	}
	if err == nil {
		m.g.view.set(guard.Subject, seen{sequence: sequence, until: time.Now().Add(givenUp)})
	}
	m.drop(filter)
	return nil
}

func (m *GroupMember) has(filter int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leases[filter] != nil
}

// withdraw gives all leases and the member's own place up, in as few batches as it
// takes where nobody has taken one of them.
func (m *GroupMember) withdraw(ctx context.Context) error {
	if m.sequence == 0 {
		return nil
	}
	gone := Guard{Subject: m.subject, Value: []byte("{}"), Expected: m.sequence, TTL: givenUp}
	guards := []Guard{gone}
	held := m.held()
	for filter, l := range held {
		guards = append(guards, Guard{Subject: m.g.o.Subjects.Lease(m.g.o.Filters[filter]), Value: []byte("{}"), Expected: l.sequence, TTL: givenUp})
	}
	_, err := m.g.o.Batches.PublishAll(ctx, m.g.o.JS.Conn(), guards)
	if Overtaken(err) {
		for filter := range held {
			if err := m.recover(ctx, filter); err != nil {
				return err
			}
			if !m.has(filter) {
				continue
			}
			if err := m.giveUp(ctx, filter); err != nil {
				return err
			}
		}
		err = m.quit(ctx, gone)
	}
	if err != nil && !Overtaken(err) {
		return fmt.Errorf("leave the group: %w", err)
	}
	m.sequence = 0
	m.settled.Store(false)
	m.lose()
	return nil
}

// quit gives the member's place up, unless it is somebody else's by now.
func (m *GroupMember) quit(ctx context.Context, gone Guard) error {
	holder, err := Last[claim](ctx, m.g.stream, m.subject)
	if err != nil || holder == nil || holder.Value != m.own() {
		return err
	}
	gone.Expected = holder.Sequence
	_, err = gone.Put(ctx, m.g.o.JS)
	return err
}
