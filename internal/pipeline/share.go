package pipeline

import (
	"fmt"
	"sync"
	"time"
)

// shareMeter watches which share of the last minute's events became dead
// letters. All workers share it; they call it once a batch.
type shareMeter struct {
	limit float64 // 1 = any

	mu      sync.Mutex // guards what follows
	seconds [60]struct {
		at           int64
		events, dead int64
	}
}

// leastEvents is how many a minute must have before their share says anything.
const leastEvents = 100

// ErrShare says that so many events became dead letters that something else
// than the events must be wrong.
type ErrShare struct {
	Events, Dead int64
	Limit        float64
}

func (e *ErrShare) Error() string {
	return fmt.Sprintf("%d of the last minute's %d events would become dead letters, more than dead_letter.max_share (%g) allows; "+
		"the epoch was aborted and nothing is lost: look at penstock dlq list, then at the model's mapping or the source", e.Dead, e.Events, e.Limit)
}

// add counts a batch, and gives an error when the share is too high.
func (m *shareMeter) add(now time.Time, events, dead int) error {
	if m.limit >= 1 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := now.Unix()
	s := &m.seconds[at%int64(len(m.seconds))]
	if s.at != at {
		s.at, s.events, s.dead = at, 0, 0
	}
	s.events += int64(events)
	s.dead += int64(dead)
	e := ErrShare{Limit: m.limit}
	for i := range m.seconds {
		if age := at - m.seconds[i].at; age >= 0 && age < int64(len(m.seconds)) {
			e.Events += m.seconds[i].events
			e.Dead += m.seconds[i].dead
		}
	}
	if e.Events >= leastEvents && float64(e.Dead) > m.limit*float64(e.Events) {
		return &e
	}
	return nil
}
