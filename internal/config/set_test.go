package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

func TestSet(t *testing.T) {
	f := scenario(t, "testdata/set_good.yaml")
	p := f.Pipeline
	if f.Failed() {
		t.Fatal(f.Render(nil))
	}
	if want := []string{"a:1"}; !reflect.DeepEqual(p.Broker.Kafka.BootstrapServers, want) {
		t.Errorf("bootstrap_servers %q, want %q; the variable it replaces is not set", p.Broker.Kafka.BootstrapServers, want)
	}
	if want := []string{"x", "b", "card-fraud"}; !reflect.DeepEqual(p.Source.Topics, want) {
		t.Errorf("topics %q, want %q", p.Source.Topics, want)
	}
	want := []inference.Input{{Name: "a.b", Columns: []inference.Column{{From: "c.d", At: -1}}}}
	if !reflect.DeepEqual(p.Model.Inputs, want) {
		t.Errorf("inputs %+v, want %+v", p.Model.Inputs, want)
	}
	if p.Model.Timeout != 500*time.Millisecond || p.Listen != "127.0.0.1:8080" || p.Sink.Topic != "q" || p.Workers != 2 {
		t.Errorf("got timeout %s, listen %q, sink %q, workers %d", p.Model.Timeout, p.Listen, p.Sink.Topic, p.Workers)
	}
}

func TestSetChangesOneUseOfAnAnchor(t *testing.T) {
	f := load(t, `
source: {topics: &t [a]}
model: {path: m, output: {pass: *t}}
`, Options{Purpose: ForModel, Set: []string{"source.topics[0]=b", `listen=""`}})
	if f.Pipeline.Source.Topics[0] != "b" || f.Pipeline.Model.Output.Pass[0] != "a" {
		t.Errorf("topics %q, pass %q; want b and a", f.Pipeline.Source.Topics, f.Pipeline.Model.Output.Pass)
	}
	if f.Pipeline.Listen != "" {
		t.Errorf("listen %q, want it off", f.Pipeline.Listen)
	}
}

func TestSetOverTheWholeTree(t *testing.T) {
	if f := read("c.yaml", []byte("model: {path: m}"), Options{Set: []string{"[0]=x"}}); !f.Failed() {
		t.Error("an index into the file's top map was taken")
	}
	f := read("c.yaml", []byte("model: {path: m}"), Options{Set: []string{"source.topics[1]=x"}})
	if got, want := f.Render(nil)[1], `--set source.topics[1]: source.topics has 0 entries, so there is no [1]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSetTakesAway: with nothing after the =, a key is as if it had been left
// out; a misspelt one is still an error.
func TestSetTakesAway(t *testing.T) {
	const text = `
name: a
broker: {nats: {}}
source: {topic: t}
sink: {topic: p}
model: {path: m, inputs: {x: {from: a, missing: 0}, y: {from: b}}}
drift: {reference: r, features: {amount: {top: 5}, age: {}}}
workers: 3
`
	f := load(t, text, Options{Purpose: ForRun, Set: []string{
		"broker.nats=", "broker.kafka={}", "workers=", "model.inputs.y=", "model.inputs.x.missing=",
		"drift.features.age=", "drift.features.amount.top=", "batch=", "listen=",
	}})
	p := f.Pipeline
	if p.Broker.NATS != nil || p.Broker.Kafka == nil || p.Workers != 0 || p.Listen != "127.0.0.1:8080" {
		t.Errorf("got %+v", p)
	}
	if want := []inference.Input{{Name: "x", Columns: []inference.Column{{From: "a", At: -1}}}}; !reflect.DeepEqual(p.Model.Inputs, want) {
		t.Errorf("inputs %+v, want %+v", p.Model.Inputs, want)
	}
	if want := []Feature{{Name: "amount", Top: 100}}; !reflect.DeepEqual(p.Drift.Features.Named, want) {
		t.Errorf("features %+v, want %+v", p.Drift.Features.Named, want)
	}
	if d := load(t, text, Options{Set: []string{"broker=", "source=", "sink=", "drift="}}).Pipeline.Drift; d != nil {
		t.Errorf("drift is still %+v", d)
	}
	if d := load(t, text, Options{Purpose: ForModel, Set: []string{"drift=", "drift.reference=other"}}).Pipeline.Drift; d == nil || d.Pane != time.Minute {
		t.Errorf("a part that is set anew is %+v", d)
	}
	for set, want := range map[string]string{
		"drfit=":      `--set drfit: unknown key "drfit"; did you mean "drift"?`,
		"model.path=": "c.yaml:6:1: model.path is missing; write path: fraud.onnx",
		"drift=~":     "--set drift: drift is empty; write drift: {} for its defaults, or leave it out",
	} {
		got := read("c.yaml", []byte(text), Options{Purpose: ForModel, Set: []string{set}}).Render(nil)
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", set, got, want)
		}
	}
}
