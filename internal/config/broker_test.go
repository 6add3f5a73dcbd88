package config

import (
	"path/filepath"
	"reflect"
	"testing"
)

func TestBrokerDefaults(t *testing.T) {
	b := load(t, "broker: {nats: {}, embedded: {}}\nmodel: {path: m}", Options{Purpose: ForModel}).Pipeline.Broker
	if want := (NATS{URL: "nats://localhost:4222"}); *b.NATS != want {
		t.Errorf("nats: got %+v, want %+v", *b.NATS, want)
	}
	if want := (Embedded{Dir: Path(filepath.Join("dir", "data")), MaxBytes: 10 << 30}); *b.Embedded != want {
		t.Errorf("embedded: got %+v, want %+v", *b.Embedded, want)
	}
}

// TestBootstrapServersInOneText: a variable holds several with commas between.
func TestBootstrapServersInOneText(t *testing.T) {
	brokers := func(name string) (string, bool) { return "a:1, b:2,c:3", name == "BROKERS" }
	for _, text := range []string{"${BROKERS}", `"${BROKERS}"`, "a:1,b:2,c:3", "[a:1, b:2, c:3]"} {
		f := load(t, "broker: {kafka: }\nmodel: {path: m}", Options{Purpose: ForModel, Lookup: brokers, Set: []string{"broker.kafka.bootstrap_servers=" + text}})
		if got, want := f.Pipeline.Broker.Kafka.BootstrapServers, []string{"a:1", "b:2", "c:3"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s gives %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"a:1,,b:2": "--set broker.kafka.bootstrap_servers: bootstrap_servers[1] is empty",
		"true":     "--set broker.kafka.bootstrap_servers: bootstrap_servers must be a list, such as [a, b], not true",
		"a:1,b":    `--set broker.kafka.bootstrap_servers: a bootstrap server must be HOST:PORT, such as localhost:9092, not "b"`,
	} {
		f := read("c.yaml", []byte("name: a\nbroker: {kafka: }\nsource: {topic: t}\nsink: {topic: p}\nmodel: {path: m}"), Options{Set: []string{"broker.kafka.bootstrap_servers=" + text}})
		if got := f.Render(nil); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// TestMetricsNeedAnotherPort tries addresses that meet or do not meet.
func TestMetricsNeedAnotherPort(t *testing.T) {
	for metrics, fails := range map[string]bool{
		"127.0.0.1:8080": true, "0.0.0.0:8080": true, ":8080": true, "[::1]:8080": true,
		"127.0.0.1:8081": false, "": false,
	} {
		f := read("c.yaml", []byte("name: a\nbroker: {kafka: {}}\nsource: {topic: t}\nsink: {topic: p}\nmodel: {path: m}\nmetrics_listen: '"+metrics+"'"), Options{})
		if f.Failed() != fails {
			t.Errorf("%q: %q", metrics, f.Render(nil))
		}
	}
	if f := read("c.yaml", []byte("name: a\nbroker: {kafka: {}}\nsource: {topic: t}\nsink: {topic: p}\nmodel: {path: m}\nlisten: '127.0.0.1:0'\nmetrics_listen: ':0'"), Options{}); f.Failed() {
		t.Errorf("the system chooses both ports: %q", f.Render(nil))
	}
}
