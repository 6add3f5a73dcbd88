package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/internal/failpoint"
)

// GroupMember is one worker of this process. The group's goroutine takes and
// renews its leases; the worker reads what it has, and lets go.
type GroupMember struct {
	g       *Group
	id      string
	n       int
	subject string

	// The group's goroutine alone uses these.
	sequence uint64    // of its message; 0: there is none
	last     uint64    // the sequence of its message when it last had one; 0: it never had
	until    time.Time // its end
	renewAt  time.Time

	replaced atomic.Bool
	settled  atomic.Bool
	changed  chan struct{} // has a token when the worker should look

	mu        sync.Mutex     // guards what follows
	leases    map[int]*lease // by filter
	sessions  int            // an old one may not be closed yet when the next is there
	idleSince time.Time      // when it last had a session
}

// lease is one that a member has.
type lease struct {
	sequence uint64
	until    time.Time
	renewAt  time.Time
	surplus  bool // the worker is asked to let go
	let      bool // it has
}

// Filters are those that the worker is to read, by their numbers.
func (m *GroupMember) Filters() map[int]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	all := map[int]bool{}
	if failpoint.Mutant(everyFilter) {
		for filter := range m.g.o.Filters {
			all[filter] = true
		}
		return all
	}
	for filter, l := range m.leases {
		if !l.surplus && now.Before(l.until) {
			all[filter] = true
		}
	}
	return all
}

// Changed has a token when Filters may give something else.
func (m *GroupMember) Changed() <-chan struct{} { return m.changed }

// Surplus are leases that the worker is asked to let go of.
func (m *GroupMember) Surplus() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []int
	for filter, l := range m.leases {
		if l.surplus && !l.let {
			all = append(all, filter)
		}
	}
	return all
}

// LetGo says that the worker reads a filter no more and has committed all that
// it read.
func (m *GroupMember) LetGo(filter int) {
	m.mu.Lock()
	if l := m.leases[filter]; l != nil {
		l.let = true
	}
	m.mu.Unlock()
	m.g.view.kick()
}

// Replaced tells whether another process works under this one's name.
func (m *GroupMember) Replaced() bool { return m.replaced.Load() }

// Settled tells whether the member has its share, as far as there is one to take.
func (m *GroupMember) Settled() bool { return m.settled.Load() }

func (m *GroupMember) tell() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// held are copies of the leases that the member has.
func (m *GroupMember) held() map[int]lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[int]lease, len(m.leases))
	for filter, l := range m.leases {
		all[filter] = *l
	}
	return all
}

func (m *GroupMember) drop(filter int) {
	m.mu.Lock()
	delete(m.leases, filter)
	m.mu.Unlock()
	m.tell()
}

// claim is what the member writes.
func (m *GroupMember) claim() ([]byte, error) {
	return json.Marshal(m.own())
}

func (m *GroupMember) own() claim {
	return claim{Owner: m.id, Life: m.g.life, Instance: m.g.o.Instance, N: m.n, List: m.g.list}
}

// Begin says that the worker has a session, until end is called. Without one for
// a TTL its filters go to others.
func (m *GroupMember) Begin() (end func()) {
	m.mu.Lock()
	m.sessions++
	m.mu.Unlock()
	m.g.view.kick()
	return sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.sessions--
		m.idleSince = time.Now()
	})
}

// idleFor is how long the worker has had no session.
func (m *GroupMember) idleFor(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions > 0 {
		return 0
	}
	return now.Sub(m.idleSince)
}

// enrol says that the member is there. The first time it takes the place of a
// process that was there under its name; later, one that takes its own place is
// a twin.
func (m *GroupMember) enrol(ctx context.Context) error {
	now := time.Now()
	if m.replaced.Load() || m.sequence != 0 && now.Before(m.renewAt) {
		return nil
	}
	expected := m.sequence
	if expected != 0 && !now.Before(m.until) {
		m.lose() // it was away for too long: others have its filters
		expected = 0
	}
	value, err := m.claim()
	if err != nil {
		return err
	}
	for {
		guard := Guard{Subject: m.subject, Value: value, Expected: expected, TTL: m.g.o.TTL}
		sequence, err := guard.Put(ctx, m.g.o.JS)
		if err == nil {
			m.last = sequence
			m.sequence, m.until, m.renewAt = sequence, now.Add(m.g.o.TTL), now.Add(m.g.o.TTL/renews)
			return nil
		}
		if !Overtaken(err) {
			return err
		}
		holder, err := Last[claim](ctx, m.g.stream, m.subject)
		switch {
		case err != nil:
			return err
		case holder == nil:
			expected = 0
		case holder.Sequence < m.last:
			return errStale
		case m.last != 0 && holder.Value.Owner != "" && holder.Value.Life != m.g.life:
			m.replaced.Store(true)
			m.lose()
			return nil
		default:
			expected = holder.Sequence
		}
	}
}

// errStale says that the answer came from a server that is behind the others.
var errStale = errors.New("the server told what had been there before")

// lose forgets all leases.
func (m *GroupMember) lose() {
	m.mu.Lock()
	clear(m.leases)
	m.mu.Unlock()
	m.tell()
}

// renew renews the leases that are due, all in one batch where nobody has taken
// one of them.
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
		} else if !l.let && !now.Before(l.renewAt) && len(due) < MaxBatch {
			due = append(due, filter)
			guards = append(guards, Guard{Subject: m.g.o.Subjects.Lease(m.g.o.Filters[filter]), Value: value, Expected: l.sequence, TTL: m.g.o.TTL})
		}
	}
	if len(due) == 0 {
		return nil
	}
	last, err := PublishBatch(ctx, m.g.o.JS.Conn(), nil, guards)
	if err == nil {
		for i, filter := range due {
			m.have(filter, last-uint64(len(due)-1-i), now)
		}
		return nil
	}
	if !Overtaken(err) {
		return err
	}
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
	l.sequence, l.until, l.renewAt = sequence, now.Add(m.g.o.TTL), now.Add(m.g.o.TTL/renews)
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

// withdraw gives all leases and the member's own place up, all in one batch
// where nobody has taken one of them.
func (m *GroupMember) withdraw(ctx context.Context) error {
	if m.sequence == 0 {
		return nil
	}
	gone := Guard{Subject: m.subject, Value: []byte("{}"), Expected: m.sequence, TTL: givenUp}
	guards := []Guard{gone}
	held := m.held()
	for filter, l := range held {
		if len(guards) < MaxBatch {
			guards = append(guards, Guard{Subject: m.g.o.Subjects.Lease(m.g.o.Filters[filter]), Value: []byte("{}"), Expected: l.sequence, TTL: givenUp})
		}
	}
	_, err := PublishBatch(ctx, m.g.o.JS.Conn(), nil, guards)
	if Overtaken(err) {
		for filter := range held {
			if err := m.giveUp(ctx, filter); err != nil {
				return err
			}
		}
		_, err = gone.Put(ctx, m.g.o.JS)
	}
	if err != nil && !Overtaken(err) {
		return fmt.Errorf("leave the group: %w", err)
	}
	m.sequence = 0
	m.settled.Store(false)
	m.lose()
	return nil
}
