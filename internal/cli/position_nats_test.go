package cli_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// fillTX publishes events to the subjects, in turn.
func fillTX(t *testing.T, s *server.Server, n int, subjects ...string) {
	t.Helper()
	for i := range n {
		m := nats.NewMsg(subjects[i%len(subjects)])
		m.Data = fmt.Append(nil, i)
		publishNATS(t, s, m)
	}
}

// twoFilters are flags for a source of two filters.
var twoFilters = []string{"--set", `source.filter_subjects=["tx.{0..1}"]`, "--set", "sink.subject="}

func TestPositionOnNATS(t *testing.T) {
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		t.Run(delivery, func(t *testing.T) {
			s := startNATS(t, "")
			config := natsConfig(t, s, "", "delivery: "+delivery)
			position := func(args ...string) result {
				t.Helper()
				return run(t, "", append(append([]string{"position", args[0], config}, args[1:]...), twoFilters...)...)
			}
			position("show").want(t, 1, "look up stream TX: ", "penstock topics CONFIG shows which, and makes it with --create")
			addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
			fillTX(t, s, 3, "tx.0")
			time.Sleep(20 * time.Millisecond)
			between := time.Now()
			time.Sleep(20 * time.Millisecond)
			fillTX(t, s, 4, "tx.0", "tx.1")
			const head = "STREAM  FILTER  POSITION  LAG  OWNER\n"
			if got, want := position("show").want(t, 0).out, head+"TX      tx.0    -         -    -\nTX      tx.1    -         -    -\n"; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			for _, tt := range []struct{ to, want string }{
				{"latest", "TX      tx.0    8         0    -\nTX      tx.1    8         0    -\n"},
				{"earliest", "TX      tx.0    1         5    -\nTX      tx.1    1         2    -\n"},
				{between.Format(time.RFC3339Nano), "TX      tx.0    4         2    -\nTX      tx.1    4         2    -\n"},
				{"2027-01-01T00:00:00Z", "TX      tx.0    8         0    -\nTX      tx.1    8         0    -\n"},
			} {
				r := position("reset", "--to", tt.to).want(t, 0)
				if r.out != head+tt.want || r.out != position("show").out {
					t.Errorf("--to %s: got\n%swant\n%s", tt.to, r.out, tt.want)
				}
			}
			position("reset", "--to", "yesterday").want(t, 2, "--to must be earliest, latest, or a time")
		})
	}
}

// TestPositionOfARunningPipelineOnNATS checks that a running pipeline is shown
// and left alone, until it has left.
func TestPositionOfARunningPipelineOnNATS(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
	ownStream(t, s, "p", "OWN")
	fillTX(t, s, 3, "tx.0")
	path := withSink(t, natsConfig(t, s, ""))
	group, err := broker.JoinGroup(t.Context(), broker.GroupOptions{
		Batches: &broker.Batches{},
		JS:      jetStream(t, s), Stream: "OWN", Subjects: broker.NewSubjects(&config.Pipeline{Name: "p", Source: config.Source{Group: "p"}}),
		Filters: []string{"tx.*"}, Name: "p", Instance: "a", Workers: 1, TTL: 2 * time.Second, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	show := func() string { return run(t, "", "position", "show", path).want(t, 0).out }
	for deadline := time.Now().Add(10 * time.Second); !strings.HasSuffix(show(), "tx.*    -         -    p-a-0\n"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("its owner is not shown:\n%s", show())
		}
	}
	r := run(t, "", "position", "reset", path, "--to", "earliest").want(t, 1, "group p has members, which would go on where they are: p-a-0; stop them", "session_timeout, 10s")
	if r.out != "" || !strings.Contains(show(), "tx.*    -  ") {
		t.Errorf("a refused reset has moved the position: %s%s", r.out, show())
	}
	if err := group.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, "", "position", "reset", path, "--to", "earliest").want(t, 0)
}

// TestPositionResetRetiresOldFilters checks that what a changed list has left
// over does not come back.
func TestPositionResetRetiresOldFilters(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
	fillTX(t, s, 3, "tx.0")
	path := withSink(t, natsConfig(t, s, ""))
	run(t, "", "position", "reset", path, "--to", "earliest").want(t, 0)
	run(t, "", append([]string{"position", "reset", path, "--to", "latest"}, twoFilters...)...).want(t, 0)
	if r := run(t, "", "position", "show", path).want(t, 0); !strings.HasSuffix(r.out, "TX      tx.*    -         -    -\n") {
		t.Errorf("the filter that is no longer in the list still has a position:\n%s", r.out)
	}
}

func TestPositionResetRefusesAQueue(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}, Retention: jetstream.WorkQueuePolicy})
	path := withSink(t, natsConfig(t, s, "", "delivery: at_least_once"))
	run(t, "", "position", "reset", path, "--to", "earliest").want(t, 1, "stream TX has retention=workqueue: it drops events that are done")
}
