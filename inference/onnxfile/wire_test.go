package onnxfile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// tag writes a field's tag with more added to its value: beyond 32 bits, C++
// protobuf drops that.
func tag(n protowire.Number, wire protowire.Type, more uint64) field {
	return protowire.AppendVarint(nil, more|uint64(n)<<3|uint64(wire))
}

// hidden writes a field so that C++ protobuf sees field n, and Go's another one.
func hidden(n protowire.Number, b []byte) field {
	return protowire.AppendBytes(tag(n, protowire.BytesType, 1<<32), b)
}

// Whatever the runtime's protobuf would make of these, the walk does not pass
// over it.
func TestParseSeesWhatTheRuntimeSees(t *testing.T) {
	x := floats(graphInput, "x", 1)
	entry := join(text(entryKey, "location"), text(entryValue, "e"))
	one := join(number(tensorType, 1), dims(0))
	tensor := func(n protowire.Number) field { return nested(n, number(kindElement, 1)) }
	sparse := func(n protowire.Number) field {
		return nested(n, nested(sparseValues, one), nested(sparseIndices, one), packed(sparseDims, 0))
	}
	typed := func(f ...field) []byte {
		return model(nested(graphInput, text(valueName, "v"), nested(valueType, f...)))
	}
	with := func(f ...field) []byte { return model(x, op("C", names("x"), names("c"), attribute("a", f...))) }
	twice := func(f field) field { return repeat(f, 2) }
	const broken, again = "not protobuf", "a second time"
	cases := []struct {
		name   string
		b      []byte
		reason Reason
		says   string
	}{
		{"external data in a tag of 33 bits", model(weights(one, hidden(tensorExternalData, entry))), NotONNX, broken},
		{"a data location in a tag of 33 bits", model(weights(one, tag(tensorDataLocation, protowire.VarintType, 1<<32), field{1})), NotONNX, broken},
		{"a domain in a tag of 33 bits", model(x, op("Add", names("x", "x"), names("y"), hidden(nodeDomain, []byte("com.example")))), NotONNX, broken},
		{"a second graph in a tag of 33 bits", join(field(model(x)), hidden(modelGraph, nil)), NotONNX, broken},
		{"a tag of six bytes", join(field(model(x)), field{0x92, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00}), NotONNX, broken},
		{"field 0", join(field(model(x)), field{0x02, 0x00}), NotONNX, broken},
		{"field 0 in a longer tag", join(field(model(x)), field{0x82, 0x00, 0x00}), NotONNX, broken},
		{"a group", join(field(model(x)), tag(70, protowire.StartGroupType, 0), tag(70, protowire.EndGroupType, 0)), NotONNX, broken},
		{"the end of a group", join(field(model(x)), tag(70, protowire.EndGroupType, 0)), NotONNX, broken},
		{"a wire type that does not exist", join(field(model(x)), tag(70, 7, 0)), NotONNX, broken},
		{"external data in a tag with a byte to spare", model(weights(one, field{byte(tensorExternalData)<<3 | 2 | 0x80, 0}, protowire.AppendBytes(nil, entry))), ExternalData, `"e"`},

		{"a data location above 32 bits", model(weights(one, number(tensorDataLocation, 1<<32|1))), ExternalData, "another file"},
		{"an external data location and another", model(weights(one, number(tensorDataLocation, 1), number(tensorDataLocation, 0))), ExternalData, "another file"},
		{"an external data location and one that is not known", model(weights(one, number(tensorDataLocation, 1), number(tensorDataLocation, 2))), ExternalData, "another file"},
		{"a data type above 32 bits", model(weights(number(tensorType, 1<<32|1), dims(2), text(tensorRaw, "1234"))), AbsurdTensor, "of type float"},

		{"two types of a value", model(nested(graphInput, text(valueName, "v"), twice(nested(valueType, tensor(typeTensor))))), NotONNX, again},
		{"two tensor types", typed(twice(tensor(typeTensor))), NotONNX, again},
		{"two tensor types around another", typed(tensor(typeTensor), nested(typeSequence), tensor(typeTensor)), NotONNX, again},
		{"two sparse types", typed(twice(tensor(typeSparse))), NotONNX, again},
		{"two sequence types", typed(twice(nested(typeSequence))), NotONNX, again},
		{"two optional types", typed(twice(nested(typeOptional))), NotONNX, again},
		{"two map types", typed(twice(nested(typeMap))), NotONNX, again},
		{"two types of a sequence's elements", typed(nested(typeSequence, twice(nested(kindElement, tensor(typeTensor))))), NotONNX, again},
		{"two types of a map's values", typed(nested(typeMap, twice(nested(kindShape, tensor(typeTensor))))), NotONNX, again},
		{"two shapes", typed(nested(typeTensor, twice(nested(kindShape)))), NotONNX, again},
		{"two tensors of an attribute", with(twice(nested(attributeTensor, one))), NotONNX, again},
		{"two graphs of an attribute", with(twice(nested(attributeGraph))), NotONNX, again},
		{"two types of an attribute", with(twice(nested(attributeType))), NotONNX, again},
		{"two sparse tensors of an attribute", with(twice(sparse(attributeSparseTensor))), NotONNX, again},
		{"two values of a sparse tensor", with(nested(attributeSparseTensor, twice(nested(sparseValues, one)))), NotONNX, again},
		{"two indices of a sparse tensor", with(nested(attributeSparseTensor, twice(nested(sparseIndices, one)))), NotONNX, again},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse(c.b)
			r, ok := errors.AsType[*Refusal](err)
			if !ok || r.Reason != c.reason || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %+v, %v; want a refusal as %s that says %q", f, err, c.reason, c.says)
			}
		})
	}
}

