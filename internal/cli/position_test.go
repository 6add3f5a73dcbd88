package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// morning is when the first of the tests' events came; the others follow at a
// minute's distance.
var morning = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func fill(t *testing.T, c *kfake.Cluster, topic string, partition int32, n int) {
	t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{
			Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "%d", i), Timestamp: morning.Add(time.Duration(i) * time.Minute),
		})
	}
	produce(t, c, records...)
}

func TestPosition(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(2, "in"))
	config := streamConfig(t, c)
	fill(t, c, "in", 0, 5)
	show := func() string { return run(t, "", "position", "show", config).want(t, 0).out }
	if got, want := show(), `TOPIC  PARTITION  POSITION  END  LAG  OWNER
in     0          -         5    -    -
in     1          -         0    -    -
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, tt := range []struct {
		to   string
		want string
	}{
		{"latest", "in     0          5         5    0    -\nin     1          0         0    0    -\n"},
		{"earliest", "in     0          0         5    5    -\nin     1          0         0    0    -\n"},
		{"2026-11-21T10:02:30+01:00", "in     0          3         5    2    -\nin     1          0         0    0    -\n"},
		{"2027-01-01T00:00:00Z", "in     0          5         5    0    -\nin     1          0         0    0    -\n"},
		{"1969-12-31T23:59:59.999Z", "in     0          0         5    5    -\nin     1          0         0    0    -\n"}, // -1 ms, the protocol's word for latest
		{"0001-01-01T00:00:00Z", "in     0          0         5    5    -\nin     1          0         0    0    -\n"},
	} {
		r := run(t, "", "position", "reset", config, "--to", tt.to).want(t, 0)
		if !strings.HasSuffix(r.out, "OWNER\n"+tt.want) || r.out != show() {
			t.Errorf("--to %s: got\n%s", tt.to, r.out)
		}
	}
	run(t, "", "position", "reset", config, "--to", "yesterday").want(t, 2, "--to must be earliest, latest, or a time such as 2026-11-21T09:00:00Z, not \"yesterday\"")
	run(t, "", "position", "reset", config).want(t, 2, "missing flags: --to=WHERE; see penstock position reset --help")
	run(t, "", "position", "show", config, "--set", "source.topic=nowhere").want(t, 1, "topic nowhere is missing")
}

// TestPositionOfARunningPipeline checks that a running pipeline is shown and
// left alone.
func TestPositionOfARunningPipeline(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in"))
	config := streamConfig(t, c)
	fill(t, c, "in", 0, 3)
	member := newClient(t, c, kgo.ConsumerGroup("p"), kgo.InstanceID("p-a-0"), kgo.ConsumeTopics("in"), kgo.DisableAutoCommit())
	if fetches := member.PollRecords(t.Context(), 2); fetches.Err() != nil {
		t.Fatal(fetches.Err())
	}
	if err := member.CommitUncommittedOffsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "in     0          2         3    1    p-a-0\n"
	if r := run(t, "", "position", "show", config).want(t, 0); !strings.HasSuffix(r.out, want) {
		t.Errorf("got\n%s", r.out)
	}
	r := run(t, "", "position", "reset", config, "--to", "earliest").want(t, 1,
		"group p has members, which would go on where they are: p-a-0 at ", "session_timeout, 10s")
	if r.out != "" {
		t.Errorf("stdout %q", r.out)
	}
	if r := run(t, "", "position", "show", config).want(t, 0); !strings.HasSuffix(r.out, want) {
		t.Errorf("a refused reset has moved the position:\n%s", r.out)
	}
}

// TestPositionResetTellsTheState checks that after a reset the state topic
// knows the topic that is there, and not the one before it.
func TestPositionResetTellsTheState(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(2, "in"), kfake.SeedTopics(1, "p.state"))
	fill(t, c, "in", 1, 4)
	run(t, "", "position", "reset", streamConfig(t, c), "--to", "latest").want(t, 0)
	topics, err := adminOf(t, c).ListTopics(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("%x", [16]byte(topics["in"].ID))
	state := latest(t, c, "p.state")
	for key, start := range map[string]string{
		"topic/p/in":      `{"id":"` + id + `","partitions":2}`,
		"position/p/in/0": `{"topic_id":"` + id + `","offset":0,"time":"`,
		"position/p/in/1": `{"topic_id":"` + id + `","offset":4,"time":"`,
	} {
		if !strings.HasPrefix(state[key], start) {
			t.Errorf("%s is %q, want %q", key, state[key], start)
		}
	}
}

// latest reads the last committed record of each key.
func latest(t *testing.T, c *kfake.Cluster, topic string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, r := range consume(t, c, topic) {
		values[string(r.Key)] = string(r.Value)
	}
	return values
}

// consume reads all committed records of a topic, partition by partition.
func consume(t *testing.T, c *kfake.Cluster, topic string) []*kgo.Record {
	t.Helper()
	ends, err := kadm.NewClient(newClient(t, c)).ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var all []*kgo.Record
	for partition := range int32(len(ends[topic])) {
		client := newClient(t, c, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
		for next := int64(0); next < ends[topic][partition].Offset; {
			fetches := client.PollFetches(t.Context())
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			for _, r := range fetches.Records() {
				next = r.Offset + 1
				if !r.Attrs.IsControl() {
					all = append(all, r)
				}
			}
		}
	}
	return all
}
