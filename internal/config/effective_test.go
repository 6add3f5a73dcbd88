package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestEffectiveReadsBack: the effective configuration of every good scenario
// is the same pipeline again, but for the secrets, which it does not tell.
func TestEffectiveReadsBack(t *testing.T) {
	tried := 0
	for _, path := range scenarioFiles(t) {
		f := scenario(t, path)
		if f.Failed() {
			continue
		}
		tried++
		text := f.Effective()
		if strings.Contains(string(text), "hush") {
			t.Errorf("%s: the secret is told:\n%s", path, text)
		}
		again := read(filepath.Base(path), text, Options{})
		hideSecrets(&f.Pipeline)
		if !reflect.DeepEqual(f.Pipeline, again.Pipeline) || again.Failed() {
			t.Errorf("%s reads back differently: %q\n%s\ngot  %+v\nwant %+v", path, again.Render(nil), text, again.Pipeline, f.Pipeline)
		}
	}
	if tried < 8 {
		t.Errorf("only %d good scenarios", tried)
	}
}

func hideSecrets(p *Pipeline) {
	if k := p.Broker.Kafka; k != nil && k.SASL != nil {
		k.SASL.Password = Secret(k.SASL.Password.String())
	}
	if p.Drift != nil {
		p.Drift.Webhook.Secret = Secret(p.Drift.Webhook.Secret.String())
	}
}

func TestEffectiveText(t *testing.T) {
	f := read("dir/c.yaml", []byte(`
model:
  path: m.onnx
  version: "1e3"
  inputs:
    x: [a, {from: "b ${C:-$$}{d}", missing: -.inf}]
    y: {from: z, pad: "0", coerce: true}
    m: {mask_of: y}
  output: {include: all}
workers: 2
`), Options{Purpose: ForModel, Lookup: environment})
	if f.Failed() {
		t.Fatal(f.Render(nil))
	}
	_, got, _ := strings.Cut(string(f.Effective()), "model:\n")
	const want = `  version: "1e3"
  path: m.onnx
  runtime: auto
  intra_op_num_threads: 1
  device: cpu
  timeout: 2s
  inputs:
    x: {from: [{from: a}, {from: 'b $$${d}', missing: -.inf}]}
    y: {from: z, coerce: true, pad: "0"}
    m: {mask_of: y}
  output:
    include: all
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestEffectivePaths: what lies in the file's folder is written relative to
// it, what lies elsewhere as it is.
func TestEffectivePaths(t *testing.T) {
	for _, dir := range []string{"dir", "/srv/pipelines"} {
		f := read(dir+"/c.yaml", []byte("model: {path: models/m.onnx, examples: /data/golden.jsonl}"), Options{Purpose: ForModel})
		text := string(f.Effective())
		for _, want := range []string{"  path: models/m.onnx\n", "  examples: /data/golden.jsonl\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("in %s: no %q in\n%s", dir, want, text)
			}
		}
	}
}

func TestSecretsHideThemselves(t *testing.T) {
	s := struct{ Password Secret }{"hush"}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s.Password, s.Password), string(text)} {
		if strings.Contains(shown, "hush") || !strings.Contains(shown, redacted) {
			t.Errorf("shown as %s", shown)
		}
	}
	if s.Password.Reveal() != "hush" || Secret("").String() != "" {
		t.Error("Reveal must give the secret, and an empty one is empty")
	}
}
