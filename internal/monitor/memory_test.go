package monitor

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/penstock/penstock/drift"
)

// memory is a broker in memory, with one owner after the other.
type memory struct {
	mu       sync.Mutex // protects what follows
	log      []Delta
	position int
	state    map[string]StateRecord
	written  map[string]time.Time // records of the state
	reports  [][]byte
	alarms   [][]byte
	frozen   []*FrozenReference
	freezing bool // this commit has a reference
	// superseding: this one ends an alarm of others.
	superseding bool
	commits     int
	opened      int
	surveys     []context.Context // that the state was read with
	left        int               // of these, at commits
	surveyed    []int             // records, by each
	// tear is asked at each commit, numbered from 1, what becomes of it.
	tear func(commit int) tear
	// chunk is how many deltas a poll gives at most.
	chunk   int
	pace    time.Duration // of polls, so that there are many commits
	room    int
	guarded bool
	// most records of an output were these, its sums aside.
	most int
	idle chan struct{} // closed when all is read and committed
	over bool
}

// tear says what of a commit becomes durable before the session breaks.
type tear uint8

const (
	whole        tear = iota // all of it, and the session goes on
	nothing                  // none
	sumsOnly                 // what may be durable before the rest
	answerLost               // all of it
	stateOnly                // no broker does this: a mutant that writes its state by itself
	positionOnly             // nor this: one that writes its state later
	reportsOnly              // nor this: one that publishes what it says by itself
)

func newMemory(log []Delta) *memory {
	return &memory{log: log, state: map[string]StateRecord{}, written: map[string]time.Time{}, pace: 100 * time.Millisecond, chunk: 10, room: 1000, tear: func(int) tear { return whole }}
}

func (m *memory) Open(context.Context, Identity) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened++
	return &memorySession{m: m, at: m.position}, nil
}

type memorySession struct {
	m  *memory
	at int
}

func (s *memorySession) Poll(ctx context.Context, most int) ([]Delta, error) {
	time.Sleep(s.m.pace)
	s.m.mu.Lock()
	n := min(s.m.chunk, most, len(s.m.log)-s.at)
	all := slices.Clone(s.m.log[s.at : s.at+n])
	s.at += n
	s.m.mu.Unlock()
	if n == 0 {
		<-ctx.Done()
	}
	return all, nil
}

func (s *memorySession) Owner() bool { return true }

func (s *memorySession) State(ctx context.Context, keys []string, take func(StateRecord) error) error {
	s.m.surveys, s.m.surveyed = append(s.m.surveys, ctx), append(s.m.surveyed, 0)
	for key, r := range s.m.state {
		if keys != nil && !slices.Contains(keys, r.Key) {
			continue
		}
		s.m.surveyed[len(s.m.surveys)-1]++
		r.Age = time.Since(s.m.written[key]).Milliseconds()
		if err := take(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *memorySession) Partitions(context.Context) ([]drift.PartitionID, error) {
	return partitionIDs(), nil
}

func (s *memorySession) Reached(context.Context) (bool, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.m.position == len(s.m.log), nil
}

func (s *memorySession) Room() int     { return s.m.room }
func (s *memorySession) Guarded() bool { return s.m.guarded }

var errTorn = errors.New("the session broke")

func (s *memorySession) Commit(_ context.Context, out *Output) error {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	for _, ctx := range m.surveys {
		if ctx.Err() == nil {
			m.left++
		}
	}
	m.freezing = out.Reference != nil
	m.superseding = slices.ContainsFunc(out.Alarms, func(r Published) bool { return bytes.Contains(r.Value, []byte(reasonSuperseded)) })
	became := m.tear(m.commits)
	m.most = max(m.most, len(out.Reports)+len(out.Alarms)+len(out.State))
	if became == whole || became == answerLost || became == stateOnly || became == sumsOnly {
		m.put(out.Sums)
	}
	if became == whole || became == answerLost || became == stateOnly {
		m.put(out.State)
	}
	if became == whole || became == answerLost || became == positionOnly {
		m.position = s.at
	}
	if became == whole || became == answerLost || became == reportsOnly {
		for _, r := range out.Reports {
			m.reports = append(m.reports, r.Value)
		}
		for _, r := range out.Alarms {
			m.alarms = append(m.alarms, r.Value)
		}
	}
	if became == whole || became == answerLost {
		if out.Reference != nil {
			m.frozen = append(m.frozen, out.Reference)
		}
	}
	if m.position == len(m.log) && !m.over {
		m.over = true
		close(m.idle)
	}
	if became != whole {
		return errTorn
	}
	return nil
}

func (m *memory) put(records []StateRecord) {
	for _, r := range records {
		m.state[r.Identity+"/"+r.Key] = r
		m.written[r.Identity+"/"+r.Key] = time.Now()
		if len(r.Value) == 0 {
			delete(m.state, r.Identity+"/"+r.Key)
		}
	}
}

func (s *memorySession) Leave(context.Context) error { return nil }
func (s *memorySession) Close()                      {}
