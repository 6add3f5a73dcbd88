package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// letter is a dead letter of pipeline p as a worker writes it, of the event at
// an offset of in's partition 0, an hour after morning for each class.
func letter(offset int, class string, more ...kgo.RecordHeader) *kgo.Record {
	hours := slices.Index([]string{"type", "missing", "decode"}, class)
	return &kgo.Record{
		Topic: "in.dead", Key: []byte("ann"), Value: fmt.Appendf(nil, "event %d", offset),
		Headers: append([]kgo.RecordHeader{
			{Key: "trace", Value: []byte("t1")},
			{Key: "penstock-error-class", Value: []byte(class)},
			{Key: "penstock-error", Value: []byte("amount: bad (byte 3)")},
			{Key: "penstock-source", Value: fmt.Appendf(nil, "in/0/%d", offset)},
			{Key: "penstock-pipeline", Value: []byte("p")},
			{Key: "penstock-model", Value: []byte("fraud")},
			{Key: "penstock-model-version", Value: []byte("7")},
			{Key: "penstock-time", Value: morning.Add(time.Duration(hours)*time.Hour+time.Duration(offset)*time.Second).AppendFormat(nil, time.RFC3339)},
			{Key: "penstock-attempt", Value: []byte("1")},
		}, more...),
	}
}

var truncatedMark = kgo.RecordHeader{Key: "penstock-truncated", Value: []byte("5000000")}

// letters starts a Kafka with some dead letters, and gives the config.
func letters(t *testing.T) (*kfake.Cluster, string) {
	t.Helper()
	c := startKafka(t, kfake.SeedTopics(1, "in", "in.dead"))
	truncated := letter(3, "too_large", truncatedMark)
	truncated.Value = nil
	stranger := letter(9, "type")
	stranger.Headers[4].Value = []byte("another")
	produce(t, c, letter(0, "type"), letter(1, "missing"), letter(2, "type"), truncated, stranger,
		&kgo.Record{Topic: "in.dead", Value: []byte("of nobody")}, letter(4, "decode"))
	return c, streamConfig(t, c)
}

func TestDLQList(t *testing.T) {
	_, config := letters(t)
	list := func(args ...string) string {
		return run(t, "", append([]string{"dlq", "list", config}, args...)...).want(t, 0, "2 other records in the dead letter topics are not of pipeline p\n").out
	}
	if got, want := list(), `CLASS      SOURCE  MODEL    COUNT  SENT BACK  FIRST                     LAST
decode     in/0    fraud 7  1      0          2026-11-21T11:00:04.000Z  2026-11-21T11:00:04.000Z
missing    in/0    fraud 7  1      0          2026-11-21T10:00:01.000Z  2026-11-21T10:00:01.000Z
too_large  in/0    fraud 7  1      0          2026-11-21T08:00:03.000Z  2026-11-21T08:00:03.000Z
type       in/0    fraud 7  2      0          2026-11-21T09:00:00.000Z  2026-11-21T09:00:02.000Z
total                       5      0                                    
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := list("--class", "type", "--class", "missing", "--since", "2026-11-21T09:00:01Z"); strings.Count(got, "\n") != 4 ||
		!strings.Contains(got, "missing") || !strings.Contains(got, "type     in/0    fraud 7  1") {
		t.Errorf("got\n%s", got)
	}
	if got := list("--since", "1s"); !strings.Contains(got, "total                  0      0") && !strings.Contains(got, "total  ") || strings.Contains(got, "type") {
		t.Errorf("got\n%s", got)
	}
	run(t, "", "dlq", "list", config, "--class", "tpye").want(t, 2, "--class tpye is unknown; the classes are decode, missing, type, model, timeout, crash, too_large")
	run(t, "", "dlq", "list", config, "--since", "noon").want(t, 2, "--since must be a time such as 2026-11-21T09:00:00Z, or how long ago, such as 2h, not \"noon\"")
	run(t, "", "dlq", "list", config, "--set", "dead_letter.topic=nowhere").want(t, 1, "topic nowhere is missing")
}

func TestDLQShow(t *testing.T) {
	c, config := letters(t)
	if got, want := run(t, "", "dlq", "show", config, "in/0/2").want(t, 0).out, `in/0/2 (in.dead/0/2)
trace: t1
penstock-error-class: type
penstock-error: amount: bad (byte 3)
penstock-source: in/0/2
penstock-pipeline: p
penstock-model: fraud
penstock-model-version: 7
penstock-time: 2026-11-21T09:00:02Z
penstock-attempt: 1
key: ann
value: event 2
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := run(t, "", "dlq", "show", config, "--class", "type").want(t, 0).out; strings.Count(got, "value: ") != 2 || !strings.Contains(got, "value: event 0\n\nin/0/2 (") {
		t.Errorf("got\n%s", got)
	}
	if got := run(t, "", "dlq", "show", config, "in/0/3").want(t, 0).out; !strings.HasSuffix(got, "value: dropped, since the broker refused its size\n") {
		t.Errorf("got\n%s", got)
	}
	binary := letter(5, "decode", kgo.RecordHeader{Key: "sig", Value: []byte{0xff}})
	binary.Value, binary.Key = []byte("\xff\x00"), nil
	escape := letter(6, "decode")
	escape.Value = []byte("\x1b[2J")
	produce(t, c, binary, escape)
	if got := run(t, "", "dlq", "show", config, "in/0/5").want(t, 0).out; !strings.HasSuffix(got, "sig: (base64) /w==\nvalue: (base64) /wA=\n") {
		t.Errorf("got\n%s", got)
	}
	if got := run(t, "", "dlq", "show", config, "in/0/6").want(t, 0).out; strings.Contains(got, "\x1b") {
		t.Errorf("an event reaches the terminal as it is: %q", got)
	}
	run(t, "", "dlq", "show", config, "in/0/77").want(t, 1, "there is no dead letter of in/0/77; penstock dlq list "+config)
	run(t, "", "dlq", "show", config, "77").want(t, 2, `"77" is no event's id; one is such as transactions/0/1234`)

	lines := linesOf(run(t, "", "dlq", "show", config, "--class", "decode", "--json").want(t, 0).out)
	if len(lines) != 3 {
		t.Fatalf("got %q", lines)
	}
	var got struct {
		ID, Class, Error, Topic, Key string
		Partition, Offset            int
		Value                        *string
		ValueBase64                  string `json:"value_base64"`
		Headers                      []struct{ Name, Value string }
	}
	decodeJSON(t, lines[0], &got)
	if got.ID != "in/0/4" || got.Class != "decode" || got.Error != "amount: bad (byte 3)" || got.Topic != "in.dead" || got.Offset != 6 ||
		got.Key != "ann" || *got.Value != "event 4" || got.Headers[0].Name != "trace" || got.Headers[0].Value != "t1" {
		t.Errorf("got %s", lines[0])
	}
	got.Value = nil
	decodeJSON(t, lines[1], &got)
	if got.Value != nil || got.ValueBase64 != "/wA=" {
		t.Errorf("got %s", lines[1])
	}
}
