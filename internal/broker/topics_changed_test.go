package broker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/internal/config"
)

// TestChanged tells what happened to a topic from what a broker cannot say just
// now.
func TestChanged(t *testing.T) {
	const mayAll = 1<<kmsg.ACLOperationRead | 1<<kmsg.ACLOperationWrite | 1<<kmsg.ACLOperationDescribe
	answer := func(change func(*kmsg.MetadataResponseTopic)) func(*testing.T, *kfake.Cluster, []FoundTopic) {
		return func(_ *testing.T, c *kfake.Cluster, found []FoundTopic) {
			c.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				resp := r.ResponseKind().(*kmsg.MetadataResponse)
				for i := range found {
					topic := kmsg.NewMetadataResponseTopic()
					topic.Topic, topic.TopicID, topic.AuthorizedOperations = &found[i].Name, found[i].ID, mayAll
					topic.Partitions = append(topic.Partitions, kmsg.NewMetadataResponseTopicPartition())
					change(&topic)
					resp.Topics = append(resp.Topics, topic)
				}
				return resp, nil, true
			})
		}
	}
	remove := func(t *testing.T, c *kfake.Cluster, _ []FoundTopic) {
		if err := c.DeleteTopic("out"); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, c *kfake.Cluster, found []FoundTopic)
		want   string // of the error; empty: none
		kind   Kind
	}{
		"nothing": {func(*testing.T, *kfake.Cluster, []FoundTopic) {}, "", 0},
		"deleted": {remove, "topic out (sink) was deleted", Missing},
		"created again": {func(t *testing.T, c *kfake.Cluster, _ []FoundTopic) {
			remove(t, c, nil)
			if err := c.CreateTopic("out", 1, nil); err != nil {
				t.Fatal(err)
			}
		}, "topic out (sink) was deleted and created again", Rebuild},
		"may not write": {answer(func(topic *kmsg.MetadataResponseTopic) {
			topic.AuthorizedOperations = 1<<kmsg.ACLOperationRead | 1<<kmsg.ACLOperationDescribe
		}), "Write topic out", Denied},
		"may not describe": {answer(func(topic *kmsg.MetadataResponseTopic) {
			topic.ErrorCode = kerr.TopicAuthorizationFailed.Code
		}), "Describe topic in", Denied},
		"no leader": {answer(func(topic *kmsg.MetadataResponseTopic) { topic.ErrorCode = kerr.LeaderNotAvailable.Code }), "", 0},
		"no answer": {func(_ *testing.T, c *kfake.Cluster, _ []FoundTopic) { c.Close() }, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := startKafka(t, kfake.SeedTopics(1, "in", "out", "in.dead", "p.state"))
			client := clientOf(t, cluster)
			p := &config.Pipeline{Name: "p", Source: config.Source{Topic: "in"}, Sink: config.Sink{Topic: "out"}}
			found := inspect(t, client, p)
			c.change(t, cluster, found)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := Changed(ctx, client, found)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || Diagnose(err).Kind != c.kind) {
				t.Errorf("got %v, want %q of kind %v", err, c.want, c.kind)
			}
		})
	}
}
