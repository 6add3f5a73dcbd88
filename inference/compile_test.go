package inference

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// problemText writes a problem as tests compare it.
func problemText(p Problem) string {
	s := strings.Join(p.Path, ".") + ": " + p.Message
	if p.Warning {
		s = "warning " + s
	}
	if p.Hint != "" {
		s += " | " + p.Hint
	}
	return s
}

func checkProblems(t *testing.T, got []Problem, want ...string) {
	t.Helper()
	var texts []string
	for _, p := range got {
		texts = append(texts, problemText(p))
	}
	if !slices.Equal(texts, want) {
		t.Errorf("problems:\n  %s\nwant:\n  %s", strings.Join(texts, "\n  "), strings.Join(want, "\n  "))
	}
}

func text(s string) Literal { return Literal{Kind: TextLiteral, Text: s} }

func fill(lit Literal) Missing { return Missing{Policy: MissingFill, Fill: lit} }

func TestCompileReports(t *testing.T) {
	nums := []TensorInfo{declared("amounts", Float32, 3), declared("age", Int64, 1)}
	ids := []TensorInfo{declared("input_ids", Int64, Dynamic), declared("attention_mask", Int64, Dynamic)}
	for name, c := range map[string]struct {
		inputs []TensorInfo
		config []Input
		opt    CompileOptions
		pass   []string
		want   []string
	}{
		"unknown input": {nums, []Input{input("amount", Column{From: "a"}), input("xyz", Column{From: "a"})}, CompileOptions{}, nil, []string{
			`model.inputs.amount: the model has no input "amount" | did you mean "amounts"?`,
			`model.inputs.xyz: the model has no input "xyz" | the model's inputs: amounts, age`,
		}},
		"named twice": {
			nums,
			[]Input{input("age", Column{From: "a"}), input("age", Column{From: "b"})},
			CompileOptions{},
			nil,
			[]string{`model.inputs.age: input "age" is mapped twice`},
		},
		"bad paths": {
			nums,
			[]Input{list("amounts", Column{From: "a"}, Column{From: "b..c"}, Column{From: "d"}), input("age", Column{From: "["})},
			CompileOptions{EventTime: "t["},
			[]string{"ok", "p."},
			[]string{
				`model.inputs.amounts.1.from: path "b..c": a key is wanted at character 3`,
				`model.inputs.age.from: path "[": an index counted from 0 or a quoted key is wanted at character 2`,
				`source.event_time: path "t[": an index counted from 0 or a quoted key is wanted at character 3`,
				`model.output.pass.1: path "p.": a key is wanted at character 3`,
			},
		},
		"column count": {nums, []Input{list("amounts", Column{From: "a"}, Column{From: "b"}), list("age", Column{From: "a"}, Column{From: "b"})}, CompileOptions{}, nil, []string{
			`model.inputs.amounts: input "amounts" (float32[N,3]) has a row of 3, but 2 paths are given`,
			`model.inputs.age: input "age" (int64[N,1]) has a row of 1, but 2 paths are given`,
		}},
		"list for [N]": {
			[]TensorInfo{declared("x", Float32)},
			[]Input{list("x", Column{From: "a"}, Column{From: "b"})},
			CompileOptions{},
			nil,
			[]string{`model.inputs.x: input "x" (float32[N]) takes one value a row, but 2 paths are given`},
		},
		"list for [N,2,3]": {
			[]TensorInfo{declared("x", Float32, 2, 3)},
			[]Input{list("x", Column{From: "a"})},
			CompileOptions{},
			nil,
			[]string{`model.inputs.x: input "x" (float32[N,2,3]) cannot be filled from a list of paths | give the path of one field that holds nested arrays`},
		},
		"nothing given": {nums, []Input{{Name: "age"}}, CompileOptions{}, nil, []string{`model.inputs.age: input "age" (int64[N,1]) has no path | for example  age: field`}},
		"unmappable": {[]TensorInfo{
			{Name: "scalar", Type: Float32, Shape: []int64{}},
			{Name: "unknown", Type: Float32},
			declared("open", Float32, 3, Dynamic), declared("opener", Float32, Dynamic, Dynamic),
			declared("empty", Float32, 0),
			{Name: "map", Type: Float32, Map: true, Shape: []int64{Dynamic, 2}},
			{Name: "kind", Shape: []int64{Dynamic}},
			declared("huge", Int8, 1<<20, 1<<20, 1<<40),
		}, nil, CompileOptions{}, nil, []string{
			`model.inputs.scalar: input "scalar" (float32[]) has no batch axis, so it cannot be mapped`,
			`model.inputs.unknown: input "unknown" (float32[?]) does not say how many axes it has, so it cannot be mapped`,
			`model.inputs.open: input "open" (float32[N,3,?]) has an axis of open length that no event can fill, so it cannot be mapped | export the model with a fixed length there`,
			`model.inputs.opener: input "opener" (float32[N,?,?]) has an axis of open length that no event can fill, so it cannot be mapped | export the model with a fixed length there`,
			`model.inputs.empty: input "empty" (float32[N,0]) has an axis of no length, so it cannot be mapped`,
			`model.inputs.map: input "map" (sequence of maps class to float32) is of a type that events cannot fill, so it cannot be mapped`,
			`model.inputs.kind: input "kind" (invalid[N]) is of a type that events cannot fill, so it cannot be mapped`,
			`model.inputs.huge: input "huge" (int8[N,1048576,1048576,1099511627776]) holds more than 268435456 elements a row, so it cannot be mapped`,
		}},
		"static batches differ": {
			[]TensorInfo{{Name: "a", Type: Float32, Shape: []int64{4}}, declared("b", Float32), {Name: "c", Type: Float32, Shape: []int64{8}}},
			nil,
			CompileOptions{},
			nil,
			[]string{`model.inputs.c: input "c" (float32[8]) takes batches of 8 rows, but input "a" takes 4`},
		},
		"no pad": {append(ids, declared("words", String, Dynamic), declared("flags", Bool, Dynamic)), []Input{input("words", Column{From: "t.words"})}, CompileOptions{}, nil, []string{
			`model.inputs.input_ids: input "input_ids" (int64[N,?]) is filled from arrays of any length, so it needs a pad value (or a list of paths, one a column) | for example  input_ids: {from: input_ids, pad: 0}`,
			`model.inputs.attention_mask: input "attention_mask" (int64[N,?]) is filled from arrays of any length, so it needs a pad value (or a list of paths, one a column) | for example  attention_mask: {mask_of: input_ids}`,
			`model.inputs.words: input "words" (string[N,?]) is filled from arrays of any length, so it needs a pad value (or a list of paths, one a column) | for example  words: {from: t.words, pad: ""}`,
			`model.inputs.flags: input "flags" (bool[N,?]) is filled from arrays of any length, so it needs a pad value (or a list of paths, one a column) | for example  flags: {from: flags, pad: false}`,
		}},
		"pad where it has no use": {append(nums, declared("m", Float32, 2, 2)), []Input{
			padded(list("amounts", Column{From: "a"}, Column{From: "b"}, Column{From: "c"}), number("0")), padded(input("age", Column{From: "age"}), number("0")), padded(input("m", Column{From: "m"}), number("0")),
		}, CompileOptions{}, nil, []string{
			`model.inputs.amounts.pad: input "amounts" (float32[N,3]) takes no pad, which is for one array a row`,
			`model.inputs.age.pad: input "age" (int64[N,1]) takes no pad, which is for one array a row`,
			`model.inputs.m.pad: input "m" (float32[N,2,2]) takes no pad, which is for one array a row`,
		}},
		"bad pad": {
			ids[:1],
			[]Input{padded(input("input_ids", Column{From: "t"}), text("none"))},
			CompileOptions{},
			nil,
			[]string{`model.inputs.input_ids.pad: input "input_ids" (int64[N,?]): pad: none is no integer`},
		},
		"masks": {append(ids, declared("s", String, Dynamic), declared("k", Float32, 4), declared("l", Float32, 4), declared("r", Float32), declared("v", Int8, 3), declared("w", Int8, 4)), []Input{
			padded(input("input_ids", Column{From: "t"}), number("0")),
			{Name: "attention_mask", MaskOf: "input_id"},
			{Name: "s", MaskOf: "input_ids"},
			{Name: "k", MaskOf: "input_ids"},
			{Name: "l", MaskOf: "k"},
			{Name: "r", MaskOf: "input_ids"},
			{Name: "w", MaskOf: "v"},
		}, CompileOptions{}, nil, []string{
			`model.inputs.attention_mask.mask_of: input "attention_mask" (int64[N,?]): the model has no input "input_id" | did you mean "input_ids"?`,
			`model.inputs.s.mask_of: input "s" (string[N,?]): a mask is of numbers or bools, not of strings`,
			`model.inputs.k.mask_of: input "k" (float32[N,4]): its shape is not that of input "input_ids" (int64[N,?])`,
			`model.inputs.l.mask_of: input "l" (float32[N,4]): k is itself a mask`,
			`model.inputs.r.mask_of: input "r" (float32[N]): its shape is not that of input "input_ids" (int64[N,?])`,
			`model.inputs.w.mask_of: input "w" (int8[N,4]): its shape is not that of input "v" (int8[N,3])`,
		}},
		"coerce without use": {[]TensorInfo{declared("s", String), declared("b", Bool, 1)}, []Input{input("s", Column{From: "s", Coerce: true}), list("b", Column{From: "b", Coerce: true})}, CompileOptions{}, nil, []string{
			`warning model.inputs.s.coerce: input "s" (string[N]): coerce is for numeric inputs and does nothing here`,
			`warning model.inputs.b.0.coerce: input "b" (bool[N,1]): coerce is for numeric inputs and does nothing here`,
		}},
		"object and array": {
			nums,
			[]Input{list("amounts", Column{From: "a.b"}, Column{From: "a[0]"}, Column{From: "c"})},
			CompileOptions{},
			nil,
			[]string{`model.inputs.amounts.1.from: input "amounts" (float32[N,3]): a is used as an object in one path and as an array in another`},
		},
		"passed twice": {nums, nil, CompileOptions{}, []string{"a", "a"}, []string{`warning model.output.pass.1: a is passed twice`}},
		"feature names that do not fit": {
			nums, nil,
			CompileOptions{Metadata: map[string]string{"feature_names": "a,b"}},
			nil,
			[]string{`warning model.inputs.amounts: input "amounts" (float32[N,3]): the model's feature_names are not used, there are 2 of them | name its columns under model.inputs`},
		},
		"feature names that are none": {
			nums, nil,
			CompileOptions{Metadata: map[string]string{"feature_names": `["a", "b", 1]`}},
			nil,
			[]string{`warning model.path: the model's feature_names are no list of texts, so they are not used | name the columns under model.inputs`},
		},
		"feature names that are cut": {
			nums, nil,
			CompileOptions{Metadata: map[string]string{"feature_names": `["a", "b", "c`}},
			nil,
			[]string{`warning model.path: the model's feature_names are no list of texts, so they are not used | name the columns under model.inputs`},
		},
		"one feature name for a matrix that is named": {
			[]TensorInfo{declared("amount", Float32, 1)},
			[]Input{input("amount", Column{From: "total"})},
			CompileOptions{Metadata: map[string]string{"feature_names": "a"}, Fields: []string{"total"}},
			nil, nil,
		},
		"one feature name for the matrix that is not named": {
			[]TensorInfo{declared("v", Float32, 3), declared("m", Float32, 1)},
			[]Input{input("v", Column{From: "v"})},
			CompileOptions{Metadata: map[string]string{"feature_names": "a"}, Fields: []string{"v", "a"}},
			nil, nil,
		},
		"feature names beside one column": {
			[]TensorInfo{declared("m", Float32, 1)},
			nil,
			CompileOptions{Metadata: map[string]string{"feature_names": "a,b"}},
			nil, nil,
		},
		"batches that fit": {
			[]TensorInfo{declared("v", Float32, 1<<19), declared("m", Float64, 1<<18), declared("ids", Int64, Dynamic)},
			[]Input{input("m", Column{From: "m"}), padded(input("ids", Column{From: "i"}), number("0"))},
			CompileOptions{MaxRows: 256},
			nil, nil,
		},
		"batches too large": {
			[]TensorInfo{declared("v", Float32, 1<<19), declared("s", String, 1<<18), declared("x", Bool), declared("k", Int8, 1<<19)},
			[]Input{{Name: "k", MaskOf: "v"}},
			CompileOptions{MaxRows: 256},
			nil,
			[]string{`batch.max_rows: 256 rows of the model's inputs take 1152 MiB, but a batch may take 1024 | at most 227 fit`},
		},
		"a row too large": {
			[]TensorInfo{declared("v", Float64, 1<<28)},
			nil,
			CompileOptions{MaxRows: 1},
			nil,
			[]string{`batch.max_rows: one row of the model's inputs takes 2048 MiB, but a batch may take 1024`},
		},
		"names that no example has": {
			append(nums, declared("merchant", String)),
			[]Input{list("amounts", Column{From: "custmer.age"}, Column{From: "customer.tenure", Missing: nan}, Column{From: "zzz"})},
			CompileOptions{Fields: []string{"customer", "customer.age", "customer.tenure_days", "age", "merchant_id", "tags", "total"}, EventTime: "totl"},
			[]string{"tags[0]", "customer", "totals"},
			[]string{
				`model.inputs.amounts.0.from: input "amounts" (float32[N,3]): no example has the field custmer.age | did you mean "customer.age"?`,
				`warning model.inputs.amounts.1.from: input "amounts" (float32[N,3]): no example has the field customer.tenure | did you mean "customer.tenure_days"?`,
				`model.inputs.amounts.2.from: input "amounts" (float32[N,3]): no example has the field zzz`,
				`model.inputs.merchant: input "merchant" (string[N]) is not mapped, so it is taken from the field of its own name: no example has the field merchant | did you mean "merchant_id"?`,
				`warning source.event_time: event time: no example has the field totl | did you mean "total"?`,
				`warning model.output.pass.2: pass: no example has the field totals | did you mean "total"?`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &Config{Inputs: c.config, Output: Output{Pass: c.pass}}
			plan, problems := Compile(cfg, c.inputs, c.opt)
			checkProblems(t, problems, c.want...)
			failed := slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
			if (plan == nil) != failed {
				t.Errorf("plan %v, with an error %v", plan, failed)
			}
		})
	}
}

