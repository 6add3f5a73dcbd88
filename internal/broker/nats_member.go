package broker

import (
	"context"
	"encoding/json"
	"errors"
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
	tried    time.Time // when the first of those renewals was sent that are not answered; zero: none

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
	tried    time.Time // when the first of those renewals was sent that are not answered; zero: none
	surplus  bool      // the worker is asked to let go
	let      bool      // it has
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

// Holds tells whether the member still has a filter's lease.
func (m *GroupMember) Holds(filter int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.leases[filter]
	return l != nil && time.Now().Before(l.until) || failpoint.Mutant(everyFilter)
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
			m.enrolled(sequence, now)
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

// enrolled notes the member's message, which was sent at now.
func (m *GroupMember) enrolled(sequence uint64, now time.Time) {
	m.last, m.tried = sequence, time.Time{}
	m.sequence, m.until, m.renewAt = sequence, now.Add(m.g.o.TTL), now.Add(m.g.o.TTL/renews)
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
