package inference

import (
	"fmt"
	"strings"
	"testing"
)

func info(name string, typ ElementType, shape ...int64) TensorInfo {
	return TensorInfo{Name: name, Type: typ, Shape: shape}
}

func classMap(name string, classes ...string) TensorInfo {
	return TensorInfo{Name: name, Type: Float32, Map: true, Classes: classes}
}

// describe writes a plan in one line.
func describe(p *OutputPlan) string {
	var b strings.Builder
	name := func(o int) string { return p.outputs[o].info.Name }
	switch k := &p.score; k.kind {
	case plainScore:
		fmt.Fprintf(&b, "score=%s", name(k.output))
	case columnScore:
		fmt.Fprintf(&b, "score=%s[%d]", name(k.output), k.column)
	case classScore:
		fmt.Fprintf(&b, "score=%s['%s' or %d]", name(k.output), k.class, k.column)
	case predictedScore:
		fmt.Fprintf(&b, "score=%s[predicted]", name(k.output))
	case memberScore:
		b.WriteString("score=predicted of")
		for _, o := range k.members {
			b.WriteString(" " + name(o))
		}
	}
	if p.label.output >= 0 {
		fmt.Fprintf(&b, " label=%s", name(p.label.output))
	}
	for i, o := range p.include {
		b.WriteString([]string{" copied=", ","}[min(i, 1)] + name(o))
	}
	return strings.TrimSpace(b.String())
}

func TestDetection(t *testing.T) {
	const n = Dynamic
	label := info("label", Int64, n)
	for name, test := range map[string]struct {
		outputs []TensorInfo
		want    string
	}{
		"ZipMap":                         {[]TensorInfo{label, classMap("probabilities", "0", "1")}, "score=probabilities[predicted] label=label"},
		"ZipMap, label declared [1]":     {[]TensorInfo{info("label", Int64, 1), classMap("probabilities")}, "score=probabilities[predicted] label=label"},
		"matrix of two":                  {[]TensorInfo{label, info("probabilities", Float32, n, 2)}, "score=probabilities[predicted] label=label"},
		"matrix, columns open":           {[]TensorInfo{label, info("p", Float64, n, n)}, "score=p[predicted] label=label"},
		"matrix first":                   {[]TensorInfo{info("p", Float16, n, 3), info("class", String, n, 1)}, "score=p[predicted] label=class"},
		"label of rank 0":                {[]TensorInfo{info("label", Bool), info("p", Float32, n, 3)}, "score=p[predicted] label=label"},
		"label of unknown rank":          {[]TensorInfo{{Name: "label", Type: Int32}, info("p", Float32, n, 3)}, "score=p[predicted] label=label"},
		"number of unknown rank":         {[]TensorInfo{label, {Name: "p", Type: Float32}}, "score=p[predicted] label=label"},
		"anomaly detector":               {[]TensorInfo{info("label", Int64, n, 1), info("scores", Float32, n, 1)}, "score=scores label=label"},
		"anomaly detector, any name":     {[]TensorInfo{info("is_outlier", Bool, n), info("distance", Float64, n)}, "score=distance label=is_outlier"},
		"anomaly detector, by its score": {[]TensorInfo{info("variable", Int64, n), info("Decision_function", Float32, n)}, "score=Decision_function label=variable"},
		"an integer and a number":        {[]TensorInfo{info("days", Int64, n), info("price", Float32, n)}, "copied=days,price"},
		"a text and a number":            {[]TensorInfo{info("price", Float32, n), info("currency", String, n)}, "copied=price,currency"},
		"anomaly detector, more numbers": {[]TensorInfo{label, info("depth", Float32, n, 1), info("scores", Float32, n, 1)}, "score=scores label=label copied=depth"},
		"anomaly detector, score":        {[]TensorInfo{label, info("score", Float32, n), info("depth1", Float32, n), info("depth2", Float32, n)}, "score=score label=label copied=depth1,depth2"},
		"scores goes before score":       {[]TensorInfo{label, info("score", Float32, n), info("scores", Float32, n)}, "score=scores label=label copied=score"},
		"output a class":                 {[]TensorInfo{info("label", String, n), info("sa", Float32, n), info("sb", Float32, n, 1), info("sc", Float32, n)}, "score=predicted of sa sb sc label=label"},
		"output a class, two":            {[]TensorInfo{info("label", String, n), info("sa", Float32, n), info("sb", Float32, n)}, "score=sb label=label"},
		"output a class, numbered":       {[]TensorInfo{label, info("i0", Float32, n), info("i1", Float32, n), info("i-2", Float32, n)}, "score=predicted of i0 i1 i-2 label=label"},
		"numbers beside an integer":      {[]TensorInfo{label, info("mean1", Float32, n), info("spread", Float32, n)}, "copied=label,mean1,spread"},
		"numbers beside a bool":          {[]TensorInfo{info("ok", Bool, n), info("p0", Float32, n), info("p1", Float32, n)}, "copied=ok,p0,p1"},
		"regressor [N]":                  {[]TensorInfo{info("y", Float32, n)}, "score=y"},
		"regressor [N,1]":                {[]TensorInfo{info("y", Float64, n, 1)}, "score=y"},
		"regressor of unknown rank":      {[]TensorInfo{{Name: "y", Type: Float16}}, "score=y"},
		"integer regressor":              {[]TensorInfo{info("count", Uint8, n)}, "score=count"},
		"regressor, columns open":        {[]TensorInfo{info("y", Float32, n, n)}, "copied=y"},
		"logits":                         {[]TensorInfo{info("logits", Float16, n, 8)}, "copied=logits"},
		"embedding":                      {[]TensorInfo{info("e", Float32, n, 1, 1)}, "copied=e"},
		"one text":                       {[]TensorInfo{info("word", String, n)}, "copied=word"},
		"one bool":                       {[]TensorInfo{info("ok", Bool, n)}, "copied=ok"},
		"one map":                        {[]TensorInfo{classMap("p", "0", "1")}, "copied=p"},
		"two labels":                     {[]TensorInfo{label, info("word", String, n), info("p", Float32, n, 2)}, "copied=label,word,p"},
		"label and two matrices":         {[]TensorInfo{label, info("p", Float32, n, 2), info("q", Float32, n, 2)}, "copied=label,p,q"},
		"label, matrix and number":       {[]TensorInfo{label, info("p", Float32, n, 2), info("margin", Float32, n)}, "copied=label,p,margin"},
		"label and something else":       {[]TensorInfo{label, info("p", Float32, n, 2), info("path", Int64, n, 5)}, "copied=label,p,path"},
		"label and an embedding":         {[]TensorInfo{label, info("e", Float32, n, 2, 3)}, "copied=label,e"},
		"a label alone beside none":      {[]TensorInfo{label, info("path", Uint8, n)}, "copied=label,path"},
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := CompileOutput(&Output{}, test.outputs)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if got := describe(p); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
