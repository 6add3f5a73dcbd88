package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestReplaced tells a twin from a member that is alone, and has one of two
// processes end: the one whose first worker was thrown out, whichever others were.
func TestReplaced(t *testing.T) {
	cluster, _ := startFake(t)
	fenced := &kgo.ErrGroupSession{Err: kerr.FencedInstanceID}
	check := func(what string, s *Session, err error, want bool) {
		t.Helper()
		if got := s.Replaced(t.Context(), err); got != want {
			t.Errorf("%s, replaced: %t, want %t", what, got, want)
		}
	}
	// Two workers of one process, opened in this order: both need partitions.
	process := func(numbers ...int) map[int]*Session {
		lead, sessions := NewLead("g", "a"), map[int]*Session{}
		for _, n := range numbers {
			sessions[n] = openWorker(t, cluster, lead, "g", "a", n, false)
		}
		return sessions
	}
	old := process(0, 1)
	check("alone, the first worker", old[0], kerr.UnknownMemberID, false)
	check("alone, the second worker", old[1], kerr.UnknownMemberID, false)

	early := process(1)
	check("thrown out, of a process that has its name", old[1], fenced, false)
	check("of a process that has not got the name yet", early[1], fenced, false)

	twin := process(0)
	check("the first worker thrown out", old[0], kerr.InvalidProducerEpoch, true)
	check("the first worker told so", old[0], fenced, true)
	check("another worker of a process that lost its name", old[1], kerr.InvalidProducerEpoch, true)
	check("the twin", twin[0], kerr.InvalidProducerEpoch, false)
}
