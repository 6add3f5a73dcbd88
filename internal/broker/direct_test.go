package broker

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// TestEndDirectly: epochs are committed with their positions, without a heartbeat
// each, and what is aborted after that comes again, and nothing else.
func TestEndDirectly(t *testing.T) {
	c := startCopies(t)
	heartbeats := c.count(kmsg.Heartbeat)
	c.cluster.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		if r := req.(*kmsg.TxnOffsetCommitRequest); r.MemberID == "" || r.Generation < 0 || r.InstanceID == nil || *r.InstanceID != "g-a-0" {
			t.Errorf("positions are as of member %q, generation %d", r.MemberID, r.Generation)
		}
		return nil, nil, false
	})
	const epochs = 40
	want := []string{"first"}
	for n := range epochs {
		value := fmt.Sprintf("v%d", n)
		c.send(t, 0, value)
		if got := c.copy(t, 1); got[0] != value {
			t.Fatalf("polled %q in epoch %d", got, n)
		}
		c.commit(t)
		want = append(want, value)
	}
	if n := heartbeats.Load(); n > epochs/2 {
		t.Errorf("%d heartbeats in %d epochs", n, epochs)
	}
	if got, at := c.committed(t); !slices.Equal(got, want) || at[0] != epochs+1 {
		t.Errorf("committed %q, positions %v", got, at)
	}

	c.send(t, 0, "dropped", "kept")
	c.copy(t, 1)
	if err := c.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.copy(t, 2); !slices.Equal(got, []string{"dropped", "kept"}) {
		t.Errorf("after an abort came %q", got)
	}
}

// TestEndDirectlyAfterRevocation: once a partition is given up, what was polled of it
// is not committed any more, although this member may still commit positions.
func TestEndDirectlyAfterRevocation(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "a")
	c.send(t, 1, "b")
	c.copy(t, 2)
	openFake(t, c.cluster, "g", "b", 0, true)
	for moved := false; !moved; time.Sleep(time.Millisecond) {
		c.direct.mu.Lock()
		moved = c.direct.moved
		c.direct.mu.Unlock()
	}
	c.direct.asked = time.Now()
	if committed, err := c.End(t.Context(), nil); committed || err != nil {
		t.Errorf("committed %t, %v", committed, err)
	}
	if got, at := c.committed(t); !slices.Equal(got, []string{"first"}) || at[0] != 1 {
		t.Errorf("committed %q, positions %v", got, at)
	}

	// What is polled of what it has now it ends directly again.
	deadline := time.Now().Add(20 * time.Second)
	for moved := true; moved; {
		if time.Now().After(deadline) {
			t.Fatal("no epoch is ended directly any more")
		}
		c.send(t, 0, "c")
		c.send(t, 1, "d")
		c.copy(t, 1)
		if _, err := c.End(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		c.direct.mu.Lock()
		moved = c.direct.moved
		c.direct.mu.Unlock()
	}
}

// TestEndDirectlyHoldsPartitions: while an epoch is ended no partition is given up, so
// that none comes back from another member, further on, and is set to where it was.
func TestEndDirectlyHoldsPartitions(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "a")
	c.copy(t, 1)
	given := make(chan struct{})
	c.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		go func() {
			c.direct.revoked()
			close(given)
		}()
		select {
		case <-given:
			t.Error("given up before the epoch ended")
		case <-time.After(100 * time.Millisecond):
		}
		return nil, nil, false
	})
	c.commit(t)
	<-given
}

