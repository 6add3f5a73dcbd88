package cli_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestRunRefusesPipelinesThatShareAGroup names both files, before the models are
// loaded. A group of the same name elsewhere is another one.
func TestRunRefusesPipelinesThatShareAGroup(t *testing.T) {
	config := func(name, format, address string) string {
		return writeFile(t, name+".yaml", "name: "+name+"\nmodel: {path: m.onnx}\n"+fmt.Sprintf(format, address))
	}
	const (
		onKafka = "broker: {kafka: {bootstrap_servers: %q}}\nsource: {group: a, topic: in}\nsink: {topic: out}\n"
		onNATS  = "broker: {nats: {url: %q}}\nsource: {group: a, stream: TX, filter_subjects: [tx]}\nsink: {stream: OWN}\n"
	)
	for _, tt := range []struct {
		first, second string
		refused       bool
	}{
		{config("a", strings.Replace(onKafka, "group: a, ", "", 1), "127.0.0.1:1"), config("b", onKafka, "127.0.0.1:2,127.0.0.1:1"), true},
		{config("a", onKafka, "127.0.0.1:1"), config("b", onKafka, "127.0.0.1:2"), false},
		{config("a", onKafka, "127.0.0.1:1"), config("b", onNATS, "nats://127.0.0.1:1"), false},
		{config("a", onNATS, "nats://127.0.0.1:1"), config("b", onNATS, "nats://127.0.0.1:2,nats://127.0.0.1:1"), true},
	} {
		r := run(t, "", "run", tt.first, tt.second)
		refusal := tt.first + " and " + tt.second + " both read as group a (source.group, by default the pipeline's name)"
		if r.code != 2 || strings.Contains(r.err, refusal) != tt.refused {
			t.Errorf("exit code %d, refused for the group: want %t: %s", r.code, tt.refused, r.err)
		}
	}
}
