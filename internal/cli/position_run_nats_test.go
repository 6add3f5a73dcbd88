//go:build cgo

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestPositionWhenDeliveryChangesOnNATS checks that what is shown, and what runs on,
// is what the other mode has left, and that a reset counts whatever ran before.
func TestPositionWhenDeliveryChangesOnNATS(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.*"}})
	js := jetStream(t, s)
	lines := publishExampleOnNATS(t, js)
	flags := func(delivery string) []string {
		return onNATS("{nats: {url: \""+s.ClientURL()+"\"}}", "delivery="+delivery)
	}
	position := func(delivery string, args ...string) string {
		return run(t, "", append(append([]string{"position", args[0], filepath.Join(cardFraud, "pipeline.yaml")}, args[1:]...), flags(delivery)...)...).want(t, 0).out
	}
	want := len(lines)
	for _, delivery := range []string{"at_least_once", "exactly_once", "at_least_once", "exactly_once"} {
		runExample(t, flags(delivery)...)
		if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != want {
			t.Fatalf("%d predictions after %s, want %d", n, delivery, want)
		}
		for _, other := range []string{"at_least_once", "exactly_once"} {
			if shown := position(other, "show"); strings.Count(shown, " 0    -\n") != 4 {
				t.Errorf("after %s, %s shows\n%s", delivery, other, shown)
			}
		}
	}
	runExample(t, flags("at_least_once")...)
	position("exactly_once", "reset", "--to", "earliest")
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		runExample(t, flags(delivery)...)
		if n := len(messagesOf(t, js, "FRAUD", "card-fraud.predictions")); n != 2*want {
			t.Errorf("%d predictions after the reset and %s, want %d", n, delivery, 2*want)
		}
	}
}
