package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

// load reads text that must be without problems.
func load(t *testing.T, text string, o Options) *File {
	t.Helper()
	if o.Lookup == nil {
		o.Lookup = environment
	}
	f := read("dir/card.yaml", []byte(text), o)
	if lines := f.Render(nil); f.Failed() {
		t.Fatalf("problems:\n%s", strings.Join(lines, "\n"))
	}
	return f
}

func TestDefaultsAreTheSpecs(t *testing.T) {
	minimal, err := os.ReadFile("testdata/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := load(t, string(minimal), Options{Purpose: ForRun}).Pipeline
	want := Pipeline{
		Name:               "card-fraud",
		Broker:             Broker{Kafka: &Kafka{BootstrapServers: []string{"localhost:9092"}, ClientID: "penstock"}},
		Source:             Source{Topic: "transactions", Group: "card-fraud", Start: "earliest", Isolation: "read_committed", SessionTimeout: 10 * time.Second, FetchMaxBytes: 50 << 20},
		Sink:               Sink{Topic: "predictions", Compression: "lz4"},
		DeadLetter:         DeadLetter{MaxShare: 1},
		Delivery:           "exactly_once",
		CommitInterval:     100 * time.Millisecond,
		TransactionTimeout: 10 * time.Second,
		Batch:              Batch{MaxRows: 256},
		DrainTimeout:       25 * time.Second,
		Model: inference.Config{
			Name: "fraud", Path: filepath.Join("dir", "fraud.onnx"), Runtime: "auto",
			IntraOpNumThreads: 1, Device: "cpu", Timeout: 2 * time.Second,
		},
		Listen: "127.0.0.1:8080",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// TestCompleteEqualsDefaults: section 2 of the contract writes every default
// out, so it must read the same as leaving them out.
func TestCompleteEqualsDefaults(t *testing.T) {
	p := scenario(t, "testdata/complete.yaml").Pipeline
	d := p.Drift
	if d == nil {
		t.Fatal("no drift part")
	}
	wantDrift := Drift{
		Reference: Reference{File: "reference.json"}, Pane: time.Minute,
		Windows: []Window{{Length: time.Hour}, {Length: 24 * time.Hour}}, Zone: "UTC",
		Lateness: 10 * time.Minute, Idle: time.Minute, Features: Features{All: true},
		FalseAlarms: Rate{Count: 1, Per: "month"}, Effect: 0.1, MinRows: 500,
	}
	if !reflect.DeepEqual(*d, wantDrift) {
		t.Errorf("drift: got %+v, want %+v", *d, wantDrift)
	}
	short := load(t, "model: {path: m.onnx}\ndrift: {reference: reference.json}", Options{}).Pipeline.Drift
	short.Reference = d.Reference
	if !reflect.DeepEqual(*short, wantDrift) {
		t.Errorf("drift defaults: got %+v, want %+v", *short, wantDrift)
	}
	if p.Broker.Kafka.SASL == nil || p.Broker.Kafka.SASL.Password.Reveal() != "hush" {
		t.Errorf("sasl: got %+v", p.Broker.Kafka.SASL)
	}
	if want := (&TLS{}); !reflect.DeepEqual(p.Broker.Kafka.TLS, want) {
		t.Errorf("tls: got %+v, want it present and empty", p.Broker.Kafka.TLS)
	}
}

func TestInputs(t *testing.T) {
	number := func(text string) inference.Missing {
		return inference.Missing{Policy: inference.MissingFill, Fill: inference.Literal{Kind: inference.NumberLiteral, Text: text}}
	}
	fill := func(kind inference.LiteralKind, text string) inference.Missing {
		return inference.Missing{Policy: inference.MissingFill, Fill: inference.Literal{Kind: kind, Text: text}}
	}
	nan := inference.Missing{Policy: inference.MissingNaN}
	one := func(c inference.Column) inference.Input {
		c.At = -1
		return inference.Input{Columns: []inference.Column{c}}
	}
	tests := []struct {
		text string
		want inference.Input
	}{
		{"geo.country", one(inference.Column{From: "geo.country"})},
		{`"['a.b'].c"`, one(inference.Column{From: "['a.b'].c"})},
		{"7", one(inference.Column{From: "7"})},
		{"[a]", inference.Input{List: true, Columns: []inference.Column{{From: "a"}}}},
		{"[amount, {from: merchant.risk, missing: 0}, {from: x, coerce: true}]", inference.Input{List: true, Columns: []inference.Column{
			{From: "amount"}, {From: "merchant.risk", Missing: number("0"), At: 1}, {From: "x", Coerce: true, At: 2},
		}}},
		{"{from: customer.age, missing: nan}", one(inference.Column{From: "customer.age", Missing: nan})},
		{"{from: a, missing: .nan}", one(inference.Column{From: "a", Missing: nan})},
		{"{from: a, missing: NaN}", one(inference.Column{From: "a", Missing: nan})},
		{`{from: a, missing: ".nan"}`, one(inference.Column{From: "a", Missing: nan})},
		{"{from: a, missing: .NaN}", one(inference.Column{From: "a", Missing: nan})},
		{`{from: a, missing: "nan"}`, one(inference.Column{From: "a", Missing: nan})},
		{"{from: a, missing: reject}", one(inference.Column{From: "a"})},
		{`{"from": "a", "missing": "reject"}`, one(inference.Column{From: "a"})},
		{"{from: a, missing: unknown}", one(inference.Column{From: "a", Missing: fill(inference.TextLiteral, "unknown")})},
		{`{from: a, missing: "0"}`, one(inference.Column{From: "a", Missing: fill(inference.TextLiteral, "0")})},
		{`{from: a, missing: ""}`, one(inference.Column{From: "a", Missing: fill(inference.TextLiteral, "")})},
		{"{from: a, missing: True}", one(inference.Column{From: "a", Missing: fill(inference.BoolLiteral, "true")})},
		{"{from: a, missing: -12.50}", one(inference.Column{From: "a", Missing: number("-12.50")})},
		{"{from: a, missing: 9007199254740993}", one(inference.Column{From: "a", Missing: number("9007199254740993")})},
		{"{from: a, missing: 0x1F}", one(inference.Column{From: "a", Missing: number("31")})},
		{"{from: a, missing: 0o17}", one(inference.Column{From: "a", Missing: number("15")})},
		{"{from: a, missing: 0b101}", one(inference.Column{From: "a", Missing: number("5")})},
		{"{from: a, missing: 1_000}", one(inference.Column{From: "a", Missing: number("1000")})},
		{"{from: a, missing: +.5}", one(inference.Column{From: "a", Missing: number("0.5")})},
		{"{from: a, missing: -.inf}", one(inference.Column{From: "a", Missing: number("-inf")})},
		{"{from: a, missing: .inf}", one(inference.Column{From: "a", Missing: number("inf")})},
		{"{from: a, missing: 99999999999999999999_0}", one(inference.Column{From: "a", Missing: number("1e+21")})},
		{"{from: a, missing: +1e999}", one(inference.Column{From: "a", Missing: number("1e999")})},
		{"{from: [cpu.user, cpu.iowait], missing: nan}", inference.Input{List: true, Columns: []inference.Column{
			{From: "cpu.user", Missing: nan}, {From: "cpu.iowait", Missing: nan, At: 1},
		}}},
		{"{from: [x, {from: y, missing: reject, coerce: false}], missing: 0, coerce: true}", inference.Input{List: true, Columns: []inference.Column{
			{From: "x", Missing: number("0"), Coerce: true}, {From: "y", At: 1},
		}}},
		{"{from: tokens, pad: 0}", inference.Input{Columns: []inference.Column{{From: "tokens", At: -1}}, Pad: &inference.Literal{Text: "0"}}},
		{"{from: words, pad: nan}", inference.Input{Columns: []inference.Column{{From: "words", At: -1}}, Pad: &inference.Literal{Kind: inference.TextLiteral, Text: "nan"}}},
		{"{mask_of: input_ids}", inference.Input{MaskOf: "input_ids"}},
		{`{from: a, missing: "${NAME}"}`, one(inference.Column{From: "a", Missing: fill(inference.TextLiteral, "card-fraud")})},
		{`{from: a, missing: "${ROWS}", coerce: "${C:-true}"}`, one(inference.Column{From: "a", Coerce: true, Missing: fill(inference.TextLiteral, "64")})},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got := load(t, "model: {path: m, inputs: {x: "+test.text+"}}", Options{}).Pipeline.Model.Inputs
			test.want.Name = "x"
			if !reflect.DeepEqual(got, []inference.Input{test.want}) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	// A plain variable is typed after it is replaced, and the order is kept.
	f := load(t, "model:\n  path: m\n  inputs:\n    z: {from: a, missing: \"x\"}\n    a:\n      from: b\n      missing: ${ROWS}\n", Options{})
	in := f.Pipeline.Model.Inputs
	if in[0].Name != "z" || in[1].Name != "a" || in[1].Columns[0].Missing != number("64") {
		t.Errorf("got %+v", in)
	}
}

func TestOutput(t *testing.T) {
	got := load(t, "model: {path: m, output: {score: 'probabilities[1]', label: label, include: [probabilities], pass: [tx_id]}}", Options{}).Pipeline.Model.Output
	want := inference.Output{Score: "probabilities[1]", Label: "label", Include: &inference.Include{Names: []string{"probabilities"}}, Pass: []string{"tx_id"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = load(t, "model: {path: m, output: {include: all}}", Options{}).Pipeline.Model.Output
	if got.Include == nil || !got.Include.All {
		t.Errorf("include: all gives %+v", got)
	}
	if got = load(t, "model: {path: m, output: {include: }}", Options{}).Pipeline.Model.Output; got.Include != nil {
		t.Errorf("include: left empty gives %+v, want detection", got.Include)
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	f := load(t, `
model: {path: models/m.v2.onnx, examples: ../golden.jsonl, sha256: "sha256:ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789"}
broker: {embedded: {users_file: /etc/users}}
drift: {reference: ref.json}
http: {keys_file: keys}
`, Options{Purpose: ForModel})
	p := f.Pipeline
	for got, want := range map[string]string{
		p.Model.Path:                        "dir/models/m.v2.onnx",
		p.Model.Examples:                    "golden.jsonl",
		string(p.Broker.Embedded.UsersFile): "/etc/users",
		string(p.Broker.Embedded.Dir):       "dir/data",
		string(p.Drift.Reference.File):      "dir/ref.json",
		string(p.HTTP.KeysFile):             "dir/keys",
	} {
		if got != filepath.FromSlash(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if p.Model.Name != "m.v2" {
		t.Errorf("model name %q, want m.v2", p.Model.Name)
	}
	if want := "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"; p.Model.SHA256 != want {
		t.Errorf("sha256 %q, want %q", p.Model.SHA256, want)
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	text := `
source: {topics: &topics [a, b]}
batch: &batch {max_rows: 7, max_wait: 5ms}
model:
  path: m
  output: {pass: *topics}
  inputs:
    x: &x {from: x, missing: 1}
    y: {<<: *x, from: y}
    z: {from: z, <<: [{missing: 2}, *x]}
`
	f := load(t, text, Options{Purpose: ForModel})
	m := f.Pipeline.Model
	if want := []string{"a", "b"}; !reflect.DeepEqual(m.Output.Pass, want) {
		t.Errorf("pass %q, want %q", m.Output.Pass, want)
	}
	for i, want := range []inference.Column{{From: "x"}, {From: "y"}, {From: "z"}} {
		got := m.Inputs[i].Columns[0]
		if fill := []string{"1", "1", "2"}[i]; got.From != want.From || got.Missing.Fill.Text != fill {
			t.Errorf("%s: got %+v, want %s filled with %s", m.Inputs[i].Name, got, want.From, fill)
		}
	}
	b := load(t, "broker: {kafka: {tls: &t {ca: /a, server_name: x}}, nats: {tls: {<<: *t, ca: /b}}}\nmodel: {path: m}", Options{Purpose: ForModel}).Pipeline.Broker
	if want := (TLS{CA: "/b", ServerName: "x"}); *b.NATS.TLS != want {
		t.Errorf("what the map gives itself wins: got %+v, want %+v", *b.NATS.TLS, want)
	}
	// An alias is where it stands, what it stands for where it was written.
	for path, want := range map[string][2]int{
		"model output pass":      {6, 12},
		"model output pass 1":    {2, 30},
		"model inputs y missing": {8, 30},
	} {
		if line, col, _ := f.Locate(strings.Fields(path)); line != want[0] || col != want[1] {
			t.Errorf("%s is at %d:%d, want %d:%d", path, line, col, want[0], want[1])
		}
	}
}

func TestLoadTellsOfFilesItCannotRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "absent.yaml"), Options{}); err == nil || !strings.HasPrefix(err.Error(), "read config: open ") {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Load(dir, Options{}); err == nil {
		t.Error("a folder was read as a file")
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large, Options{}); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("large file: %v", err)
	}
	t.Setenv("PENSTOCK_TEST_MODEL", "m")
	small := filepath.Join(dir, "small.yaml")
	if err := os.WriteFile(small, []byte("model: {path: \"${PENSTOCK_TEST_MODEL}.onnx\"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(small, Options{Purpose: ForModel})
	if err != nil || f.Failed() || f.Pipeline.Model.Path != filepath.Join(dir, "m.onnx") {
		t.Errorf("small file: %v %v", err, f)
	}
}
