//go:build cgo

package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/embedded"
	"github.com/penstock/penstock/internal/natstest"
)

// TestRunIsExactlyOnceBeyondMaxBytes has the embedded server's streams reach
// max_bytes while epochs are committed, and then makes room.
func TestRunIsExactlyOnceBeyondMaxBytes(t *testing.T) {
	t.Parallel()
	model, err := filepath.Abs(filepath.Join(models, "iris_rf", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	const events = 4000
	dir := t.TempDir()
	taken := fillDir(t, dir, events)
	listen, address := freeAddress(t), freeAddress(t)
	file := writeFile(t, "p.yaml", fmt.Sprintf(`name: p
broker: {embedded: {dir: %s, listen: "%s", max_bytes: %d}}
source: {stream: IN, filter_subjects: [in]}
sink: {stream: OWN}
workers: 2
model: {path: %s, inputs: {X: [a, b, c, d]}}
listen: "%s"
`, dir, address, taken+1<<20, model, listen))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan result, 1)
	go func() { done <- runWith(ctx, t, "", "run", file) }()
	awaitReadyz(t, listen, "bytes that max_bytes allows", http.StatusServiceUnavailable)

	conn, err := nats.Connect("nats://" + address)
	js := natstest.JetStream(t, conn, err)
	if n := len(messagesOf(t, js, "OWN", "p.predictions")); n == 0 || n == events {
		t.Fatalf("with %d predictions this shows nothing", n)
	}
	if err := js.DeleteStream(t.Context(), "JUNK"); err != nil {
		t.Fatal(err)
	}
	awaitReadyz(t, listen, "ready\n", http.StatusOK)
	for deadline := time.Now().Add(20 * time.Second); len(messagesOf(t, js, "OWN", "p.predictions")) < events; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not go on")
		}
	}
	stop()
	(<-done).want(t, 0)
	inOrder(t, messagesOf(t, within(t, openDir(t, dir)), "OWN", "p.predictions"), events)
}

// fillDir makes the streams IN, with events, and JUNK, and tells how many bytes
// they take.
func fillDir(t *testing.T, dir string, events int) int {
	t.Helper()
	server, err := embedded.StartNATS(embedded.NATSOptions{Dir: dir, Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	js := within(t, server)
	fill := func(stream, subject string, message []byte, times int) {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
		for range times - 1 {
			if err := js.Conn().Publish(subject, message); err != nil {
				t.Fatal(err)
			}
		}
		if ack, err := js.Publish(t.Context(), subject, message); err != nil || ack.Sequence != uint64(times) {
			t.Fatal(ack, err)
		}
	}
	fill("IN", "in", []byte(goodIris), events)
	fill("JUNK", "junk", make([]byte, 500_000), 8)
	info, err := js.AccountInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Store)
}

// inOrder holds predictions against the events of the stream IN: one of each, in
// their order.
func inOrder(t *testing.T, predictions []jetstream.Msg, events int) {
	t.Helper()
	if len(predictions) != events {
		t.Errorf("%d predictions of %d events", len(predictions), events)
	}
	for i, m := range predictions {
		var p struct{ ID string }
		if err := json.Unmarshal(m.Data(), &p); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("IN/in/%d", i+1); p.ID != want {
			t.Fatalf("prediction %d is of %s", i+1, p.ID)
		}
	}
}
