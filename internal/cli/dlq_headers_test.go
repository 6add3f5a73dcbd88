package cli_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestRedriveKeepsTheEventsHeaders: an event may come with headers that penstock
// adds to dead letters, as another pipeline's dead letter does, and with others
// that look like them. All come back, and what they say is not taken for what
// became of the event here.
func TestRedriveKeepsTheEventsHeaders(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in", "in.dead"))
	config := streamConfig(t, c)
	other := letter(7, "missing")
	other.Headers[4].Value = []byte("another")
	came := append(other.Headers, truncatedMark, kgo.RecordHeader{Key: "penstock-tenant", Value: []byte("acme")}, truncatedMark)
	l := letter(0, "type")
	l.Headers = append(came, l.Headers[1:]...)
	produce(t, c, l)
	run(t, "", "dlq", "redrive", config).want(t, 0, "1 dead letter sent back\n")
	events := consume(t, c, "in")
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	want := append(came, kgo.RecordHeader{Key: "penstock-attempt", Value: []byte("1")})
	if got := events[0].Headers; fmt.Sprintf("%s", got) != fmt.Sprintf("%s", want) {
		t.Errorf("headers\n%s, want\n%s", got, want)
	}
}

// TestRedriveOnNATSKeepsTheEventsHeaders is the same where only headers of one
// name keep their order.
func TestRedriveOnNATSKeepsTheEventsHeaders(t *testing.T) {
	other, l := natsLetter("tx.eu", 7, "missing"), natsLetter("tx.eu", 1, "type")
	other.Header["penstock-pipeline"] = []string{"another"}
	other.Header["penstock-truncated"] = []string{"5000000"}
	other.Header["penstock-tenant"] = []string{"acme"}
	want := nats.Header{"Nats-Msg-Id": {"redrive:OWN:1"}, "Nats-Expected-Stream": {"TX"}}
	delete(l.Header, "trace")
	for key, values := range other.Header {
		want[key] = values
		l.Header[key] = append(values[:1:1], l.Header[key]...)
	}
	want["penstock-attempt"] = []string{"1", "1"}
	s, config := natsLetters(t, l)
	run(t, "", "dlq", "redrive", withSink(t, config)).want(t, 0, "1 dead letter sent back\n")
	messages := messagesOf(t, jetStream(t, s), "TX", ">")
	if len(messages) != 1 {
		t.Fatalf("%d events, want 1", len(messages))
	}
	if got := messages[0].Headers(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("headers\n%v, want\n%v", got, want)
	}
}
