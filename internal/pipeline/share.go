package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock"
)

// shareMeter watches which share of the last minute's events became dead
// letters. All workers share it; they call it once a batch.
type shareMeter struct {
	limit float64 // 1 = any

	mu      sync.Mutex // guards what follows
	seconds [60]second
}

// second is what a second brought.
type second struct {
	at     int64
	events int64
	dead   map[penstock.ErrorClass]int64
	sample string // one of its dead letters
}

// leastEvents is how many a minute must have before their share says anything.
const leastEvents = 100

// ErrShare says that so many events became dead letters that something else
// than the events must be wrong.
type ErrShare struct {
	Events, Dead int64
	Limit        float64
	Classes      map[penstock.ErrorClass]int64 // of the dead ones
	Sample       string                        // the id and the error of one, the first that is known
}

func (e *ErrShare) Error() string {
	return fmt.Sprintf("%d of the last minute's %d events would become dead letters, more than dead_letter.max_share (%g) allows: %s; the first: %s; "+
		"the epoch was aborted and its events come again: look at the model's mapping or the source", e.Dead, e.Events, e.Limit, e.counts(), e.Sample)
}

// counts lists the classes as in "3 decode, 1 type".
func (e *ErrShare) counts() string {
	var all []string
	for _, class := range slices.Sorted(maps.Keys(e.Classes)) {
		all = append(all, fmt.Sprintf("%d %s", e.Classes[class], class))
	}
	return strings.Join(all, ", ")
}

// add counts a batch with its dead letters and a sample of them, and gives an
// error when the share is too high.
func (m *shareMeter) add(now time.Time, events int, dead []penstock.ErrorClass, sample string) error {
	if m.limit >= 1 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := now.Unix()
	s := &m.seconds[at%int64(len(m.seconds))]
	if s.at != at {
		*s = second{at: at, dead: map[penstock.ErrorClass]int64{}}
	}
	s.events += int64(events)
	for _, class := range dead {
		s.dead[class]++
	}
	if s.sample == "" && len(dead) > 0 {
		s.sample = sample
	}
	e := m.sum(at)
	if e.Events >= leastEvents && float64(e.Dead) > m.limit*float64(e.Events) {
		return e
	}
	return nil
}

// sum adds up the minute that ends with the second at.
func (m *shareMeter) sum(at int64) *ErrShare {
	e := &ErrShare{Limit: m.limit, Classes: map[penstock.ErrorClass]int64{}}
	sampled := at + 1
	for i := range m.seconds {
		s := &m.seconds[i]
		if age := at - s.at; age < 0 || age >= int64(len(m.seconds)) {
			continue
		}
		e.Events += s.events
		for class, n := range s.dead {
			e.Classes[class] += n
			e.Dead += n
		}
		if s.sample != "" && s.at < sampled {
			e.Sample, sampled = s.sample, s.at
		}
	}
	return e
}
