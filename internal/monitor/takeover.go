package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/penstock/penstock/internal/failpoint"
)

// errSilent says that the rest of the state did not come.
var errSilent = errors.New("the broker has stopped answering")

// takeOver reads what the last owner committed. That may be much: what is bounded
// is how long the next record takes.
func (m *Monitor) takeOver(ctx context.Context, s Session) (*owner, error) {
	start := m.o.Now()
	o := &owner{m: m, session: s, core: NewCore(m.o.Core)}
	mine := map[string][]byte{}
	size, youngest := 0, longAbandoned
	others, err := m.survey(ctx, s, nil, func(r *StateRecord) {
		if len(r.Value) == 0 {
			delete(mine, r.Key)
			return
		}
		mine[r.Key] = r.Value
		size, youngest = size+len(r.Value), min(youngest, r.age())
	})
	if err == nil {
		err = o.core.Restore(mine)
	}
	if err != nil {
		return nil, fmt.Errorf("take over: %w", err)
	}
	if youngest >= outOfUse {
		o.core.Succeed(others)
	}
	o.expect(others)
	failpoint.Hit("drift-restored")
	o.left = remains(others)
	m.o.Log.Info("this process watches drift now", "generation", m.o.Core.Identity.Generation,
		"state_bytes", size, "took", m.o.Now().Sub(start).Round(time.Millisecond))
	o.show()
	return o, nil
}

// survey reads the state, or what these keys have of it: what is mine is taken, and
// of others it is noted what there is.
func (m *Monitor) survey(ctx context.Context, s Session, keys []string, mine func(*StateRecord)) (map[string]*abandoned, error) {
	others := map[string]*abandoned{}
	token := m.o.Core.Identity.Token()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(m.o.Timeout, func() { cancel(errSilent) })
	defer silence.Stop()
	err := s.State(ctx, keys, func(r StateRecord) error {
		silence.Reset(m.o.Timeout)
		if r.Identity == token {
			mine(&r)
		} else {
			note(others, &r)
		}
		return nil
	})
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	return others, err
}

// abandoned is the state of an identity that nobody may need any more.
type abandoned struct {
	keys map[string]bool
	age  time.Duration // of the youngest record
	told told
}

// outOfUse tells whether nobody counts for the identity any more.
func (a *abandoned) outOfUse() bool { return a.age >= outOfUse }

// longAbandoned is the age from which on another identity's state is removed.
// Whoever comes back to it later begins anew.
const longAbandoned = 14 * 24 * time.Hour

func (r *StateRecord) age() time.Duration { return time.Duration(r.Age) * time.Millisecond }

func note(others map[string]*abandoned, r *StateRecord) {
	a := others[r.Identity]
	if a == nil {
		a = &abandoned{keys: map[string]bool{}, age: longAbandoned}
		others[r.Identity] = a
	}
	a.age = min(a.age, r.age())
	if r.Key == toldKey && json.Unmarshal(r.Value, &a.told) != nil {
		a.told = told{} // of a version that is not known here
	}
	if len(r.Value) == 0 {
		delete(a.keys, r.Key)
	} else {
		a.keys[r.Key] = true
	}
}

// remains removes what was abandoned long ago.
func remains(others map[string]*abandoned) []StateRecord {
	var all []StateRecord
	for _, token := range slices.Sorted(maps.Keys(others)) {
		a := others[token]
		if a.age < longAbandoned {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(a.keys)) {
			all = append(all, StateRecord{Identity: token, Key: key})
		}
	}
	return all
}
