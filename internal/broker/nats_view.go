package broker

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// claim is the value of a lease's message, and of a member's. An empty Owner
// gives it up.
type claim struct {
	Owner string `json:"owner"` // member id
	// Life tells two processes of one name apart, and a process from the one that
	// it was before.
	Life string `json:"life"`
	// Instance and N make up the owner's id.
	Instance string `json:"instance,omitempty"`
	N        int    `json:"n,omitempty"`
	// List tells members apart that share out other filters.
	List string `json:"list,omitempty"`
}

// seen is a claim with its place in the stream and its end.
type seen struct {
	claim
	sequence uint64
	until    time.Time // by this process's clock, about
}

// view is what this process knows of the leases and members of the group, by
// subject. It is behind the stream by a moment: who acts upon it is refused
// where it is wrong.
type view struct {
	ttl     time.Duration
	changed chan struct{} // has a token when something is new

	mu    sync.Mutex // guards what follows
	all   map[string]seen
	swept time.Time
}

func newView(ttl time.Duration) *view {
	return &view{ttl: ttl, changed: make(chan struct{}, 1), all: map[string]seen{}}
}

// note is the watch's handler.
func (v *view) note(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return // it is none of JetStream's
	}
	s := seen{sequence: meta.Sequence.Stream}
	if err := json.Unmarshal(m.Data(), &s.claim); err != nil {
		return // nobody's claim
	}
	// From now on, and not from when it was written: clocks need not agree.
	s.until = time.Now().Add(v.ttl)
	if s.Owner == "" {
		s.until = time.Now().Add(givenUp)
	}
	v.set(m.Subject(), s)
}

// givenUp is how long it stays in the stream that somebody gave something up.
const givenUp = time.Second

// set notes a claim, unless a later one is known, and forgets those that ended
// long ago.
func (v *view) set(subject string, s seen) {
	v.mu.Lock()
	news := v.all[subject].sequence < s.sequence
	if news {
		v.all[subject] = s
	}
	if now := time.Now(); now.After(v.swept.Add(v.ttl)) {
		v.swept = now
		maps.DeleteFunc(v.all, func(_ string, s seen) bool { return now.After(s.until.Add(v.ttl)) })
	}
	v.mu.Unlock()
	if news {
		v.kick()
	}
}

// kick has the group look again.
func (v *view) kick() {
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// get gives the claim to a subject, and whether somebody has it.
func (v *view) get(subject string, now time.Time) (s seen, held bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s = v.all[subject]
	return s, s.Owner != "" && now.Before(s.until)
}

// living are the claims that somebody has to the subjects below a prefix.
func (v *view) living(prefix string, now time.Time) map[string]seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := map[string]seen{}
	for subject, s := range v.all {
		if strings.HasPrefix(subject, prefix) && s.Owner != "" && now.Before(s.until) {
			all[subject] = s
		}
	}
	return all
}

// expected is the sequence that a subject's next message must follow, as far as
// is known: a claim that has ended is gone from the stream.
func (v *view) expected(subject string, now time.Time) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.all[subject]; now.Before(s.until) {
		return s.sequence
	}
	return 0
}