func TestCompileLiterals(t *testing.T) {
	boolean := func(s string) Literal { return Literal{Kind: BoolLiteral, Text: s} }
	for _, c := range []struct {
		typ  ElementType
		lit  Literal
		want string // the element's bits, or the reason
	}{
		{Float32, number("-1.5"), oracleBits(Float32, -1.5)},
		{Float64, number("0x10"), oracleBits(Float64, 16.0)},
		{Float64, number("-0o17"), oracleBits(Float64, -15.0)},
		{Float16, number("2"), oracleBits(Float16, 2.0)},
		{Float64, number("-.inf"), "18442240474082181120"},
		{Float32, text("inf"), "2139095040"},
		{Float32, boolean("true"), oracleBits(Float32, 1.0)},
		{Float32, boolean("false"), "0"},
		{Float32, text("abc"), "abc is no number"},
		{Float32, number("1e39"), "1e39 is out of range"},
		{Float16, number("65520"), "65520 is out of range"},
		{Float64, number("1e309"), "1e309 is out of range"},
		{Int8, number("-128"), "-128"},
		{Int8, number("128"), "128 is out of range"},
		{Int64, number("1e3"), "1000"},
		{Int64, number("1.5"), "1.5 is no integer"},
		{Int64, number("1e30"), "1e30 is out of range"},
		{Int32, number(".nan"), ".nan is no integer"},
		{Int32, text("x"), "x is no integer"},
		{Int32, boolean("true"), "1"},
		{Uint8, number("+0xff"), "255"},
		{Uint8, number("-1"), "-1 is out of range"},
		{Uint64, number("18446744073709551615"), "18446744073709551615"},
		{Bool, boolean("true"), "1"},
		{Bool, number("1"), "1 is neither true nor false"},
		{Bool, text("yes"), "yes is neither true nor false"},
		{String, text("none"), `"none"`},
		{String, text(""), `""`},
		{String, number("5"), `5 is no text; write "5"`},
		{String, boolean("true"), `true is no text; write "true"`},
	} {
		cfg := &Config{Inputs: []Input{input("x", Column{From: "x", Missing: fill(c.lit)})}}
		plan, problems := Compile(cfg, []TensorInfo{declared("x", c.typ)}, CompileOptions{})
		got := ""
		if plan == nil {
			got = strings.TrimPrefix(problems[0].Message, fmt.Sprintf("input \"x\" (%s[N]): missing: ", c.typ))
			if strings.Join(problems[0].Path, ".") != "model.inputs.x.missing" {
				t.Errorf("%v: reported at %v", c.lit, problems[0].Path)
			}
		} else {
			b := plan.NewBatch(1)
			if r := b.DecodeJSON([]byte("{}")); r != nil {
				t.Fatal(r)
			}
			got = tensorBits(b.Tensors(0, 1, 1)[0])[0]
		}
		if got != c.want {
			t.Errorf("%s for %s: %s, want %s", c.lit.Text, c.typ, got, c.want)
		}
	}
	for typ := Float16; typ <= String; typ++ {
		cfg := &Config{Inputs: []Input{list("x", Column{From: "x", Missing: nan})}}
		_, problems := Compile(cfg, []TensorInfo{declared("x", typ)}, CompileOptions{})
		if typ.Float() {
			checkProblems(t, problems)
		} else {
			checkProblems(t, problems, fmt.Sprintf("model.inputs.x.0.missing: input \"x\" (%s[N]): missing: nan is for floating point inputs", typ))
		}
	}
}