// TestEndDirectlyRefused: what the broker refuses the group's session sorts out, and
// nothing is said to be committed of which that is not known.
func TestEndDirectlyRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		key    kmsg.Key
		answer func(kmsg.Request) (kmsg.Response, error)
		times  int
		spent  bool
	}{
		{"positions once", kmsg.TxnOffsetCommit, refusePositions(kerr.IllegalGeneration), 1, false},
		{"positions", kmsg.TxnOffsetCommit, refusePositions(kerr.IllegalGeneration), 2, false},
		{"positions, as of another process", kmsg.TxnOffsetCommit, refusePositions(kerr.FencedInstanceID), 2, true},
		{"end", kmsg.EndTxn, refuseEnd(kerr.TransactionAbortable), 1, false},
		{"end, as of another process", kmsg.EndTxn, refuseEnd(kerr.ProducerFenced), 1, true},
		{"end, and no answer", kmsg.EndTxn, func(kmsg.Request) (kmsg.Response, error) { return nil, errCut }, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startCopies(t)
			c.send(t, 0, "a")
			c.copy(t, 1)
			var asked atomic.Int32
			c.cluster.ControlKey(int16(test.key), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.cluster.KeepControl()
				if int(asked.Add(1)) > test.times {
					return nil, nil, false
				}
				resp, err := test.answer(req)
				return resp, err, true
			})
			committed, err := c.End(t.Context(), nil)
			if (err != nil) != test.spent || committed && err != nil {
				t.Fatalf("committed %t, %v", committed, err)
			}
			if int(asked.Load()) < test.times {
				t.Errorf("the broker refused %d times", asked.Load())
			}
			if err != nil {
				return
			}
			if !committed {
				if got := c.copy(t, 1); got[0] != "a" {
					t.Errorf("then came %q", got)
				}
				c.commit(t)
			}
			if got, at := c.committed(t); !slices.Equal(got, []string{"first", "a"}) || at[0] != 2 {
				t.Errorf("committed %q, positions %v", got, at)
			}
		})
	}
}

// TestEndDirectlyRefusedInPart: a partition whose position is refused is enough, the
// first of two as well.
func TestEndDirectlyRefusedInPart(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "a")
	c.send(t, 1, "b")
	c.copy(t, 2)
	c.cluster.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		resp, err := refusePositions(kerr.IllegalGeneration)(req)
		partitions := resp.(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions
		partitions[len(partitions)-1].ErrorCode = 0
		return resp, err, true
	})
	if committed, err := c.End(t.Context(), nil); committed || err != nil {
		t.Errorf("committed %t, %v", committed, err)
	}
}

// TestEndInGroup: where the group has to be made part of each transaction by a request,
// it is, whatever the coordinator takes without that.
func TestEndInGroup(t *testing.T) {
	v1 := kversion.Stable()
	v1.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
	for _, test := range []struct {
		name    string
		connect []kgo.Opt
		before  func(t *testing.T, cluster *kfake.Cluster, client *kgo.Client)
	}{
		{"transactions v1", []kgo.Opt{kgo.MaxVersions(v1)}, func(*testing.T, *kfake.Cluster, *kgo.Client) {}},
		{"an older coordinator of the group", nil, olderCoordinator},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster, client := startFake(t)
			test.before(t, cluster, client)
			c := openCopies(t, cluster, client, test.connect...)
			joins := c.count(kmsg.AddOffsetsToTxn)
			var ended atomic.Int32
			c.cluster.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.cluster.KeepControl()
				if joins.Load() > ended.Load() {
					return nil, nil, false
				}
				resp, err := refusePositions(&kerr.Error{})(req)
				return resp, err, true
			})
			const epochs = 4
			var want []string
			for n := range epochs {
				want = append(want, fmt.Sprintf("v%d", n))
				c.send(t, 0, want[n])
				c.copy(t, 1)
				c.commit(t)
				ended.Add(1)
			}
			if joins.Load() != epochs {
				t.Errorf("the group was made part of %d transactions of %d", joins.Load(), epochs)
			}
			if got, at := c.committed(t); !slices.Equal(got, want) || at[0] != epochs {
				t.Errorf("committed %q, positions %v", got, at)
			}
		})
	}
}

