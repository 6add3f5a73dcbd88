package cli_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestMissingTopicIsNamed says of each command which topic is not there and how
// this config's is made.
func TestMissingTopicIsNamed(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(1, "in.dead"))
	config := streamConfig(t, c)
	create := func(topic string) string {
		return "topic " + topic + " is missing; create it, or have penstock create what is missing: penstock topics " + config + " --create\n"
	}
	run(t, "{}\n", "send", config).want(t, 1, "penstock: publish to in: "+create("in"))
	run(t, "", "position", "show", config).want(t, 1, "penstock: "+create("in"))
	run(t, "", "dlq", "redrive", config).want(t, 1, "penstock: "+create("in"))
	if err := c.DeleteTopic("in.dead"); err != nil {
		t.Fatal(err)
	}
	run(t, "", "dlq", "list", config).want(t, 1, "penstock: "+create("in.dead"))
}
