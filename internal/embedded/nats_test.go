package embedded

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestNATSKeeps: what was acknowledged is there after a restart.
func TestNATSKeeps(t *testing.T) {
	dir := t.TempDir()
	for want := uint64(1); want <= 2; want++ {
		s, err := StartNATS(NATSOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := nats.Connect("", s.Connect())
		if err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}}); err != nil {
			t.Fatal(err)
		}
		ack, err := js.Publish(t.Context(), "kept", nil)
		if err != nil || ack.Sequence != want {
			t.Errorf("sequence %v, %v; want %d", ack, err, want)
		}
		conn.Close()
		s.Close()
	}
}