// olderCoordinator has a cluster take positions as of the version before joinsByItself.
func olderCoordinator(t *testing.T, cluster *kfake.Cluster, client *kgo.Client) {
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for i := range versions.ApiKeys {
		if k := &versions.ApiKeys[i]; k.ApiKey == int16(kmsg.TxnOffsetCommit) {
			k.MaxVersion = joinsByItself - 1
		}
	}
	cluster.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		answer := *versions // clients ask at once
		answer.Version = r.GetVersion()
		return &answer, nil, true
	})
}

// TestEndInGroupNotesRebalances: one that comes while the group's session ends an
// epoch, or that takes no partition, or before an abort, is known at the next end.
func TestEndInGroupNotesRebalances(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "a", "b")
	c.copy(t, 1)
	c.direct.asked = time.Now().Add(-rebalanceAsked)
	heartbeats := c.count(kmsg.Heartbeat)
	var once sync.Once
	c.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		once.Do(func() { c.revoked(t.Context(), c.Client(), nil) })
		return nil, nil, false
	})
	c.commit(t)
	if heartbeats.Load() == 0 {
		t.Errorf("%s after it was asked for rebalances last it is not asked", rebalanceAsked)
	}
	if !c.direct.moved {
		t.Error("a rebalance is forgotten")
	}
	c.copy(t, 1)
	if err := c.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !c.direct.moved {
		t.Error("an abort has a rebalance forgotten")
	}
}

// TestEndInPart: where a part of the epoch is committed, no position is moved further.
func TestEndInPart(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "a", "b")
	c.copy(t, 2)
	until := Offsets{}
	until.Set("in", 0, 2)
	if committed, err := c.End(t.Context(), until); !committed || err != nil {
		t.Fatalf("committed %t, %v", committed, err)
	}
	if _, at := c.committed(t); at[0] != 2 {
		t.Errorf("positions %v", at)
	}
}

// TestEndDirectlyUnconfirmed: the broker may have committed what it does not confirm,
// so that it must not be taken for aborted whatever it says then.
func TestEndDirectlyUnconfirmed(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "a")
	c.copy(t, 1)
	var ends, positions atomic.Int32
	c.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		if ends.Add(1) > 1 {
			return nil, nil, false
		}
		resp, err := refuseEnd(kerr.UnknownServerError)(req)
		return resp, err, true
	})
	c.cluster.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		if positions.Add(1) == 1 {
			return nil, nil, false
		}
		resp, err := refusePositions(kerr.IllegalGeneration)(req)
		return resp, err, true
	})
	if committed, err := c.End(t.Context(), nil); committed || err == nil {
		t.Errorf("committed %t, %v", committed, err)
	}
}

// errCut has the broker close the connection.
var errCut = errors.New("cut")

func refusePositions(why *kerr.Error) func(kmsg.Request) (kmsg.Response, error) {
	return func(r kmsg.Request) (kmsg.Response, error) {
		req := r.(*kmsg.TxnOffsetCommitRequest)
		resp := req.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
		for _, rt := range req.Topics {
			t := kmsg.NewTxnOffsetCommitResponseTopic()
			t.Topic, t.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				p := kmsg.NewTxnOffsetCommitResponseTopicPartition()
				p.Partition, p.ErrorCode = rp.Partition, why.Code
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil
	}
}

func refuseEnd(why *kerr.Error) func(kmsg.Request) (kmsg.Response, error) {
	return func(r kmsg.Request) (kmsg.Response, error) {
		resp := r.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = why.Code
		return resp, nil
	}
}

// TestEndWithoutRecords: positions alone are committed too, and by the group's
// session, for the client takes a transaction without records for none.
func TestEndWithoutRecords(t *testing.T) {
	c := startCopies(t)
	c.send(t, 0, "tombstone")
	for polled := 0; polled == 0; polled = c.Poll(t.Context(), 1).NumRecords() {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.direct.asked = time.Now()
	c.commit(t)
	if _, at := c.committed(t); at[0] != 2 {
		t.Errorf("positions %v", at)
	}
}