// Fields that the walk does not know cost steps, of which it takes so many.
func TestParseOfUnknownFieldsIsCheap(t *testing.T) {
	if testing.Short() || raceDetector { // which makes every step ten times slower
		t.Skip("takes up to 1 GB, and what it measures is time")
	}
	x := floats(graphInput, "x", 1)
	unknown := field{15 << 3, 0}
	for name, b := range map[string][]byte{
		"in a graph":      model(repeat(unknown, 25<<20), x),
		"in an attribute": model(x, op("C", nil, nil, attribute("a", repeat(join(number(attributeInts, 0), packed(attributeFloats)), maxSteps/2)))),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse(b)
			took := time.Since(start)
			t.Logf("%d MiB in %v", len(b)>>20, took)
			if r, ok := errors.AsType[*Refusal](err); !ok || r.Reason != TooLarge || !strings.Contains(r.Error(), "fields") {
				t.Errorf("got %v; want a refusal for too many fields", err)
			}
			if took > 20*time.Second { // it takes 1 to 2 s; wide, for a busy machine
				t.Errorf("took %v", took)
			}
		})
	}
}

// A large tree's numbers take no steps, or its model would be refused.
func TestRunsTakeNoSteps(t *testing.T) {
	const n = 1000
	fixed32 := protowire.AppendFixed32(tag(attributeFloats, protowire.Fixed32Type, 0), 7)
	for name, values := range map[string]field{
		"floats": fixed32, "small integers": number(attributeInts, 7), "large integers": number(attributeInts, -7), "texts": text(attributeStrings, "BRANCH_LEQ"),
	} {
		m := read(join(text(attributeName, "a"), repeat(values, n), text(attributeName, "b")))
		name2, err := attributeNamed(m)
		if took := maxSteps - *m.steps; err != nil || name2 != "b" || took != 3 {
			t.Errorf("%s: %d steps to the name %q, %v; want 3 to b", name, took, name2, err)
		}
	}
	for name, values := range map[string]field{
		"number": repeat(number(tensorInt64s, 300), n), "string": repeat(text(tensorStrings, "ab"), n),
	} {
		typ := map[string]int64{"number": onnxInt64, "string": onnxString}[name]
		m := read(join(number(tensorType, typ), dims(n), values))
		tensor, err := readTensor(m, node{})
		if took := maxSteps - *m.steps; err != nil || took != 3 || name == "string" && tensor.text != 2*n {
			t.Errorf("%ss: %d steps, %d bytes of text, %v; want 3 steps", name, took, tensor.text, err)
		}
	}
}

// A run that breaks off is as broken as a field that does.
func TestRunsAreChecked(t *testing.T) {
	for name, end := range map[string]string{"integer": "\x40\xff", "tag alone": "\x40"} {
		if _, err := Parse(model(op("C", nil, nil, text(nodeAttribute, string(number(attributeInts, 300))+end)))); err == nil || !strings.Contains(err.Error(), "not protobuf") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCheckHead(t *testing.T) {
	for text, want := range map[string]string{
		"\x08\x07": "", "\x3a\xff\xff": "", "\x82\x01": "", "\x80": "",
		"": "is empty", "\x00\x00": "byte 0", "{\"a\"": "byte 0", "version https://git-lfs": "git lfs pull", "1234ORTM": ".ort",
	} {
		err := CheckHead([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
