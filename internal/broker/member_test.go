package broker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestMemberOfYesterday: a membership that was taken before a rebalance moves no
// positions after it, for the partitions may be somebody else's.
func TestMemberOfYesterday(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(2, "in"))
	open := func(member string) (s *Session, got chan struct{}) {
		got = make(chan struct{}, 8)
		s, err := Open(t.Context(), SessionOptions{
			Connect: []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, Topics: []string{"in"}, Group: "g", MemberID: member, Lead: NewLead("g", member),
			SessionTimeout: 10 * time.Second, Compression: kgo.NoCompression(), Limits: NewLimits(), Liveness: &Liveness{},
			Begin: func(_ context.Context, _ *Member, committed Offsets) (Offsets, error) {
				for _, partitions := range committed {
					for n := range partitions {
						partitions[n] = 0
					}
				}
				got <- struct{}{}
				return committed, nil
			},
			Assigned: func(map[string][]int32, func(string, int32) bool) {},
			Revoked:  func(map[string][]int32) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s, got
	}
	first, got := open("g-a-0")
	<-got
	m := first.Member()
	topics, err := m.Topics(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	at := Offsets{"in": {0: 0, 1: 0}}
	if err := m.Commit(t.Context(), topics, at); err != nil {
		t.Fatalf("commit as who we are: %v", err)
	}
	_, got = open("g-b-0")
	<-got
	if err := m.Commit(t.Context(), topics, at); !errors.Is(err, kerr.IllegalGeneration) {
		t.Errorf("commit as who we were: %v, want %v", err, kerr.IllegalGeneration)
	}
}
