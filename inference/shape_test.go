package inference

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// copyAll copies every output, headline or not.
var copyAll = Output{Include: &Include{All: true}}

func TestOutputsWithoutTheirBatchAxis(t *testing.T) {
	nan := float32(math.NaN())
	for name, test := range map[string]struct {
		tensor *Tensor
		want   []string // the rows
	}{
		"[N]":           {floats([]int64{2}, 0.1, -2), []string{`0.1`, `-2`}},
		"[N,1]":         {floats([]int64{2, 1}, 0.25, 3e21), []string{`[0.25]`, `[3e+21]`}},
		"[N,2,3]":       {integers([]int64{2, 2, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), []string{`[[1,2,3],[4,5,6]]`, `[[7,8,9],[10,11,12]]`}},
		"[N,2,1,2]":     {integers([]int64{1, 2, 1, 2}, 1, 2, 3, 4), []string{`[[[1,2]],[[3,4]]]`}},
		"[N,0]":         {floats([]int64{2, 0}), []string{`[]`, `[]`}},
		"[N,2,0]":       {floats([]int64{1, 2, 0}), []string{`[[],[]]`}},
		"[N,0,2]":       {floats([]int64{1, 0, 2}), []string{`[]`}},
		"scalar":        {floats(nil, 7), []string{`7`}},
		"int64":         {integers([]int64{1, 3}, math.MinInt64, math.MaxInt64, 1<<53+1), []string{`[-9223372036854775808,9223372036854775807,9007199254740993]`}},
		"uint64":        {tensorOf[uint64](Uint64, []int64{1, 2}, math.MaxUint64, 0), []string{`[18446744073709551615,0]`}},
		"int8":          {tensorOf[int8](Int8, []int64{2}, -128, 127), []string{`-128`, `127`}},
		"int16":         {tensorOf[int16](Int16, []int64{2}, -32768, 32767), []string{`-32768`, `32767`}},
		"int32":         {tensorOf[int32](Int32, []int64{2}, math.MinInt32, math.MaxInt32), []string{`-2147483648`, `2147483647`}},
		"uint8":         {tensorOf[uint8](Uint8, []int64{2}, 0, 255), []string{`0`, `255`}},
		"uint16":        {tensorOf[uint16](Uint16, []int64{1}, 65535), []string{`65535`}},
		"uint32":        {tensorOf[uint32](Uint32, []int64{1}, math.MaxUint32), []string{`4294967295`}},
		"bool":          {tensorOf[uint8](Bool, []int64{1, 2}, 0, 1), []string{`[false,true]`}},
		"float64":       {tensorOf(Float64, []int64{2}, 0.1, 1e-7), []string{`0.1`, `1e-7`}},
		"float16":       {tensorOf[uint16](Float16, []int64{1, 3}, 0x3c01, 0x2e66, 0x0001), []string{`[1.0009766,0.099975586,5.9604645e-8]`}},
		"float16 NaN":   {tensorOf[uint16](Float16, []int64{2}, 0x7e00, 0xfc00), []string{`null`, `null`}},
		"float16 list":  {tensorOf[uint16](Float16, []int64{1, 2}, 0x7c00, 0x3c00), []string{`[null,1]`}},
		"float64 list":  {tensorOf(Float64, []int64{1, 2}, math.Inf(-1), 1), []string{`[null,1]`}},
		"float32 NaN":   {floats([]int64{1, 3}, 1, nan, 2), []string{`[1,null,2]`}},
		"deep infinity": {floats([]int64{1, 2, 2}, 1, float32(math.Inf(1)), 2, 3), []string{`[[1,null],[2,3]]`}},
		"strings":       {texts([]int64{2, 2}, "a", "b\x00\"", "", "\xffü"), []string{`["a","b\u0000\""]`, `["","` + "\uFFFD" + `ü"]`}},
		"map":           {keyed(floats([]int64{2, 2}, 0.75, 0.25, 0, 1), "0", "a\"b"), []string{`{"0":0.75,"a\"b":0.25}`, `{"0":0,"a\"b":1}`}},
		"map NaN":       {keyed(floats([]int64{1, 2}, nan, 1), "x", "y"), []string{`{"x":null,"y":1}`}},
	} {
		t.Run(name, func(t *testing.T) {
			declared := TensorInfo{Name: `out"put`, Type: test.tensor.Type, Map: test.tensor.Keys != nil}
			for row, got := range predictions(t, copyAll, []TensorInfo{declared, declaredFiller}, []*Tensor{test.tensor, filler}, len(test.want)) {
				want := `,"outputs":{"out\"put":` + test.want[row] + `,"filler":[[[0]]]}`
				if strings.Contains(test.want[row], "null") {
					want += `,"flags":["non_finite:out\"put"]`
				}
				if got != want {
					t.Errorf("row %d: got  %s\nwant %s", row, got, want)
				}
			}
		})
	}
}

// filler keeps detection from finding a headline.
var (
	declaredFiller = info("filler", Uint8, Dynamic, 1, 1, 1)
	filler         = tensorOf[uint8](Uint8, []int64{4, 1, 1, 1}, 0, 0, 0, 0)
)

func TestHeadlines(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	label := info("label", Int64, 1) // declared [1], as LightGBM does
	matrix := info("p", Float32, Dynamic, Dynamic)
	named := TensorInfo{Name: "p", Type: Float32, Shape: []int64{Dynamic, 3}, Classes: []string{"10", "20", "3"}}
	words := info("word", String, Dynamic)
	member := func(name string) TensorInfo { return info(name, Float32, Dynamic, 1) }
	column := func(values ...float32) *Tensor { return floats([]int64{int64(len(values)), 1}, values...) }
	for name, test := range map[string]struct {
		cfg     Output
		infos   []TensorInfo
		tensors []*Tensor
		want    []string
	}{
		"two classes": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{2}, 0, 1), floats([]int64{2, 2}, 0.9, 0.1, 0.2, 0.8)},
			want:    []string{`"score":0.1,"label":0`, `"score":0.8,"label":1`},
		},
		"two classes, map": {
			infos:   []TensorInfo{label, classMap("p")},
			tensors: []*Tensor{integers([]int64{1}, 7), keyed(floats([]int64{1, 2}, 0.9, 0.1), "7", "8")},
			want:    []string{`"score":0.1,"label":7`},
		},
		"one class": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{2}, 0, 1), column(0.25, 0.75)},
			want:    []string{`"score":0.25,"label":0`, `"score":0.75,"label":1`},
		},
		"three, by class": {
			infos:   []TensorInfo{label, named},
			tensors: []*Tensor{integers([]int64{2}, 3, 10), floats([]int64{2, 3}, 0.5, 0.4, 0.1, 0.2, 0.5, 0.3)},
			want:    []string{`"score":0.1,"label":3`, `"score":0.2,"label":10`},
		},
		"three, map of texts": {
			infos:   []TensorInfo{words, classMap("p", "never", "asked")},
			tensors: []*Tensor{texts([]int64{2, 1}, "b", "ä"), keyed(floats([]int64{2, 3}, 1, 2, 3, 4, 5, 6), "a", "b", "ä")},
			want:    []string{`"score":2,"label":"b"`, `"score":6,"label":"ä"`},
		},
		"three, classes not told": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{2}, 0, 0), floats([]int64{2, 3}, 1, 3, 2, -1, -2, -3)},
			want:    []string{`"score":3,"label":0`, `"score":-1,"label":0`},
		},
		"three, the first of equals": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{1}, 0), floats([]int64{1, 3}, 0, 0, float32(math.Copysign(0, -1)))},
			want:    []string{`"score":0,"label":0`},
		},
		"detector, score a matrix in truth": {
			infos:   []TensorInfo{label, member("depth"), member("scores")},
			tensors: []*Tensor{integers([]int64{1, 2}, -1, 1), column(0.5), floats([]int64{1, 2}, 8, 9)},
			want:    []string{`"outputs":{"label":[-1,1],"depth":[0.5],"scores":[8,9]}`},
		},
		"each row its own flags": {
			infos:   []TensorInfo{matrix, info("q", Float32, Dynamic, 2)},
			tensors: []*Tensor{floats([]int64{2, 2}, nan, 1, 1, 1), floats([]int64{2, 2}, 1, 1, nan, 1)},
			want:    []string{`"outputs":{"p":[null,1],"q":[1,1]},"flags":["non_finite:p"]`, `"outputs":{"p":[1,1],"q":[null,1]},"flags":["non_finite:q"]`},
		},
		"three, label not a class": {
			infos:   []TensorInfo{label, named},
			tensors: []*Tensor{integers([]int64{1}, 99), floats([]int64{1, 3}, 1, 2, 4)},
			want:    []string{`"score":4,"label":99`},
		},
		"classes of other columns": {
			infos:   []TensorInfo{label, named},
			tensors: []*Tensor{integers([]int64{1}, 3), floats([]int64{1, 4}, 1, 2, 3, 9)},
			want:    []string{`"score":9,"label":3`},
		},
		"bool and int32 labels": {
			infos:   []TensorInfo{info("label", Int32, Dynamic, 1), named},
			tensors: []*Tensor{tensorOf[int32](Int32, []int64{1, 1}, 20), floats([]int64{1, 3}, 1, 2, 4)},
			want:    []string{`"score":2,"label":20`},
		},
		"outlier": {
			infos:   []TensorInfo{info("outlier", Bool, Dynamic), info("d", Float64, Dynamic)},
			tensors: []*Tensor{tensorOf[uint8](Bool, []int64{2}, 1, 0), tensorOf(Float64, []int64{2}, 0.5, -0.5)},
			want:    []string{`"score":0.5,"label":true`, `"score":-0.5,"label":false`},
		},
		"outlier, more numbers": {
			infos:   []TensorInfo{label, member("scores"), member("depth")},
			tensors: []*Tensor{integers([]int64{1, 1}, -1), column(0.5), column(8)},
			want:    []string{`"score":0.5,"label":-1,"outputs":{"depth":[8]}`},
		},
		"an output a class": {
			infos:   []TensorInfo{words, member("s1"), member("s11"), member("s2")},
			tensors: []*Tensor{texts([]int64{4}, "1", "11", "2", "?"), column(1, 4, 7, 3), column(2, 5, 8, 4), column(3, 6, 9, 2)},
			want:    []string{`"score":1,"label":"1"`, `"score":5,"label":"11"`, `"score":9,"label":"2"`, `"score":4,"label":"?"`},
		},
		"longer name first": {
			infos:   []TensorInfo{label, member("i11"), member("i1"), member("i-1")},
			tensors: []*Tensor{integers([]int64{3}, 1, 11, -1), column(1, 2, 3), column(4, 5, 6), column(7, 8, 9)},
			want:    []string{`"score":4,"label":1`, `"score":2,"label":11`, `"score":9,"label":-1`},
		},
		"an output a class, two": {
			infos:   []TensorInfo{words, member("sa"), member("sb")},
			tensors: []*Tensor{texts([]int64{1}, "a"), column(0.75), column(0.25)},
			want:    []string{`"score":0.25,"label":"a"`},
		},
		"regressor": {
			infos:   []TensorInfo{member("y")},
			tensors: []*Tensor{column(1.5, nan, inf)},
			want:    []string{`"score":1.5`, `"score":null,"flags":["non_finite:y"]`, `"score":null,"flags":["non_finite:y"]`},
		},
		"exact integer": {
			infos:   []TensorInfo{label},
			tensors: []*Tensor{integers([]int64{1}, 1<<53+1)}, want: []string{`"score":9007199254740993`},
		},
		"only what is shown is flagged": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{2}, 0, 0), floats([]int64{2, 2}, nan, 1, 1, nan)},
			want:    []string{`"score":1,"label":0`, `"score":null,"label":0,"flags":["non_finite:p"]`},
		},
		"one flag an output": {
			cfg: copyAll, infos: []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{1}, 0), floats([]int64{1, 2}, nan, nan)},
			want:    []string{`"score":null,"label":0,"outputs":{"label":0,"p":[null,null]},"flags":["non_finite:p"]`},
		},
		"flags in the model's order": {
			cfg: Output{Score: "p[0]", Include: &Include{Names: []string{"z", "a"}}}, infos: []TensorInfo{info("a", Float32, Dynamic), matrix, info("z", Float32, Dynamic)},
			tensors: []*Tensor{floats([]int64{1}, nan), floats([]int64{1, 2}, nan, 1), floats([]int64{1}, inf)},
			want:    []string{`"score":null,"outputs":{"z":null,"a":null},"flags":["non_finite:a","non_finite:p","non_finite:z"]`},
		},
		"column": {
			cfg: Output{Score: "p[2]"}, infos: []TensorInfo{matrix},
			tensors: []*Tensor{floats([]int64{2, 3}, 1, 2, 3, 4, 5, 6)},
			want:    []string{`"score":3,"outputs":{"p":[1,2,3]}`, `"score":6,"outputs":{"p":[4,5,6]}`},
		},
		"class": {
			cfg: Output{Score: "p['x']"}, infos: []TensorInfo{label, classMap("p")},
			tensors: []*Tensor{integers([]int64{1}, 0), keyed(floats([]int64{1, 3}, 1, 2, 3), "y", "z", "x")},
			want:    []string{`"score":3,"label":0`},
		},
		"number is a class": {
			cfg: Output{Score: "p[1]"}, infos: []TensorInfo{label, classMap("p")},
			tensors: []*Tensor{integers([]int64{1}, 0), keyed(floats([]int64{1, 3}, 1, 2, 3), "1", "z", "x")},
			want:    []string{`"score":1,"label":0`},
		},
		"number is a position": {
			cfg: Output{Score: "p[1]"}, infos: []TensorInfo{label, classMap("p")},
			tensors: []*Tensor{integers([]int64{1}, 0), keyed(floats([]int64{1, 3}, 1, 2, 3), "y", "z", "x")},
			want:    []string{`"score":2,"label":0`},
		},
		"a run's own order of classes": {
			cfg: Output{Score: "p[1]"}, infos: []TensorInfo{label, classMap("p", "0", "1")},
			tensors: []*Tensor{integers([]int64{1}, 0), keyed(floats([]int64{1, 2}, 5, 6), "1", "0")},
			want:    []string{`"score":5,"label":0`},
		},
		"scalar for a lone row": {
			infos:   []TensorInfo{{Name: "y", Type: Float32}},
			tensors: []*Tensor{floats(nil, 4)}, want: []string{`"score":4`},
		},
		"unknown rank, a matrix in truth": {
			infos:   []TensorInfo{{Name: "y", Type: Float32}},
			tensors: []*Tensor{floats([]int64{1, 2}, 4, 5)}, want: []string{`"outputs":{"y":[4,5]}`},
		},
		"classifier, an embedding in truth": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{1}, 3), floats([]int64{1, 1, 2}, 4, 5)}, want: []string{`"label":3,"outputs":{"p":[[4,5]]}`},
		},
		"label, a matrix in truth": {
			infos:   []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{1, 2}, 3, 4), floats([]int64{1, 3}, 4, 6, 5)}, want: []string{`"score":6,"outputs":{"label":[3,4]}`},
		},
		"outputs a class, matrices in truth": {
			infos:   []TensorInfo{words, member("a"), member("b"), member("c")},
			tensors: []*Tensor{texts([]int64{1}, "a"), floats([]int64{1, 2}, 1, 2), column(3), column(4)},
			want:    []string{`"label":"a","outputs":{"a":[1,2],"b":[3],"c":[4]}`},
		},
		"the config says what is copied": {
			cfg: Output{Include: &Include{}}, infos: []TensorInfo{label, matrix},
			tensors: []*Tensor{integers([]int64{1}, 3), floats([]int64{1, 1, 2}, 4, 5)}, want: []string{`"label":3`},
		},
		"misfit that is copied anyway": {
			cfg: copyAll, infos: []TensorInfo{{Name: "y", Type: Float32}},
			tensors: []*Tensor{floats([]int64{1, 2}, 4, 5)}, want: []string{`"outputs":{"y":[4,5]}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for row, got := range predictions(t, test.cfg, test.infos, test.tensors, len(test.want)) {
				if got != ","+test.want[row] {
					t.Errorf("row %d: got  %s\nwant ,%s", row, got, test.want[row])
				}
			}
		})
	}
}

// A map's classes are those of its run, not of the run before.
func TestClassesMayChangeFromRunToRun(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := &fakeModel{outputs: []TensorInfo{info("label", Int64, Dynamic), classMap("p")}}
	m.fill = func(x, _ []float32, out []*Tensor) {
		copyRows(out[0], integers([]int64{1}, int64(x[0])), 1)
		keys := []string{"1", "2", "3"}
		if x[0] == 2 {
			keys = []string{"3", "2", "1"}
		}
		copyRows(out[1], keyed(floats([]int64{1, 3}, 1, 5, 9), keys...), 1)
	}
	s := newTestScorer(t, m, plan, Output{Include: &Include{Names: []string{"p"}}})
	for x, want := range map[int]string{
		1: `,"score":1,"label":1,"outputs":{"p":{"1":1,"2":5,"3":9}}`,
		2: `,"score":5,"label":2,"outputs":{"p":{"3":1,"2":5,"1":9}}`,
		3: `,"score":9,"label":3,"outputs":{"p":{"1":1,"2":5,"3":9}}`,
	} {
		scores, err := s.Score(fillBatch(t, plan, fmt.Sprintf(`{"x":%d,"y":0,"ts":"2026-11-21T09:00:00Z"}`, x)))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(scores.appendPrediction(nil, 0)); got != want {
			t.Errorf("x = %d: got %s, want %s", x, got, want)
		}
	}
}

// Runs of one batch may differ in their classes, and in how many there are.
func TestClassesMayChangeWithinABatch(t *testing.T) {
	plan := scoringPlan(t, 1) // a run a row
	m := &fakeModel{outputs: []TensorInfo{info("label", Int64, Dynamic), classMap("p")}}
	m.fill = func(x, _ []float32, out []*Tensor) {
		copyRows(out[0], integers([]int64{1}, int64(x[0])), 1)
		p := keyed(floats([]int64{1, 3}, 1, 5, 9), "1", "2", "3")
		switch x[0] {
		case 2:
			p.Keys = []string{"3", "2", "1"}
		case 3:
			p = keyed(floats([]int64{1, 2}, 2, 4), "3", "4")
		}
		copyRows(out[1], p, 1)
	}
	s := newTestScorer(t, m, plan, Output{Include: &Include{Names: []string{"p"}}})
	scores, err := s.Score(fillBatch(t, plan, numberedEvents(4)...))
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range []string{
		`,"score":1,"label":1,"outputs":{"p":{"1":1,"2":5,"3":9}}`,
		`,"score":5,"label":2,"outputs":{"p":{"3":1,"2":5,"1":9}}`,
		`,"score":4,"label":3,"outputs":{"p":{"3":2,"4":4}}`,
		`,"score":9,"label":4,"outputs":{"p":{"1":1,"2":5,"3":9}}`,
	} {
		if got := string(scores.appendPrediction(nil, row)); got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
}

func TestHeadlineOfEveryType(t *testing.T) {
	for _, tensor := range []*Tensor{
		tensorOf[uint16](Float16, []int64{1}, 0x4200), floats([]int64{1}, 3), tensorOf(Float64, []int64{1}, 3.0),
		tensorOf[int8](Int8, []int64{1}, 3), tensorOf[int16](Int16, []int64{1}, 3), tensorOf[int32](Int32, []int64{1}, 3), integers([]int64{1}, 3),
		tensorOf[uint8](Uint8, []int64{1}, 3), tensorOf[uint16](Uint16, []int64{1}, 3), tensorOf[uint32](Uint32, []int64{1}, 3), tensorOf[uint64](Uint64, []int64{1}, 3),
	} {
		plan := scoringPlan(t, 0)
		m := canned([]TensorInfo{info("y", tensor.Type, Dynamic)}, []*Tensor{tensor})
		scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, `{"x":1}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := scores.Headline(0); got != 3 || !ok {
			t.Errorf("%v: got %v, %v, want 3", tensor.Type, got, ok)
		}
	}
}

func TestNoHeadline(t *testing.T) {
	plan := scoringPlan(t, 0)
	m := canned([]TensorInfo{info("e", Float32, Dynamic, 2)}, []*Tensor{floats([]int64{1, 2}, 1, 2)})
	scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, `{"x":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := scores.Headline(0); got != 0 || ok {
		t.Errorf("got %v, %v, want none", got, ok)
	}
}
