//go:build cgo

package cli_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// TestRunOnADamagedFolder: a stream that the embedded server cannot read is not
// made anew, for then all of its events would be scored again.
func TestRunOnADamagedFolder(t *testing.T) {
	pipeline, events := filepath.Join(cardFraud, "pipeline.yaml"), filepath.Join(cardFraud, "events.jsonl")
	for stream, maker := range map[string][]string{
		"TX": {"send", pipeline, events, "--subject", "tx.0"}, "FRAUD": {"position", "reset", pipeline, "--to", "earliest"},
	} {
		dir := t.TempDir()
		s := openDir(t, dir)
		js := within(t, s)
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}}); err != nil {
			t.Fatal(err)
		}
		publishExampleOnNATS(t, js)
		s.Close()
		on := onNATS("{embedded: {dir: \"" + dir + "\"}}")
		runExample(t, on...)

		meta := filepath.Join(dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", stream, server.JetStreamMetaFile)
		kept := readFile(t, meta)
		if err := os.WriteFile(meta, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "", append(maker, on...)...).want(t, 1, "stream "+stream+" is in "+dir+" and could not be read")
		listen := freeAddress(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan result, 1)
		go func() {
			done <- runWith(ctx, t, "", append([]string{"run", pipeline}, append(on, "--set", "listen="+listen)...)...)
		}()
		awaitReadyz(t, listen, stream, http.StatusServiceUnavailable)
		stop()
		(<-done).want(t, 0, "stream "+stream+" is in "+dir+" and could not be read: restore that folder from a copy")

		if err := os.WriteFile(meta, []byte(kept), 0o600); err != nil {
			t.Fatal(err)
		}
		runExample(t, on...)
		if n := len(messagesOf(t, within(t, openDir(t, dir)), "FRAUD", "card-fraud.predictions")); n != 200 {
			t.Errorf("%s: %d predictions of 200 events", stream, n)
		}
	}
}
