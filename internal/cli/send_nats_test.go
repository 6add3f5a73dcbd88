package cli_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/brokertest"
	"github.com/penstock/penstock/internal/embedded"
)

// bodies are those of messages.
func bodies(messages []jetstream.Msg) []string {
	var all []string
	for _, m := range messages {
		all = append(all, string(m.Data()))
	}
	return all
}

// TestSendOnNATS checks that every line arrives as it is and in order, also when
// there are more than may be on their way at a time, and that nothing is taken
// for a repetition.
func TestSendOnNATS(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	config := natsConfig(t, s, "")
	lines := []string{`{"c": {"id": "ann"}}`, "\xff no JSON", `{"c":3}`, `{"c":3}`}
	for i := range 10_000 {
		lines = append(lines, fmt.Sprint(i))
	}
	text := strings.Join(lines, "\n\n")
	r := run(t, text, "send", config, "--subject", "tx.eu").want(t, 0, "10,004 events in ", "/s) to tx.eu\n")
	if r.out != "" {
		t.Errorf("stdout %q", r.out)
	}
	js := jetStream(t, s)
	messages := messagesOf(t, js, "TX", "tx.eu")
	if got := bodies(messages); !slices.Equal(got, lines) {
		t.Errorf("got %d lines: %.100q, want %.100q", len(got), got, lines)
	}
	run(t, text, "send", config, "--subject", "tx.eu", "-q").want(t, 0)
	if n := len(messagesOf(t, js, "TX", "tx.eu")); n != 2*len(lines) {
		t.Errorf("%d events after the second time", n)
	}
	one := []string{"--set", "source.filter_subjects=[tx.us]", "--set", "sink.subject="}
	run(t, "x\n", append([]string{"send", config}, one...)...).want(t, 0, "1 events in ", "to tx.us\n")
	begun := time.Now()
	run(t, strings.Repeat("{}\n", 101), append([]string{"send", config, "--rate", "200"}, one...)...).want(t, 0, "101 events")
	if took := time.Since(begun); took < 490*time.Millisecond || took > 3*time.Second {
		t.Errorf("101 events at 200 a second took %s", took)
	}
}

func TestSendOnNATSRefuses(t *testing.T) {
	s := startNATS(t, users(`permissions: {publish: {deny: "tx.no"}}`)+"\nmax_payload: 1000")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	addStream(t, s, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}})
	config := natsConfig(t, s, asAnn)
	refused := func(stdin string, code int, text string, flags ...string) {
		t.Helper()
		run(t, stdin, append([]string{"send", config}, flags...)...).want(t, code, text)
	}
	refused("", 2, "the source takes tx.*: choose with --subject one that the events go to")
	refused("", 2, "the source takes tx.0, tx.1, tx.2, tx.3, tx.4, tx.5, tx.6, tx.7 and 12 more: choose", "--set", "source.filter_subjects=[\"tx.{0..19}\"]", "--set", "sink.subject=")
	refused("", 2, `--subject must be one subject, such as transactions.eu, not "tx.*"`, "--subject", "tx.*")
	refused("", 2, "--subject tx.a.b would not be read: the source takes tx.*", "--subject", "tx.a.b")
	refused("", 2, "--key does not fit the broker: on NATS the subject serves as key", "--key", "a", "--subject", "tx.a")
	refused("", 2, "--topic does not fit the broker: on NATS give --subject", "--topic", "a", "--subject", "tx.a")
	begun := time.Now()
	refused("x\ny\n", 1, "publish to tx.no: nats: permissions violation", "--subject", "tx.no")
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("a refusal took %s", took)
	}
	refused("x\n", 1, "publish to other: ", "--set", "source.filter_subjects=[other]", "--set", "sink.subject=")
	for stream, subject := range map[string]string{"TX": "tx.>", "OTHER": "other"} {
		if n := len(messagesOf(t, jetStream(t, s), stream, subject)); n > 0 {
			t.Errorf("%d events are in %s", n, stream)
		}
	}
	kafka := writeFile(t, "k.yaml", "name: p\nbroker: {kafka: {}}\nsource: {topic: in}\nsink: {topic: out}\nmodel: {path: m.onnx}\n")
	run(t, "", "send", kafka, "--subject", "a").want(t, 2, "--subject does not fit the broker: on Kafka give --topic")
}

