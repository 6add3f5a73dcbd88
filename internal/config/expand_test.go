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
		x.expand(n, mustBeSet)
		if n.text != test.want || len(x.out.list) > 0 {
			t.Errorf("%s gives %q and %v, want %q", test.text, n.text, x.out.list, test.want)
		}
	}
	for _, text := range []string{"${NOT_SET}", "${", "${NAME", "${}", "${1A}", "${A B}", "${:-x}", "${NAME-x}"} {
		x := expander{out: &problems{}, lookup: environment}
		x.expand(&node{text: text}, mustBeSet)
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
	f := read("c.yaml", []byte("model: {path: m.onnx, version: \"${NOT_SET}\"}"), Options{Purpose: ForModel, Lookup: environment})
	if !f.Failed() {
		t.Error("the model's own variable is not set, and went unnoticed")
	}
}

// TestScoringTellsOfVariablesThatItUses: what scoring takes from beside the
// model may be unset too, but not unnoticed.
func TestScoringTellsOfVariablesThatItUses(t *testing.T) {
	for text, warns := range map[string]bool{
		"name: ${NOT_SET}":                                                         true,
		"source: {event_time: '${NOT_SET}'}":                                       true,
		"workers: ${NOT_SET}":                                                      true,
		"batch: {max_rows: '${NOT_SET}'}":                                          true,
		"batch: ${NOT_SET}":                                                        true,
		"drift: {reference: '${NOT_SET}'}":                                         true,
		"drift: {reference: {first: '${NOT_SET}'}}":                                true,
		"drift: {reference: r, windows: ['${NOT_SET}', '${NOT_SET}']}":             true,
		"source: {topic: '${NOT_SET}'}":                                            false,
		"source: {topics: ['${NOT_SET}']}":                                         false,
		"sink: {topic: '${NOT_SET}'}":                                              false,
		"drift: {reference: r, webhook: {url: 'http://h/', secret: '${NOT_SET}'}}": false,
	} {
		for purpose, fails := range map[Purpose]bool{ForModel: false, ForRun: true} {
			f := read("c.yaml", []byte(text+"\nmodel: {path: m.onnx}\n"), Options{Purpose: purpose, Lookup: environment})
			lines := f.Render(nil)
			if f.Failed() != fails || !fails && (len(lines) > 0) != warns {
				t.Errorf("%s: purpose %d: failed is %t, problems %q", text, purpose, f.Failed(), lines)
			}
		}
	}
	f := read("c.yaml", []byte("batch: {max_rows: '${NOT_SET}'}\nmodel: {path: m}"), Options{Purpose: ForModel, Lookup: environment})
	want := "c.yaml:1:19: warning: the environment variable NOT_SET is not set, so this key counts as left out"
	if got := f.Render(nil); len(got) != 1 || got[0] != want || f.Pipeline.Batch.MaxRows != 256 {
		t.Errorf("got %q and %d rows, want %q and the default", got, f.Pipeline.Batch.MaxRows, want)
	}
}
