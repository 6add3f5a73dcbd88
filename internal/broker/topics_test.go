package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/internal/config"
)

func describeTopics(topics []Topic) []string {
	var all []string
	for _, t := range topics {
		all = append(all, fmt.Sprintf("%s %s %v like %v at %s", t.Role, t.Name, t.Own, t.Like, strings.Join(t.Path, ".")))
	}
	return all
}

func TestNeededTopics(t *testing.T) {
	p := &config.Pipeline{Name: "p", Source: config.Source{Topics: []string{"a", "b"}}, Sink: config.Sink{Topic: "out"}}
	if got, want := describeTopics(NeededTopics(p)), []string{
		"source a false like [] at source.topics.0",
		"source b false like [] at source.topics.1",
		"sink out false like [a b] at sink.topic",
		"dead letters a.dead false like [a] at dead_letter.topic",
		"dead letters b.dead false like [b] at dead_letter.topic",
		"state p.state true like [] at name",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	p.DeadLetter.Topic, p.Drift = "dead", &config.Drift{}
	if got, want := describeTopics(NeededTopics(p))[3:], []string{
		"dead letters dead false like [a b] at dead_letter.topic",
		"state p.state true like [] at name",
		"panes p.panes true like [] at name",
		"drift p.drift true like [] at name",
		"alarms p.alarms true like [] at name",
		"latest drift p.drift-latest true like [] at name",
		"drift state p.drift-state true like [] at name",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func clientOf(t *testing.T, c *kfake.Cluster) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func inspect(t *testing.T, client *kgo.Client, p *config.Pipeline) []FoundTopic {
	t.Helper()
	found, err := Inspect(t.Context(), client, NeededTopics(p))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestCreate makes all topics of a pipeline, of which one is there.
func TestCreate(t *testing.T) {
	c := startKafka(t, kfake.DefaultNumPartitions(4))
	if err := c.CreateTopic("b", 7, map[string]string{maxMessageBytes: "5000000"}); err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, c)
	p := &config.Pipeline{Name: "p", Source: config.Source{Topics: []string{"a", "b"}}, Sink: config.Sink{Topic: "out"}, Drift: &config.Drift{}}

	made, err := Create(t.Context(), client, inspect(t, client, p), true)
	if got := describeTopics(made); err != nil || len(got) != 6 || !strings.HasPrefix(got[0], "state p.state") {
		t.Fatalf("made %q, %v", got, err)
	}
	made, err = Create(t.Context(), client, inspect(t, client, p), false)
	if err != nil || len(made) != 4 {
		t.Fatalf("made %q, %v", describeTopics(made), err)
	}
	want := map[string]int32{"a": 4, "b": 7, "out": 7, "a.dead": 4, "b.dead": 7, "p.state": 1, "p.panes": 1, "p.drift": 1, "p.alarms": 1, "p.drift-latest": 1, "p.drift-state": 1}
	for _, f := range inspect(t, client, p) {
		if f.Partitions != want[f.Name] || f.ID == [16]byte{} || !f.RightsKnown {
			t.Errorf("%s: %d partitions, want %d", f.Name, f.Partitions, want[f.Name])
		}
		if compacted := strings.HasPrefix(f.Settings[cleanupPolicy], "compact"); compacted != (f.Role == RoleState || f.Role == RoleLatest || f.Role == RoleSums) {
			t.Errorf("%s is compacted: %t", f.Name, compacted)
		}
		if large := f.Settings[maxMessageBytes] == "5000000"; large != (f.Name == "b" || f.Name == "b.dead") {
			t.Errorf("%s takes %s bytes", f.Name, f.Settings[maxMessageBytes])
		}
	}
	if findings := Compare(inspect(t, client, p)); len(findings) != 1 || !findings[0].Warning || !strings.HasPrefix(findings[0].Text, "out has 7 partitions, but source a has 4") {
		t.Errorf("got %+v", findings)
	}
}

// TestCreateIsOvertaken checks that a topic which somebody else makes meanwhile
// is fine.
func TestCreateIsOvertaken(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in", "out", "in.dead"))
	client := clientOf(t, c)
	p := &config.Pipeline{Name: "p", Source: config.Source{Topic: "in"}, Sink: config.Sink{Topic: "out"}}
	before := inspect(t, client, p)
	if err := c.CreateTopic("p.state", 1, nil); err != nil {
		t.Fatal(err)
	}
	if made, err := Create(t.Context(), client, before, false); err != nil || len(made) != 0 {
		t.Errorf("made %q, %v", describeTopics(made), err)
	}
}

// TestCreateIsDenied checks that the error names the right and the topic, and
// that others are made all the same.
func TestCreateIsDenied(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in"))
	client := clientOf(t, c)
	c.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.CreateTopicsRequest)
		if req.Topics[0].Topic != "out" {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode = "out", kerr.TopicAuthorizationFailed.Code
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	p := &config.Pipeline{Name: "p", Source: config.Source{Topic: "in"}, Sink: config.Sink{Topic: "out"}}
	made, err := Create(t.Context(), client, inspect(t, client, p), false)
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(Diagnose(err).Hint, "lacks Create on topic out") || len(made) != 2 {
		t.Errorf("made %q, %v", describeTopics(made), err)
	}
}
