//go:build unix

package natstest

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestClusterOutlivesItsLeader: a stream with three replicas takes and gives
// while any one server is down, also the one that led it, and a server that was
// down has it all again.
func TestClusterOutlivesItsLeader(t *testing.T) {
	c := ClusterForTest(t, 3)
	conn, err := nats.Connect(c.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	js := JetStream(t, conn, err)
	stream, err := js.CreateStream(seconds(t, 30), jetstream.StreamConfig{Name: "kept", Subjects: []string{"kept"}, Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	publish := func(want uint64) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			// It has the sequence that it wants, so that one which was stored and
			// not acknowledged is not stored twice.
			ack, err := js.Publish(seconds(t, 2), "kept", nil, jetstream.WithExpectLastSequence(want-1), jetstream.WithMsgID(strconv.FormatUint(want, 10)))
			if err == nil && ack.Sequence == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("publication %d: %+v, %v", want, ack, err)
			}
		}
	}
	publish(1)
	for i := range uint64(2) {
		leader := c.Leader("kept")
		if leader < 0 {
			t.Fatal("nobody leads the stream")
		}
		c.Stop(leader)
		publish(i + 2)
		if now := c.Leader("kept"); now == leader || now < 0 {
			t.Errorf("%d leads, after %d", now, leader)
		}
		if err := c.Restart(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		info, err := stream.Info(seconds(t, 10))
		if err == nil && info.State.Msgs == 3 && current(info.Cluster) == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("at the end: %+v, %v", info, err)
		}
	}
	dir := c.dir
	conn.Close()
	c.Close()
	c.Close()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("Close left %s", dir)
	}
}

// current counts the replicas beside the leader that have all there is.
func current(cluster *jetstream.ClusterInfo) int {
	n := 0
	for _, replica := range cluster.Replicas {
		if replica.Current && !replica.Offline {
			n++
		}
	}
	return n
}
