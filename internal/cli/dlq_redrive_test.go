package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sourceValues are the committed events of in, in order.
func sourceValues(t *testing.T, c *kfake.Cluster) []string {
	t.Helper()
	var values []string
	for _, r := range consume(t, c, "in") {
		values = append(values, string(r.Value))
	}
	return values
}

func TestRedrive(t *testing.T) {
	c, config := letters(t)
	dry := run(t, "", "dlq", "redrive", config, "--dry-run", "--class", "type").want(t, 0, "2 dead letters would be sent back\n")
	if want := "in/0/0 type amount: bad (byte 3)\nin/0/2 type amount: bad (byte 3)\n"; dry.out != want || len(sourceValues(t, c)) != 0 {
		t.Errorf("got %q", dry.out)
	}
	run(t, "", "dlq", "redrive", config, "--class", "type").want(t, 0, "2 dead letters sent back\n")
	run(t, "", "dlq", "redrive", config, "--class", "type").want(t, 0, "0 dead letters sent back; 2 were sent back before\n")
	run(t, "", "dlq", "redrive", config).want(t, 0,
		"2 dead letters sent back; 2 were sent back before; 1 cannot be, since their values were too large to keep\n")
	run(t, "", "dlq", "redrive", config, "-q").want(t, 0)
	if got, want := sourceValues(t, c), []string{"event 0", "event 2", "event 1", "event 4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r := consume(t, c, "in")[0]
	if want := []kgo.RecordHeader{{Key: "trace", Value: []byte("t1")}, {Key: "penstock-attempt", Value: []byte("1")}}; string(r.Key) != "ann" ||
		!slices.EqualFunc(r.Headers, want, func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }) {
		t.Errorf("key %q, headers %v", r.Key, r.Headers)
	}
	if list := run(t, "", "dlq", "list", config).want(t, 0).out; !strings.Contains(list, "type       in/0    fraud 7  2      2 ") || !strings.Contains(list, "total                       5      4 ") {
		t.Errorf("got\n%s", list)
	}
}

