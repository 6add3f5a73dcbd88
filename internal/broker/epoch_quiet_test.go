package broker

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// quietEpoch is an epoch in which nothing was polled.
func quietEpoch(t *testing.T, s *Session) bool {
	t.Helper()
	if err := s.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Client().ProduceSync(t.Context(), &kgo.Record{Topic: "out", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	committed, err := s.End(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return committed
}

// TestQuietEpochs: epochs in which nothing was polled hold each other up by nothing.
// The client's own End waits for 500 ms in each.
func TestQuietEpochs(t *testing.T) {
	cluster, client := startFake(t)
	s := openFake(t, cluster, "p", "a", 0, true)
	placed(t, s)
	start := time.Now()
	for range 5 {
		if !quietEpoch(t, s) {
			t.Error("a quiet epoch was aborted")
		}
	}
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("five quiet epochs took %s", took)
	}
	ends, err := kadm.NewClient(client).ListCommittedOffsets(t.Context(), "out")
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := ends.Lookup("out", 0); end.Offset != 10 { // each with its marker
		t.Errorf("the sink ends at %d, want 10", end.Offset)
	}
}

// TestQuietEpochOfAStranger: who is in the group no more commits no quiet epoch
// either.
func TestQuietEpochOfAStranger(t *testing.T) {
	cluster, client := startFake(t)
	s := openFake(t, cluster, "p", "a", 0, true)
	placed(t, s)
	if err := s.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Client().ProduceSync(t.Context(), &kgo.Record{Topic: "out", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	leave := kadm.LeaveGroup("p").InstanceIDs(s.o.MemberID)
	if _, err := kadm.NewClient(client).LeaveGroup(t.Context(), leave); err != nil {
		t.Fatal(err)
	}
	if committed, _ := s.End(t.Context(), nil); committed {
		t.Error("a member that was thrown out committed")
	}
}

// placed waits until the session knows where its partitions stand.
func placed(t *testing.T, s *Session) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(s.Client().CommittedOffsets()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no positions")
		}
	}
}
