package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// natsLetter is a dead letter of pipeline p as a worker writes it, of the event
// with a sequence of TX.
func natsLetter(subject string, sequence int, class string) *nats.Msg {
	m := nats.NewMsg("p.dead")
	m.Data = fmt.Appendf(nil, "event %d", sequence)
	for key, value := range map[string]string{
		"trace":                "t1",
		"penstock-error-class": class, "penstock-error": "amount: bad (byte 3)",
		"penstock-source": fmt.Sprintf("TX/%s/%d", subject, sequence), "penstock-pipeline": "p",
		"penstock-model": "fraud", "penstock-model-version": "7",
		"penstock-time":    morning.Add(time.Duration(sequence) * time.Second).Format(time.RFC3339),
		"penstock-attempt": "1",
	} {
		m.Header[key] = []string{value}
	}
	return m
}

// ownStream makes a pipeline's own stream as penstock does.
func ownStream(t *testing.T, s *server.Server, name, stream string) {
	t.Helper()
	needed := broker.NeededStreams(&config.Pipeline{Name: name, Source: config.Source{Group: name, Stream: "TX"}, Sink: config.Sink{Stream: stream}})
	addStream(t, s, needed[1].Settings)
}

// natsLetters starts a server with some dead letters, and gives the config.
func natsLetters(t *testing.T, letters ...*nats.Msg) (*server.Server, string) {
	t.Helper()
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	ownStream(t, s, "p", "OWN")
	publishNATS(t, s, letters...)
	return s, natsConfig(t, s, "", "")
}

func publishNATS(t *testing.T, s *server.Server, messages ...*nats.Msg) {
	t.Helper()
	js := jetStream(t, s)
	for _, m := range messages {
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// someNATSLetters are of two subjects, one of which has a slash, with one that
// is truncated, one of another pipeline and one of nobody.
func someNATSLetters() []*nats.Msg {
	truncated := natsLetter("tx.eu", 3, "too_large")
	truncated.Data, truncated.Header["penstock-truncated"] = nil, []string{"5000000"}
	stranger := natsLetter("tx.eu", 9, "type")
	stranger.Header["penstock-pipeline"] = []string{"another"}
	nobody := nats.NewMsg("p.dead")
	return []*nats.Msg{
		natsLetter("tx.eu", 1, "type"), natsLetter("tx.a/b", 2, "missing"), truncated, stranger, nobody,
		natsLetter("tx.a/b", 4, "type"), natsLetter("gone", 5, "type"),
	}
}

func TestDLQOnNATS(t *testing.T) {
	_, config := natsLetters(t, someNATSLetters()...)
	config = withSink(t, config)
	if got, want := run(t, "", "dlq", "list", config).want(t, 0, "2 other records in the dead letter topics are not of pipeline p\n").out,
		`CLASS      SOURCE     MODEL    COUNT  SENT BACK  FIRST                     LAST
missing    TX/tx.a/b  fraud 7  1      0          2026-11-21T09:00:02.000Z  2026-11-21T09:00:02.000Z
too_large  TX/tx.eu   fraud 7  1      0          2026-11-21T09:00:03.000Z  2026-11-21T09:00:03.000Z
type       TX/gone    fraud 7  1      0          2026-11-21T09:00:05.000Z  2026-11-21T09:00:05.000Z
type       TX/tx.a/b  fraud 7  1      0          2026-11-21T09:00:04.000Z  2026-11-21T09:00:04.000Z
type       TX/tx.eu   fraud 7  1      0          2026-11-21T09:00:01.000Z  2026-11-21T09:00:01.000Z
total                          5      0                                    
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := run(t, "", "dlq", "show", config, "TX/tx.a/b/2").want(t, 0).out, `TX/tx.a/b/2 (OWN/p.dead/2)
trace: t1
penstock-error-class: missing
penstock-error: amount: bad (byte 3)
penstock-source: TX/tx.a/b/2
penstock-pipeline: p
penstock-model: fraud
penstock-model-version: 7
penstock-time: 2026-11-21T09:00:02Z
penstock-attempt: 1
value: event 2
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(run(t, "", "dlq", "show", config, "TX/tx.a/b/2", "--json").want(t, 0).out), &got); err != nil {
		t.Fatal(err)
	}
	if got["stream"] != "OWN" || got["subject"] != "p.dead" || got["sequence"] != 2.0 || got["partition"] != nil || got["key"] != nil {
		t.Errorf("got %v", got)
	}
	run(t, "", "dlq", "show", config, "TX/7").want(t, 2, `"TX/7" is no event's id; one is such as TRANSACTIONS/transactions.eu/1234`)
	run(t, "", "dlq", "list", config, "--set", "sink.stream=NOWHERE").want(t, 1, "look up stream NOWHERE: ", "a stream is not there: penstock topics CONFIG shows which")
}

// TestDLQOnNATSNamesAMissingRight: what the server refuses it does not answer.
func TestDLQOnNATSNamesAMissingRight(t *testing.T) {
	for _, denied := range []string{"$JS.API.CONSUMER.CREATE.OWN.>", "$JS.API.CONSUMER.MSG.NEXT.OWN.*"} {
		s := startNATS(t, users(`permissions: {publish: {deny: "`+denied+`"}}`))
		ownStream(t, s, "p", "OWN")
		publishNATS(t, s, natsLetter("tx.eu", 1, "type"))
		config := natsConfig(t, s, asAnn)
		start := time.Now()
		run(t, "", "dlq", "list", config).want(t, 1, "the user may not publish to "+strings.TrimRight(denied, "*>"))
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("without %s it took %s", denied, took)
		}
	}
}

