package cli_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestSend checks that every line arrives as it is, in order, with its key.
func TestSend(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in"))
	config := streamConfig(t, c)
	lines := []string{`{"c": {"id": "ann"}}`, `{"c":{"id":7}}`, "\xff no JSON", `{"c":{"id":null}}`, `{"c":3}`, `{"c":{"id":"ann"},"x":1e400}`}
	more := writeFile(t, "more.ndjson", lines[4]+"\r\n"+lines[5]) // no end of line at the end
	r := run(t, strings.Join(lines[:4], "\n\n")+"\n", "send", config, "-", more, "--key", "c.id").want(t, 0, "6 events in ", "/s) to in\n")
	if r.out != "" {
		t.Errorf("stdout %q", r.out)
	}
	var values, keys []string
	for _, r := range consume(t, c, "in") {
		values = append(values, string(r.Value))
		key := "none"
		if r.Key != nil {
			key = string(r.Key)
		}
		keys = append(keys, key)
	}
	if !slices.Equal(values, lines) {
		t.Errorf("got %q, want %q", values, lines)
	}
	if want := []string{"ann", "7", "none", "none", "none", "ann"}; !slices.Equal(keys, want) {
		t.Errorf("got keys %q, want %q", keys, want)
	}
	if quiet := run(t, "1\n", "send", config, "-q").want(t, 0); quiet.err != "" {
		t.Errorf("stderr %q", quiet.err)
	}
}

// TestSendKeepsItsPace checks the time that a rate takes: neither a burst, nor
// a pause at each event.
func TestSendKeepsItsPace(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in"))
	begun := time.Now()
	run(t, strings.Repeat("{}\n", 101), "send", streamConfig(t, c), "--rate", "200").want(t, 0, "101 events")
	if took := time.Since(begun); took < 490*time.Millisecond || took > 3*time.Second {
		t.Errorf("101 events at 200 a second took %s", took)
	}
	records := consume(t, c, "in")
	if half := records[50].Timestamp.Sub(records[0].Timestamp); half < 200*time.Millisecond {
		t.Errorf("the first half took %s of half a second", half)
	}
}

// TestSendSaysAtOnceThatItCannot: as a producer does, it would try again for
// longer than a person waits.
func TestSendSaysAtOnceThatItCannot(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "secret"))
	refuseLogins(c)
	config := streamConfig(t, c)
	begun := time.Now()
	run(t, "x\n", "send", config, "--set", "broker.kafka.sasl={mechanism: plain, username: ann, password: wrong}").
		want(t, 1, "penstock: publish to in: ", "SASL_AUTHENTICATION_FAILED", "the broker refused the login")
	c.Close()
	run(t, "x\n", "send", config).want(t, 1, "no broker answers at 127.0.0.1:")
	if took := time.Since(begun); took > answerSoon {
		t.Errorf("it took %s", took)
	}
}

// answerSoon is well below the time that a command waits for an answer.
const answerSoon = 7 * time.Second

// TestSendLeavesOutWhatIsTooLarge: of the topic's own bound, not of the client's
// or the cluster's. All other lines arrive, also where they only fit one by one.
func TestSendLeavesOutWhatIsTooLarge(t *testing.T) {
	c := startKafka(t)
	if err := c.CreateTopic("in", 1, map[string]string{"max.message.bytes": "2000"}); err != nil {
		t.Fatal(err)
	}
	config := streamConfig(t, c)
	fits, long := strings.Repeat("x", 1800), strings.Repeat("x", 2000)
	file := writeFile(t, "e.jsonl", strings.Join([]string{fits, "", long, fits, long, fits}, "\n"))
	run(t, "", "send", config, file).want(t, 0, "3 events in ", "to in; 2 lines were too large and left out, the first is e.jsonl:3\n")
	run(t, long+"\n"+fits, "send", config).want(t, 0, "1 events in ", "to in; stdin:1 was too large and left out\n")
	for _, r := range consume(t, c, "in") {
		if len(r.Value) != len(fits) {
			t.Errorf("an event of %d bytes arrived", len(r.Value))
		}
	}
}

func TestSendRefuses(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in", "b"))
	config := streamConfig(t, c)
	csv := writeFile(t, "e.csv", "a\n1\n")
	run(t, "", "send", config, csv).want(t, 2, csv+" is csv; events are published as they are, so convert it to JSON lines first")
	run(t, "", "send", config, "nowhere.jsonl").want(t, 2, "stat nowhere.jsonl")
	run(t, "", "send", config, "--key", "a[0]").want(t, 2, "--key must be a field's name")
	run(t, "", "send", config, "--rate=-1").want(t, 2, "--rate must be above 0")
	run(t, "", "send", config, "--topic", "out").want(t, 2, "--topic out is not of the source, which has in")
	several := writeFile(t, "several.yaml", strings.Replace(readFile(t, config), "topic: in", "topics: [in, b]", 1))
	run(t, "", "send", several).want(t, 2, "choose with --topic one of in, b")
	run(t, "x\n", "send", several, "--topic", "b").want(t, 0, "1 events in ", "to b\n")
	run(t, "x\n", "send", config, "--set", "source.topic=nowhere").want(t, 1, "publish to nowhere: topic nowhere is missing")
	if n := len(consume(t, c, "in")); n != 0 {
		t.Errorf("%d events were published", n)
	}
}
