package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestNATSMaxBytes: what is published beyond MaxBytes is refused, Health says
// why, and it is over when there is room.
func TestNATSMaxBytes(t *testing.T) {
	n := startNATS(t, NATSOptions{MaxBytes: 1 << 20})
	js := streams(t, connect(t, "", n.Connect()))
	stream, err := js.CreateStream(soon(t), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for err == nil && taken < 20 {
		if _, err = js.Publish(soon(t), "s", make([]byte, 100_000)); err == nil {
			taken++
		}
	}
	var refused *jetstream.APIError
	if taken != 10 || !errors.As(err, &refused) || refused.ErrorCode != 10002 {
		t.Errorf("of 1 MiB it took %d × 100 kB, then said %v", taken, err)
	}
	if health := n.Health(); !strings.Contains(health, "all of the 1048576 bytes that max_bytes allows") {
		t.Errorf("health is %q", health)
	}
	if err := stream.Purge(soon(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(soon(t), "s", nil); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	if health := n.Health(); health != "" {
		t.Errorf("there is room again, and health is %q", health)
	}
	_, err = js.CreateStream(soon(t), jetstream.StreamConfig{Name: "M", Storage: jetstream.MemoryStorage, MaxBytes: memoryBytes + 1})
	if err == nil {
		t.Error("a stream may take more memory than all may")
	}
}

// batcher publishes batches to the stream B, each of ten messages of 20 kB.
type batcher struct {
	n      *NATS
	conn   *nats.Conn
	stream jetstream.Stream
}

func newBatcher(t *testing.T, n *NATS) *batcher {
	t.Helper()
	conn := connect(t, "", n.Connect())
	stream, err := streams(t, conn).CreateOrUpdateStream(soon(t), jetstream.StreamConfig{Name: "B", Subjects: []string{"b"}, AllowAtomicPublish: true})
	if err != nil {
		t.Fatal(err)
	}
	return &batcher{n, conn, stream}
}

const batchOf = 10

// send sends a batch, whose answer comes to reply.
func (b *batcher) send(t *testing.T, id, reply string) {
	t.Helper()
	for i := 1; i <= batchOf; i++ {
		m := nats.NewMsg("b")
		m.Data = make([]byte, 20_000)
		m.Header.Set("Nats-Batch-Id", id)
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i))
		if i == batchOf {
			m.Header.Set("Nats-Batch-Commit", "1")
			m.Reply = reply
		}
		if err := b.conn.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
}

// publish publishes a batch and tells whether the server has taken it.
func (b *batcher) publish(t *testing.T, id string) bool {
	t.Helper()
	inbox := b.conn.NewRespInbox()
	answers, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	b.send(t, id, inbox)
	answer, err := answers.NextMsgWithContext(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Error *jetstream.APIError }
	if err := json.Unmarshal(answer.Data, &said); err != nil {
		t.Fatal(err)
	}
	return said.Error == nil
}

// guarded publishes a batch as a pipeline does.
func (b *batcher) guarded(t *testing.T, id string) bool {
	t.Helper()
	end, ok := b.n.BeginBatch()
	if !ok {
		return false
	}
	defer end(true)
	return b.publish(t, id)
}

// messages is how many there are in the stream.
func (b *batcher) messages(t *testing.T) int {
	t.Helper()
	info, err := b.stream.Info(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return int(info.State.Msgs)
}

// TestNATSMaxBytesAndBatches: a batch that reaches MaxBytes is written whole, and
// the one after it not at all, until there is room.
func TestNATSMaxBytesAndBatches(t *testing.T) {
	b := newBatcher(t, startNATS(t, NATSOptions{MaxBytes: 1 << 20}))
	taken := 0
	for b.guarded(t, fmt.Sprint(taken)) {
		taken++
	}
	if has := b.messages(t); taken != 5 || has != taken*batchOf {
		t.Errorf("%d batches were taken, of which there are %d messages", taken, has)
	}
	if answer, err := b.conn.Request("b", make([]byte, 100_000), time.Second); err == nil && !strings.Contains(string(answer.Data), "error") {
		t.Errorf("the limit is gone: %s", answer.Data)
	}
	if err := b.stream.Purge(soon(t), jetstream.WithPurgeKeep(batchOf)); err != nil {
		t.Fatal(err)
	}
	if !b.guarded(t, "when there is room") || b.messages(t) != 2*batchOf {
		t.Errorf("there is room again, and %d messages", b.messages(t))
	}
}

// tear publishes batches as nobody should until one finds no room in the middle,
// which nats-server does not answer.
func (b *batcher) tear(t *testing.T) {
	t.Helper()
	const fit = 5
	for id := range fit {
		if !b.publish(t, fmt.Sprint(id)) {
			t.Fatal("there is room for more")
		}
	}
	b.send(t, "torn", "")
	for ctx := soon(t); b.messages(t) == fit*batchOf; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("of a batch that finds no room nothing is there: nats-server has learnt to refuse it as a whole, and BeginBatch is not needed any more")
		}
	}
	if has := b.messages(t); has%batchOf == 0 {
		t.Fatalf("there are %d messages, so that this shows nothing", has)
	}
}

// TestNATSRestoresTornBatches: the rest of a batch that was being written when the
// process ended is written by the next start, though there is no room for it.
func TestNATSRestoresTornBatches(t *testing.T) {
	o := NATSOptions{Dir: t.TempDir(), MaxBytes: 1 << 20}
	n := startNATS(t, o)
	newBatcher(t, n).tear(t)
	n.Close()
	b := newBatcher(t, startNATS(t, o))
	if has := b.messages(t); has%batchOf != 0 {
		t.Errorf("there are %d messages", has)
	}
	if b.guarded(t, "again") {
		t.Error("the limit is gone")
	}
}

// TestNATSUnansweredBatch: a batch of which nobody heard may still be written, so
// the limit stays lifted, also while others begin and end, and also if the server
// starts again.
func TestNATSUnansweredBatch(t *testing.T) {
	n := startNATS(t, NATSOptions{MaxBytes: 1 << 20})
	limit := func() int64 { return n.running().GlobalAccount().JetStreamUsage().Limits.MaxStore }
	end, _ := n.BeginBatch()
	end(false)
	if end, _ = n.BeginBatch(); limit() != -1 {
		t.Errorf("while a batch is written the limit is %d", limit())
	}
	end(true)
	if limit() != -1 {
		t.Errorf("while another may be written the limit is %d", limit())
	}
	before := n.running()
	if err := before.ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	for ctx := soon(t); n.running() == before || n.running() == nil; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal(n.Health())
		}
	}
	if limit() != -1 {
		t.Errorf("after a restart the limit is %d", limit())
	}
	n.endBatch() // as the timer does
	if limit() != 1<<20 {
		t.Errorf("when it must have ended the limit is %d", limit())
	}
}

// TestNATSOnASmallerDisk: a limit that the disk does not reach is warned of.
func TestNATSOnASmallerDisk(t *testing.T) {
	if _, ok := free(t.TempDir()); !ok {
		return // nobody can tell there how large the disk is
	}
	for most, warns := range map[int64]bool{1 << 20: false, 1 << 59: true} {
		var log logged
		startNATS(t, NATSOptions{MaxBytes: most, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if text := log.String(); strings.Contains(text, "lower max_bytes") != warns {
			t.Errorf("with %d bytes it says %q", most, text)
		}
	}
}

func BenchmarkBeginBatch(b *testing.B) {
	n, err := StartNATS(NATSOptions{Dir: b.TempDir(), MaxBytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	for b.Loop() {
		end, _ := n.BeginBatch()
		end(true)
	}
}
