package config

import "testing"

func TestExpand(t *testing.T) {
	tests := []struct{ text, want string }{
		{"plain", "plain"},
		{"${NAME}", "card-fraud"},
		{"a-${NAME}-${ROWS}", "a-card-fraud-64"},
		{"${NOT_SET:-eu}", "eu"},
		{"${NOT_SET:-}", ""},
		{"${EMPTY:-eu}", "eu"}, // as in a shell
		{"${EMPTY}", ""},
		{"${NAME:-eu}", "card-fraud"},
		{"${NESTED}", "${NAME}"}, // what comes in is not expanded again
		{"$${NAME}", "${NAME}"},
		{"$${NAME}${ROWS}", "${NAME}64"},
		{"$NAME", "$NAME"},
		{"${NOT_SET:-a:-b}", "a:-b"},
	}
	for _, test := range tests {
		x := expander{out: &problems{}, lookup: environment}
		n := &node{text: test.text, plain: true}
		x.expand(n, false)
		if n.text != test.want || len(x.out.list) > 0 {
			t.Errorf("%s gives %q and %v, want %q", test.text, n.text, x.out.list, test.want)
		}
	}
	for _, text := range []string{"${NOT_SET}", "${", "${NAME", "${}", "${1A}", "${A B}", "${:-x}", "${NAME-x}"} {
		x := expander{out: &problems{}, lookup: environment}
		x.expand(&node{text: text}, false)
		if len(x.out.list) != 1 {
			t.Errorf("%s: %d problems, want one", text, len(x.out.list))
		}
	}
}

func TestVariablesTakeTheTypeTheirKeyWants(t *testing.T) {
	p := load(t, `
model: {path: m.onnx, version: "${V:-true}", device: "${DEVICE:-cuda:1}"}
batch: {max_rows: "${ROWS}"}
workers: ${W:-3}
source: {group: "${EMPTY}"}
name: ${N:-12}
`, Options{Purpose: ForModel}).Pipeline
	if p.Batch.MaxRows != 64 || p.Workers != 3 || p.Model.Version != "true" || p.Model.Device != "cuda:1" || p.Name != "12" {
		t.Errorf("got %+v", p)
	}
	if p.Source.Group != "12" {
		t.Errorf("group %q, want the name, since it is empty", p.Source.Group)
	}
}

// TestScoringNeedsNoSecretsOfRun: whoever only scores files has no broker
// password, but what scoring does need must be set.
func TestScoringNeedsNoSecretsOfRun(t *testing.T) {
	text := `
broker: {kafka: {sasl: {username: u, password: "${NOT_SET}"}}}
instance: ${NOT_SET}
model: {path: m.onnx}
`
	for purpose, fails := range map[Purpose]bool{ForModel: false, ForLint: true, ForRun: true} {
		f := read("c.yaml", []byte(text), Options{Purpose: purpose, Lookup: environment})
		if f.Failed() != fails {
			t.Errorf("purpose %d: failed is %t, problems %q", purpose, f.Failed(), f.Render(nil))
		}
	}
	f := read("c.yaml", []byte("source: {event_time: \"${NOT_SET}\"}\nmodel: {path: m.onnx}"), Options{Purpose: ForModel, Lookup: environment})
	if !f.Failed() {
		t.Error("source.event_time counts when files are scored, and its unset variable went unnoticed")
	}
}
