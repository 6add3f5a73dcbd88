package inference

import (
	"strings"
	"testing"
)

// Outputs that the config tests pick from.
var pickable = []TensorInfo{
	info("label", Int64, Dynamic),
	classMap("probabilities", "fraud", "0", "ok", "1"),
	info("logits", Float32, Dynamic, 3),
	info("open", Float32, Dynamic, Dynamic),
	info("y", Float64, Dynamic, 1),
	info("word", String, Dynamic, 1),
	info("e", Float32, Dynamic, 2, 3),
	info("odd[0]", Float32, Dynamic, 2),
	{Name: "named", Type: Float32, Shape: []int64{Dynamic, Dynamic}, Classes: []string{"a", "b"}},
	{Name: "any", Type: Float32},
	classMap("unnamed"),
}

func TestConfiguredOutput(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  Output
		want string
	}{
		"one column":             {Output{Score: "y"}, "score=y"},
		"one column, its index":  {Output{Score: "y[0]"}, "score=y[0]"},
		"matrix column":          {Output{Score: "logits[2]"}, "score=logits[2]"},
		"open column":            {Output{Score: "open[7]"}, "score=open[7]"},
		"open, a run decides":    {Output{Score: "open"}, "score=open"},
		"unknown rank":           {Output{Score: "any"}, "score=any"},
		"unknown rank, index":    {Output{Score: "any[4]"}, "score=any[4]"},
		"integer":                {Output{Score: "label"}, "score=label"},
		"map, class":             {Output{Score: "probabilities['fraud']"}, "score=probabilities['fraud' or -1]"},
		"map, quotes":            {Output{Score: `probabilities["ok"]`}, "score=probabilities['ok' or -1]"},
		"map, class by number":   {Output{Score: "probabilities[1]"}, "score=probabilities['1' or -1]"},
		"map, position":          {Output{Score: "probabilities[2]"}, "score=probabilities['ok' or -1]"},
		"map, classes open":      {Output{Score: "unnamed[1]"}, "score=unnamed['1' or 1]"},
		"map, open, class":       {Output{Score: "unnamed['x']"}, "score=unnamed['x' or -1]"},
		"matrix, class":          {Output{Score: "named['b']"}, "score=named[1]"},
		"matrix, index":          {Output{Score: "named[0]"}, "score=named[0]"},
		"brackets in the name":   {Output{Score: "odd[0][1]"}, "score=odd[0][1]"},
		"label":                  {Output{Label: "word"}, "label=word"},
		"whole map beside label": {Output{Score: "probabilities", Label: "word"}, "score=probabilities[predicted] label=word"},
		"whole matrix too":       {Output{Score: "open", Label: "label"}, "score=open[predicted] label=label"},
	} {
		t.Run(name, func(t *testing.T) {
			test.cfg.Include = &Include{}
			p, problems := CompileOutput(&test.cfg, pickable)
			if p == nil {
				t.Fatal(problems)
			}
			if got := describe(p); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestKeysLeftOutFallBackToDetection(t *testing.T) {
	classifier := []TensorInfo{info("label", Int64, Dynamic), info("p", Float32, Dynamic, 3)}
	several := []TensorInfo{info("score", Float64, Dynamic), info("ok", Bool, Dynamic), info("n", Int32, Dynamic)}
	for name, test := range map[string]struct {
		cfg     Output
		outputs []TensorInfo
		want    string
	}{
		"score given":       {Output{Score: "p[0]"}, classifier, "score=p[0] label=label"},
		"whole score given": {Output{Score: "p"}, classifier, "score=p[predicted] label=label"},
		"label given":       {Output{Label: "label"}, classifier, "score=p[predicted] label=label"},
		"include given":     {Output{Include: &Include{Names: []string{"p", "label"}}}, classifier, "score=p[predicted] label=label copied=p,label"},
		"include all":       {Output{Include: &Include{All: true}}, classifier, "score=p[predicted] label=label copied=label,p"},
		"include none":      {Output{Include: &Include{}}, several, ""},
		"shown whole":       {Output{Score: "score", Label: "ok"}, several, "score=score label=ok copied=n"},
		"shown in part":     {Output{Score: "p[1]"}, classifier[1:], "score=p[1] copied=p"},
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := CompileOutput(&test.cfg, test.outputs)
			if p == nil {
				t.Fatal(problems)
			}
			if got := describe(p); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestOutputProblems(t *testing.T) {
	for name, test := range map[string]struct {
		cfg           Output
		path, message string
		hint          string
	}{
		"near score":         {Output{Score: "probabilites[1]"}, "model output score", `the model has no output "probabilites"`, `did you mean "probabilities"?`},
		"far score":          {Output{Score: "quality"}, "model output score", `the model has no output "quality"`, "the model's outputs are label int64[N], probabilities"},
		"closing bracket":    {Output{Score: "quality]"}, "model output score", `the model has no output "quality]"`, "the model's outputs are"},
		"index past":         {Output{Score: "logits[3]"}, "model output score", `"logits[3]": the index is past the last column; this output is float32[N,3]`, "the last one is logits[2]"},
		"index past one":     {Output{Score: "y[1]"}, "model output score", `"y[1]": the index is past the last column`, "write y"},
		"index past classes": {Output{Score: "named[2]"}, "model output score", `the index is past`, "the last one is named[1]"},
		"map, no such":       {Output{Score: "probabilities[900]"}, "model output score", `output probabilities has no class "900"`, "the classes are fraud, 0, ok, 1"},
		"class, near":        {Output{Score: "probabilities['Fraud']"}, "model output score", `has no class "Fraud"`, `did you mean "fraud"?`},
		"quoted position":    {Output{Score: "probabilities['2']"}, "model output score", `has no class "2"`, ""},
		"class of a matrix":  {Output{Score: "logits['a']"}, "model output score", "does not tell the classes", "logits[0] for the first"},
		"class unquoted":     {Output{Score: "probabilities[fraud]"}, "model output score", "an index from 0 or a quoted class", "probabilities['fraud']"},
		"half a quote":       {Output{Score: "probabilities['fraud]"}, "model output score", "an index from 0 or a quoted class", "probabilities['fraud']"},
		"negative":           {Output{Score: "logits[-1]"}, "model output score", "an index from 0", ""},
		"empty":              {Output{Score: "logits[]"}, "model output score", "an index from 0", ""},
		"text":               {Output{Score: "word"}, "model output score", `"word": a score is one number a row; this output is string[N,1]`, "the model's outputs are"},
		"rank 3":             {Output{Score: "e[0]"}, "model output score", "this output is float32[N,2,3]", "the model's outputs are"},
		"matrix, no column":  {Output{Score: "logits"}, "model output score", "no label to choose its column by", "write logits[0] for the first column"},
		"map, no column":     {Output{Score: "probabilities"}, "model output score", "no label to choose its column by", "write probabilities['1'] or another class"},
		"label unknown":      {Output{Label: "lable"}, "model output label", `the model has no output "lable"`, ""},
		"label on floats":    {Output{Label: "logits"}, "model output label", `"logits": a label is one integer, string or bool a row; this output is float32[N,3]`, "the model's outputs are"},
		"label on a number":  {Output{Label: "y"}, "model output label", "this output is float64[N,1]", "the model's outputs are"},
		"label on a map":     {Output{Label: "probabilities"}, "model output label", "this output is sequence of maps", "the model's outputs are"},
		"include unknown":    {Output{Include: &Include{Names: []string{"y", "wordy"}}}, "model output include 1", `the model has no output "wordy"`, `did you mean "word"?`},
		"include twice":      {Output{Include: &Include{Names: []string{"y", "e", "y"}}}, "model output include 2", `"y": the output is listed twice`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := CompileOutput(&test.cfg, pickable)
			if p != nil || len(problems) != 1 {
				t.Fatalf("plan %v, problems %v, want one problem and no plan", p, problems)
			}
			got := problems[0]
			if path := strings.Join(got.Path, " "); path != test.path || got.Warning {
				t.Errorf("path %q, warning %v, want %q", path, got.Warning, test.path)
			}
			if !strings.Contains(got.Message, test.message) {
				t.Errorf("message %q lacks %q", got.Message, test.message)
			}
			if !strings.Contains(got.Hint, test.hint) {
				t.Errorf("hint %q lacks %q", got.Hint, test.hint)
			}
		})
	}
}

func TestAllOutputProblemsAtOnce(t *testing.T) {
	cfg := Output{Score: "q", Label: "logits", Include: &Include{Names: []string{"r", "s"}}}
	if _, problems := CompileOutput(&cfg, pickable); len(problems) != 4 {
		t.Errorf("got %d problems, want 4: %v", len(problems), problems)
	}
}

func TestUnreadableOutputIsAProblemOnlyWhenCopied(t *testing.T) {
	outputs := []TensorInfo{info("y", Float32, Dynamic), {Name: "state", Declared: "bfloat16[N]"}}
	p, problems := CompileOutput(&Output{}, outputs)
	if p != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "output state is bfloat16[N], which cannot be written") {
		t.Errorf("copied: plan %v, problems %v", p, problems)
	}
	p, problems = CompileOutput(&Output{Score: "y", Include: &Include{}}, outputs)
	if p == nil || len(problems) != 0 {
		t.Errorf("left out: %v", problems)
	}
}

func TestEmptyPredictionIsAWarning(t *testing.T) {
	p, problems := CompileOutput(&Output{Include: &Include{}}, []TensorInfo{info("logits", Float32, Dynamic, 3)})
	if p == nil || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Hint, "logits float32[N,3]") {
		t.Errorf("plan %v, problems %v, want one warning", p, problems)
	}
}