// featurePaths are the fields that a plan's inputs are filled from, each once.
func featurePaths(p *Plan) (paths []string) {
	for i := range p.inputs {
		for _, node := range p.inputs[i].fields {
			if name := p.nodes[node].name; !slices.Contains(paths, name) {
				paths = append(paths, name)
			}
		}
	}
	return paths
}

func TestCompileMapsWhatIsNotNamed(t *testing.T) {
	matrix := []TensorInfo{declared("m", Float32, 3), declared("x", Float32, 1), declared("a.b", Int8)}
	for name, c := range map[string]struct {
		inputs  []TensorInfo
		feature string
		want    string
	}{
		"own names":           {matrix, "", "m x ['a.b']"},
		"feature names":       {matrix, "p, q.r,['s.t']", "p q.r ['s.t'] x ['a.b']"},
		"as a JSON array":     {matrix, ` ["p","q r","price [EUR]"]`, "p q r ['price [EUR]'] x ['a.b']"},
		"of another number":   {matrix, "p,q", "m x ['a.b']"},
		"for an open matrix":  {[]TensorInfo{declared("m", Float64, Dynamic)}, "p,q", "p q"},
		"for one column":      {[]TensorInfo{declared("m", Float64, 1)}, "p", "p"},
		"one beside [N]":      {[]TensorInfo{declared("m", Float64, 1), declared("n", Int64)}, "p", "p n"},
		"one for two columns": {[]TensorInfo{declared("m", Float64, 1), declared("n", Int64, 1)}, "p", "m n"},
		"two for one column":  {[]TensorInfo{declared("m", Float64, 1)}, "p,q", "m"},
		"not for [N]":         {[]TensorInfo{declared("m", Float64)}, "p", "m"},
		"shared by two paths": {[]TensorInfo{declared("m", Float64, 2)}, "p,['p']", "p"},
	} {
		plan, problems := Compile(&Config{}, c.inputs, CompileOptions{Metadata: map[string]string{"feature_names": c.feature}})
		if plan == nil {
			t.Fatal(name, problems)
		}
		if got := strings.Join(featurePaths(plan), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestStaticRows(t *testing.T) {
	plan, _ := Compile(&Config{}, []TensorInfo{declared("a", Float32), {Name: "b", Type: Float32, Shape: []int64{16, 1}}}, CompileOptions{})
	if plan.StaticRows() != 16 {
		t.Errorf("%d, want 16", plan.StaticRows())
	}
	if plan, _ = Compile(&Config{}, []TensorInfo{declared("a", Float32)}, CompileOptions{}); plan.StaticRows() != 0 {
		t.Errorf("%d, want 0 for an open axis", plan.StaticRows())
	}
}

func TestPlanWarmUp(t *testing.T) {
	inputs := []TensorInfo{
		{Name: "m", Type: Float32, Shape: []int64{2, 3}}, declared("s", String), declared("ids", Int64, Dynamic), declared("mask", Int32, Dynamic), declared("v", Float16, 2, 2), declared("vm", Bool, 2, 2),
	}
	cfg := &Config{Inputs: []Input{padded(input("ids", Column{From: "i"}), number("9")), {Name: "mask", MaskOf: "ids"}, {Name: "vm", MaskOf: "v"}}}
	plan, problems := Compile(cfg, inputs, CompileOptions{})
	if plan == nil {
		t.Fatal(problems)
	}
	want := []string{
		"[2 3] [0 0 0 0 0 0]", `[2] ["" ""]`, "[2 1] [0 0]", "[2 1] [1 1]", "[2 2 2] [0 0 0 0 0 0 0 0]", "[2 2 2] [1 1 1 1 1 1 1 1]",
	}
	for i, tensor := range plan.WarmUp() {
		if got := fmt.Sprint(tensor.Shape, tensorBits(tensor)); got != want[i] {
			t.Errorf("%s: %s, want %s", inputs[i].Name, got, want[i])
		}
	}
}