// withSink has a config's sink write below the pipeline's name.
func withSink(t *testing.T, config string) string {
	t.Helper()
	return writeFile(t, "p.yaml", strings.Replace(readFile(t, config), `, subject: "scored.{{wildcard(1)}}"`, "", 1))
}

func TestRedriveOnNATS(t *testing.T) {
	s, config := natsLetters(t, someNATSLetters()...)
	config = withSink(t, config)
	dry := run(t, "", "dlq", "redrive", config, "--dry-run", "--class", "type").want(t, 0, "2 dead letters would be sent back; 1 cannot be, since they came from subjects that the source no longer has\n")
	js := jetStream(t, s)
	if want := "TX/tx.eu/1 type amount: bad (byte 3)\nTX/tx.a/b/4 type amount: bad (byte 3)\n"; dry.out != want || len(messagesOf(t, js, "TX", ">")) != 0 {
		t.Errorf("got %q", dry.out)
	}
	run(t, "", "dlq", "redrive", config, "--class", "type").want(t, 0, "2 dead letters sent back; 1 cannot be")
	run(t, "", "dlq", "redrive", config).want(t, 0, "1 dead letter sent back; 2 were sent back before; 1 cannot be, since their values were too large to keep; 1 cannot be, since they came from subjects")
	run(t, "", "dlq", "redrive", config, "-q").want(t, 0)
	messages := messagesOf(t, js, "TX", ">")
	if got, want := bodies(messages), []string{"event 1", "event 4", "event 2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	m := messages[1]
	want := nats.Header{"trace": {"t1"}, "penstock-attempt": {"1"}, "Nats-Msg-Id": {"redrive:OWN:6"}, "Nats-Expected-Stream": {"TX"}}
	if m.Subject() != "tx.a/b" || fmt.Sprint(m.Headers()) != fmt.Sprint(want) {
		t.Errorf("%s with headers %v, want %v", m.Subject(), m.Headers(), want)
	}
	list := run(t, "", "dlq", "list", config).want(t, 0).out
	if !strings.Contains(list, "type       TX/tx.eu   fraud 7  1      1 ") || !strings.Contains(list, "total                          5      3 ") {
		t.Errorf("got\n%s", list)
	}
}

// TestRedriveOnNATSThatIsKilled kills the process while it publishes events, and
// when it writes down what it has sent, and runs it again.
func TestRedriveOnNATSThatIsKilled(t *testing.T) {
	var many []*nats.Msg
	for i := range manyLetters {
		many = append(many, natsLetter("tx.eu", i+1, "type"))
	}
	for _, cut := range []struct {
		watched string
		after   int32
	}{
		{"tx.eu", 1}, {"tx.eu", 400}, {"tx.eu", 500}, {"p.sent-back.*", 1}, {"tx.eu", 900}, {"p.sent-back.*", 3}, {"p.sent-back.*", 4},
	} {
		t.Run(fmt.Sprint(cut.watched, " ", cut.after), func(t *testing.T) {
			s, config := natsLetters(t, many...)
			config = withSink(t, config)
			executable, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			child := exec.Command(executable, "dlq", "redrive", config)
			child.Env = append(os.Environ(), standIn+"=1")
			var stderr bytes.Buffer
			child.Stderr = &stderr
			js := jetStream(t, s)
			var seen atomic.Int32
			started := make(chan struct{}, 1)
			sub, err := js.Conn().Subscribe(cut.watched, func(*nats.Msg) {
				if seen.Add(1) == cut.after {
					<-started
					_ = child.Process.Kill()
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := js.Conn().Flush(); err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			started <- struct{}{}
			killed := child.Wait()
			if err := sub.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
			if killed == nil && cut.after < 4 {
				t.Fatalf("the redrive was not cut: %s", stderr.String())
			}
			run(t, "", "dlq", "redrive", config).want(t, 0, "dead letters sent back")
			times := map[string]int{}
			for _, v := range bodies(messagesOf(t, js, "TX", ">")) {
				times[v]++
			}
			for i := range manyLetters {
				if n := times[fmt.Sprintf("event %d", i+1)]; n != 1 {
					t.Fatalf("event %d is there %d times", i+1, n)
				}
			}
			run(t, "", "dlq", "redrive", config).want(t, 0, "0 dead letters sent back; 1,700 were sent back before\n")
		})
	}
}

// TestRedriveOnNATSThatIsOvertaken begins another redrive while the first one
// publishes: they send the same letters, and one of them finds the memory changed
// and begins anew.
func TestRedriveOnNATSThatIsOvertaken(t *testing.T) {
	s, config := natsLetters(t, someNATSLetters()...)
	config = withSink(t, config)
	js := jetStream(t, s)
	var overtaken atomic.Bool
	done := make(chan result, 1)
	if _, err := js.Conn().Subscribe("tx.eu", func(*nats.Msg) {
		if overtaken.CompareAndSwap(false, true) {
			done <- run(t, "", "dlq", "redrive", config)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := js.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	first := run(t, "", "dlq", "redrive", config).want(t, 0)
	second := (<-done).want(t, 0)
	if got := len(messagesOf(t, js, "TX", ">")); got != 3 {
		t.Errorf("%d events are in the source, want 3: %s%s", got, first.err, second.err)
	}
}
