package broker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// replacedLimit bounds the look for a twin, which is only asked for when
// something is wrong already.
const replacedLimit = 2 * time.Second

// Lead is the place of a process's first worker in its group, which the process's
// name goes with. Of two processes that were started under one name each may
// have thrown out some workers of the other; if each worker decided for itself,
// both processes could end. But one place has one holder.
type Lead struct {
	memberID string
	session  atomic.Pointer[Session] // nil while the first worker has none
}

// NewLead is that of an instance's process.
func NewLead(group, instance string) *Lead {
	return &Lead{memberID: MemberID(group, instance, 0)}
}

func (s *Session) leads() bool { return s.o.MemberID == s.o.Lead.memberID }

// Replaced tells whether this session ended with err because another process has
// taken this one's name: a twin, started under the same one. A worker that was
// thrown out of a process that has kept it comes back.
//
// A member that was thrown out, because its process slept, joins again by
// itself under a new id. It is in the group with that before the client has the
// group's answer, so that a stranger may turn out to be the client itself.
func (s *Session) Replaced(ctx context.Context, err error) bool {
	if s.leads() && Diagnose(err).Kind == Twin {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, replacedLimit)
	defer cancel()
	admin := kadm.NewClient(s.client)
	for patience := time.Now().Add(min(s.o.SessionTimeout, replacedLimit/2)); ; {
		all, err := members(ctx, admin, s.o.Group)
		lead := s.o.Lead.session.Load()
		if err != nil || lead == nil {
			return false // the first worker finds out
		}
		mine, _ := lead.client.GroupMetadata() // after the question: what it answers may be older
		holder, ok := all[lead.o.MemberID]
		switch {
		case mine == "" || !ok || holder == mine:
			return false
		case time.Now().After(patience):
			return true
		}
		select {
		case <-time.After(soon):
		case <-ctx.Done():
			return false
		}
	}
}
