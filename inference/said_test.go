package inference

import (
	"fmt"
	"math"
	"testing"
)

// TestReadRecord: the headline comes back as the scorer gave it, to the bit, from
// what was written of it.
func TestReadRecord(t *testing.T) {
	for _, c := range []struct {
		score  ElementType
		record string
		want   string
	}{
		{Float32, `{"score":0.1,"label":1}`, fmt.Sprint(float64(float32(0.1)), true, "1", true)},
		{Float64, `{"score":0.1,"label":"a\u0041"}`, fmt.Sprint(0.1, true, "aA", true)},
		{Float32, `{"score":null,"label":true,"flags":["non_finite:p"]}`, fmt.Sprint(math.NaN(), true, "true", true)},
		{Float32, `{"outputs":{"score":5}}`, fmt.Sprint(0.0, false, "", false)},
	} {
		out, problems := CompileOutput(&Output{}, []TensorInfo{declared("label", Int64), declared("p", c.score, 2)})
		if out == nil {
			t.Fatal(problems)
		}
		said, err := out.ReadRecord([]byte(c.record))
		score, hasScore := said.Headline(0)
		label, hasLabel := said.Label(0)
		if got := fmt.Sprint(score, hasScore, string(label), hasLabel); got != c.want || err != nil {
			t.Errorf("%s: %s (%v), want %s", c.record, got, err, c.want)
		}
	}
	out, _ := CompileOutput(&Output{}, []TensorInfo{declared("score", Float32)})
	if _, err := out.ReadRecord([]byte(`{"score":`)); err == nil {
		t.Error("half a record was read")
	}
}