// TestRedriveGoesToTheEventsPartition checks where events go, also when the
// source has other partitions than it had.
func TestRedriveGoesToTheEventsPartition(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(3, "in", "in.dead"))
	for p := range int32(5) {
		l := letter(int(p), "type")
		l.Headers[3].Value = fmt.Appendf(nil, "in/%d/0", p)
		produce(t, c, l)
	}
	gone := letter(7, "type")
	gone.Headers[3].Value = []byte("elsewhere/0/7")
	produce(t, c, gone)
	run(t, "", "dlq", "redrive", streamConfig(t, c)).want(t, 0, "5 dead letters sent back; 1 cannot be, since they came from topics that the source no longer has\n")
	got := map[string]int32{}
	for _, r := range consume(t, c, "in") {
		got[string(r.Value)] = r.Partition
	}
	if want := map[string]int32{"event 0": 0, "event 1": 1, "event 2": 2, "event 3": 0, "event 4": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestRedriveForgetsATopicMadeAnew checks that new dead letters at the offsets
// of old ones are not taken for them.
func TestRedriveForgetsATopicMadeAnew(t *testing.T) {
	c, config := letters(t)
	run(t, "", "dlq", "redrive", config).want(t, 0, "4 dead letters sent back")
	if err := c.DeleteTopic("in.dead"); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic("in.dead", 1, nil); err != nil {
		t.Fatal(err)
	}
	produce(t, c, letter(0, "type"))
	run(t, "", "dlq", "redrive", config).want(t, 0, "1 dead letter sent back\n")
}

// manyLetters are more than three transactions' worth.
const manyLetters = 1700

// redriveCuts are the ends of transactions at which a redrive is cut.
var redriveCuts = []int32{1, 2, 3, 4}

// TestRedriveThatIsKilled kills the process at the end of a transaction, before
// and after the broker has heard of it, and runs it again.
func TestRedriveThatIsKilled(t *testing.T) {
	for _, cut := range redriveCuts {
		for _, heard := range []bool{false, true} {
			t.Run(fmt.Sprintf("end %d, heard %t", cut, heard), func(t *testing.T) { killRedrive(t, cut, heard) })
		}
	}
}

func killRedrive(t *testing.T, cut int32, heard bool) {
	c := startKafka(t, kfake.SeedTopics(1, "in", "in.dead"))
	config := streamConfig(t, c)
	records := make([]*kgo.Record, manyLetters)
	for i := range records {
		records[i] = letter(i, "type")
	}
	produce(t, c, records...)

	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(executable, "dlq", "redrive", config)
	child.Env = append(os.Environ(), standIn+"=1")
	var stderr bytes.Buffer
	child.Stderr = &stderr
	started, killed := make(chan struct{}, 1), make(chan struct{}, 1)
	var ends atomic.Int32
	c.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if ends.Add(1) != cut {
			return nil, nil, false
		}
		<-started
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		killed <- struct{}{}
		if heard {
			return nil, nil, false
		}
		// Nobody is left to read it; the cluster never sees the request.
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.CoordinatorNotAvailable.Code
		return resp, nil, true
	})
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	started <- struct{}{}
	if err := child.Wait(); err == nil {
		t.Fatalf("the redrive was not cut: %s", stderr.String())
	}
	select {
	case <-killed:
	case <-time.After(10 * time.Second):
		t.Fatalf("the redrive ended by itself: %s", stderr.String())
	}
	done := int(cut-1) * 500
	if heard {
		done = min(done+500, manyLetters)
	}
	want := fmt.Sprintf("%d dead letters sent back\n", manyLetters-done)
	if done > 0 {
		want = fmt.Sprintf("%d dead letters sent back; %d were sent back before\n", manyLetters-done, done)
	}
	if got := strings.ReplaceAll(run(t, "", "dlq", "redrive", config).want(t, 0).err, ",", ""); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	seen := map[string]int{}
	for _, v := range sourceValues(t, c) {
		seen[v]++
	}
	for i := range manyLetters {
		if n := seen[fmt.Sprintf("event %d", i)]; n != 1 {
			t.Errorf("event %d is there %d times", i, n)
		}
	}
}

// TestRedriveThatIsOvertaken runs two at the same time: the first one finds its
// transaction ended, and begins anew after the second.
func TestRedriveThatIsOvertaken(t *testing.T) {
	c, config := letters(t)
	var overtaken atomic.Bool
	c.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if overtaken.CompareAndSwap(false, true) {
			c.SleepControl(func() {
				second := run(t, "", "dlq", "redrive", config)
				if second.code != 0 || !strings.Contains(second.err, "4 dead letters sent back") {
					t.Errorf("the second run: %d, %s", second.code, second.err)
				}
			})
		}
		return nil, nil, false
	})
	run(t, "", "dlq", "redrive", config).want(t, 0, "0 dead letters sent back; 4 were sent back before; 1 cannot be")
	if got := sourceValues(t, c); len(got) != 4 {
		t.Errorf("got %q", got)
	}
}

// TestRedriveThatIsAlwaysOvertaken checks that it gives up at last.
func TestRedriveThatIsAlwaysOvertaken(t *testing.T) {
	c, config := letters(t)
	c.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.ProducerFenced.Code
		return resp, nil, true
	})
	run(t, "", "dlq", "redrive", config).want(t, 1, "penstock: another redrive of this pipeline is running; run it again: what was sent back is known, and nothing is sent twice")
	if got := sourceValues(t, c); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

// TestRedriveInterrupted checks that an interrupt drops the transaction that is
// open, and says so.
func TestRedriveInterrupted(t *testing.T) {
	c, config := letters(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cancel()
		return nil, nil, false
	})
	runWith(ctx, t, "", "dlq", "redrive", config).want(t, 1, "\n0 dead letters sent back; 1 cannot be", "\npenstock: interrupted\n")
	run(t, "", "dlq", "redrive", config).want(t, 0, "4 dead letters sent back")
	if got := sourceValues(t, c); len(got) != 4 {
		t.Errorf("got %q", got)
	}
}
