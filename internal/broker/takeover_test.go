package broker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// startFake starts a broker and a client of it.
func startFake(t *testing.T) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	cluster := startKafka(t, kfake.SeedTopics(2, "in", "out", "in.dead", "others"))
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return cluster, client
}

// openFake opens a session of worker n, which begins at the start, and waits
// until it has partitions and asks for their positions.
func openFake(t *testing.T, cluster *kfake.Cluster, group, instance string, n int, exactlyOnce bool) *Session {
	t.Helper()
	return openWorker(t, cluster, NewLead(group, instance), group, instance, n, exactlyOnce)
}

func openWorker(t *testing.T, cluster *kfake.Cluster, lead *Lead, group, instance string, n int, exactlyOnce bool) *Session {
	t.Helper()
	return openAs(t, lead, group, instance, n, exactlyOnce, kgo.SeedBrokers(cluster.ListenAddrs()...))
}

// openAs opens it with the options of a connection.
func openAs(t *testing.T, lead *Lead, group, instance string, n int, exactlyOnce bool, connect ...kgo.Opt) *Session {
	t.Helper()
	begins := make(chan struct{}, 100)
	s, err := Open(t.Context(), SessionOptions{
		Connect: append(connect, kgo.DisableClientMetrics()),
		Topics:  []string{"in"}, Group: group, MemberID: MemberID(group, instance, n), Lead: lead,
		ExactlyOnce: exactlyOnce, ReadCommitted: true, SessionTimeout: 10 * time.Second, TransactionTimeout: 10 * time.Second,
		FetchMaxBytes: 1 << 20, Compression: kgo.NoCompression(), Limits: NewLimits(),
		Partitioner: func(*kgo.Record, int) int { return 0 },
		Begin: func(_ context.Context, _ *Member, committed Offsets) (Offsets, error) {
			for _, partitions := range committed {
				for p, at := range partitions {
					partitions[p] = max(at, 0)
				}
			}
			begins <- struct{}{}
			return committed, nil
		},
		Assigned: func(map[string][]int32, func(string, int32) bool) {},
		Revoked:  func(map[string][]int32) {},
		Liveness: &Liveness{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	select {
	case <-begins:
	case <-time.After(20 * time.Second):
		t.Fatal("no partitions")
	}
	return s
}

// ongoing are the transactional ids with an open transaction.
func ongoing(t *testing.T, client *kgo.Client) []string {
	t.Helper()
	open, err := kadm.NewClient(client).ListTransactions(t.Context(), nil, []string{"Ongoing"})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(slices.Values(open.TransactionalIDs()))
}

// leaveOpen begins a transaction under an id that writes to topics, and leaves
// it so.
func leaveOpen(t *testing.T, addrs []string, id string, topics ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DisableClientMetrics(), kgo.TransactionalID(id))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTakeover ends the open transactions of who is dead: of the member itself
// and of members that are gone. Those of members that live, of a redrive, and of
// groups and instances whose names begin or end like these, stay.
func TestTakeover(t *testing.T) {
	cluster, client := startFake(t)
	openFake(t, cluster, "g", "alive", 0, false)
	left := []string{"others-g/b-0", "penstock-g-x/a-0", "penstock-g-x/alive-0", "penstock-g/alive-0", "penstock-g/redrive", "penstock-other/a-0"}
	for _, id := range append([]string{"penstock-g/a-0", "penstock-g/dead-3", "penstock-g/x-alive-0"}, left...) {
		leaveOpen(t, cluster.ListenAddrs(), id, "out")
	}
	openFake(t, cluster, "g", "a", 0, true)
	if got := ongoing(t, client); !slices.Equal(got, left) {
		t.Errorf("still open: %q, want %q", got, left)
	}
}

// TestMembersOfTwoGroupsShareNoID: what is the instance's here may be the group's
// there, and who opens a session under an id ends the other's transaction.
func TestMembersOfTwoGroupsShareNoID(t *testing.T) {
	cluster, client := startFake(t)
	first := openFake(t, cluster, "s", "t-u", 0, true)
	if err := first.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Client().ProduceSync(t.Context(), &kgo.Record{Topic: "out", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	openFake(t, cluster, "s-t", "u", 0, true)
	if got := ongoing(t, client); !slices.Equal(got, []string{"penstock-s/t-u-0"}) {
		t.Errorf("still open: %q, want that of the first", got)
	}
}

// TestRelease gives back the places of an instance, from a worker on, and
// nobody else's.
func TestRelease(t *testing.T) {
	cluster, client := startFake(t)
	for _, n := range []int{0, 1} {
		openFake(t, cluster, "g", "a", n, false)
	}
	openFake(t, cluster, "h", "a", 0, false)
	members := func() []string {
		all, err := members(t.Context(), kadm.NewClient(client), "g")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	for _, tt := range []struct {
		instance string
		first    int
		left     []string
	}{
		{"a", 2, []string{"g-a-0", "g-a-1"}},
		{"b", 0, []string{"g-a-0", "g-a-1"}},
		{"a", 1, []string{"g-a-0"}},
		{"a", 0, nil},
		{"a", 0, nil},
	} {
		if err := Release(t.Context(), client, "g", tt.instance, tt.first); err != nil {
			t.Fatal(err)
		}
		if got := members(); !slices.Equal(got, tt.left) {
			t.Errorf("after releasing %s from %d on: %q, want %q", tt.instance, tt.first, got, tt.left)
		}
	}
}