// TestSendOnNATSLeavesOutWhatIsTooLarge: the server's max_payload holds, and what
// follows arrives.
func TestSendOnNATSLeavesOutWhatIsTooLarge(t *testing.T) {
	s := startNATS(t, "max_payload: 1000")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	run(t, "a\n"+strings.Repeat("x", 1001)+"\nb\n", "send", natsConfig(t, s, ""), "--subject", "tx.a").
		want(t, 0, "2 events in ", "to tx.a; stdin:2 was too large and left out\n")
	if got := bodies(messagesOf(t, jetStream(t, s), "TX", "tx.>")); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

// embeddedConfig writes the config of a pipeline called p, from TX to OWN, on the
// server of a folder.
func embeddedConfig(t *testing.T, dir, more string) string {
	t.Helper()
	return writeFile(t, "p.yaml", fmt.Sprintf(`name: p
broker: {embedded: {dir: %q%s}}
source: {stream: TX, filter_subjects: [tx]}
sink: {stream: OWN}
model: {path: m.onnx}
`, dir, more))
}

// TestSendIntoAFolder sends to a folder that nobody has, and to one that another
// process has.
func TestSendIntoAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	run(t, "a\nb\n", "send", embeddedConfig(t, dir, "")).want(t, 0, "2 events in ", "to tx\n")
	running, err := embedded.StartNATS(embedded.NATSOptions{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(running.Close)
	run(t, "c\n", "send", embeddedConfig(t, dir, ", listen: "+fmt.Sprintf("%q", running.Addr()))).want(t, 0, "1 events in ", "to tx\n")
	if got := bodies(messagesOf(t, within(t, running), "TX", "tx")); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %q", got)
	}
	run(t, "", "send", embeddedConfig(t, dir, "")).want(t, 1, "another process keeps "+dir+" and lets nobody in: give it broker.embedded.listen")
	run(t, "", "send", embeddedConfig(t, dir, `, listen: "127.0.0.1:0"`)).want(t, 1, "does not tell its port")
	run(t, "", "send", embeddedConfig(t, dir, `, listen: "127.0.0.1:4222", users_file: users.conf`)).want(t, 2,
		"users.conf alone: say as whom to come, with --set broker.embedded= --set broker.nats.url=nats://127.0.0.1:4222 --set broker.nats.user=NAME")
}

// TestSendInterrupted checks that what was given to the server is counted.
func TestSendInterrupted(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	runWith(ctx, t, strings.Repeat("x\n", 1000), "send", natsConfig(t, s, ""), "--subject", "tx.a", "--rate", "20").want(t, 1, " events in ")
	if n := len(messagesOf(t, jetStream(t, s), "TX", "tx.a")); n < 5 || n > 12 {
		t.Errorf("%d events were published in half a second at 20 a second", n)
	}
}

// TestSendRidesOutALostConnection cuts the way to the server while events are on
// it, again and again: each is in the source once, in its order.
func TestSendRidesOutALostConnection(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	proxy := brokertest.ProxyForTest(t, s.Addr().String())
	var lines []string
	for i := range 20_000 {
		lines = append(lines, fmt.Sprint(i))
	}
	done := make(chan result, 1)
	go func() {
		done <- run(t, strings.Join(lines, "\n"), "send", natsConfig(t, s, ""), "--subject", "tx.eu", "--rate", "10000", "--set", "broker.nats.url=nats://"+proxy.Addr())
	}()
	for range 3 {
		time.Sleep(500 * time.Millisecond)
		proxy.Cut()
		time.Sleep(300 * time.Millisecond)
		if err := proxy.Restore(); err != nil {
			t.Fatal(err)
		}
	}
	(<-done).want(t, 0, "20,000 events in ", "to tx.eu\n", "the server is away; waiting for it")
	if got := bodies(messagesOf(t, jetStream(t, s), "TX", "tx.eu")); !slices.Equal(got, lines) {
		t.Errorf("got %d lines, want %d in their order", len(got), len(lines))
	}
	proxy.Cut()
	begun := time.Now()
	run(t, "x\n", "send", natsConfig(t, s, ""), "--subject", "tx.eu", "--set", "broker.nats.url=nats://"+proxy.Addr()).want(t, 1, "connect to nats://"+proxy.Addr())
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("with nobody there it took %s", took)
	}
}

// freeAddress is where nobody listens right now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
