package onnxfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// weights is an initializer called w.
func weights(more ...field) field {
	return nested(graphInitializer, text(tensorName, "w"), join(more...))
}

func dims(d ...int64) field { return packed(tensorDims, d...) }

func external(location string) field {
	return join(number(tensorDataLocation, 1), nested(tensorExternalData, text(entryKey, "location"), text(entryValue, location)))
}

func within(graph ...field) field {
	return attribute("body", nested(attributeGraph, graph...))
}

func modelFn(domain, name string, body ...field) field {
	return nested(modelFunction, text(functionName, name), text(functionDomain, domain), join(body...))
}

func fnNode(operator, domain string, inputs, outputs []string, more ...field) field {
	return nested(functionNode, list(nodeInput, inputs...), list(nodeOutput, outputs...), text(nodeOperator, operator), text(nodeDomain, domain), join(more...))
}

func TestParseRefuses(t *testing.T) {
	cycle := op("Add", names("x", "b"), names("a"))
	x := floats(graphInput, "x", -1)
	deepType := number(kindElement, 1)
	deepType = nested(typeTensor, deepType)
	for range maxDepth + 2 {
		deepType = nested(typeSequence, nested(kindElement, deepType))
	}
	deepGraph := op("Relu", names("x"), names("y"))
	for range maxDepth + 1 {
		deepGraph = op("Loop", names("x"), nil, within(deepGraph))
	}
	cases := []struct {
		name   string
		b      []byte
		reason Reason
		says   string
	}{
		{"no bytes", nil, Empty, "the file is empty"},
		{"no graph", number(modelIRVersion, 8), Empty, "no graph"},
		{"git lfs", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:12"), NotONNX, "git lfs pull"},
		{"ort format", []byte("\x20\x00\x00\x00ORTM...."), NotONNX, ".ort"},
		{"json", []byte(`{"learner": {}}`), NotONNX, "byte 0"},
		{"a number for a graph's length that is cut", join(number(modelIRVersion, 8), field{0x3a, 0x80}), Truncated, "byte 4"},
		{"cut in the graph", model(x, text(graphName, "long"))[:20], Truncated, "its graph begins at byte 8 and takes"},
		{"cut in a tag", join(number(modelIRVersion, 8), field{0x80}), Truncated, "byte 3"},
		{"cut in a number", join(number(modelIRVersion, 8), field{0x28, 0x80}), Truncated, "byte 4"},
		{"cut in a text", text(modelProducer, "x")[:2], NotONNX, "byte 0"},
		{"cut in a text, after the IR version", join(number(modelIRVersion, 8), text(modelProducer, "skl2onnx")[:4]), Truncated, "a part begins at byte 2"},
		{"two graphs", join(field(model(x)), nested(modelGraph)), NotONNX, "a second graph"},
		{"a broken node", model(text(graphNode, "\x0a\x7f")), NotONNX, "byte 12"},
		{"graphs to train by", join(field(model(x)), nested(modelTraining, nested(1, weights(external("e"))))), Training, "for inference only"},
		{"a broken attribute", model(op("A", nil, nil, text(nodeAttribute, "\x32\x7f"))), NotONNX, "not protobuf"},
		{"a broken tensor", model(text(graphInitializer, "\xff")), NotONNX, "not protobuf"},
		{"broken dims", model(weights(text(tensorDims, "\xff"))), NotONNX, "not protobuf"},
		{"a broken external entry", model(weights(text(tensorExternalData, "\xff"))), NotONNX, "not protobuf"},
		{"a broken sparse tensor", model(text(graphSparseInitializer, "\xff")), NotONNX, "not protobuf"},
		{"a broken input", model(text(graphInput, "\xff")), NotONNX, "not protobuf"},
		{"a broken type", model(nested(graphInput, text(valueType, "\xff"))), NotONNX, "not protobuf"},
		{"a broken shape", model(nested(graphInput, nested(valueType, nested(typeTensor, text(kindShape, "\xff"))))), NotONNX, "not protobuf"},
		{"a broken axis", model(nested(graphInput, nested(valueType, nested(typeTensor, nested(kindShape, text(shapeDim, "\xff")))))), NotONNX, "not protobuf"},
		{"a broken sequence", model(nested(graphInput, nested(valueType, text(typeSequence, "\xff")))), NotONNX, "not protobuf"},
		{"a broken map", model(nested(graphInput, nested(valueType, text(typeMap, "\xff")))), NotONNX, "not protobuf"},
		{"a broken opset", join(text(modelOpset, "\xff"), nested(modelGraph)), NotONNX, "not protobuf"},
		{"broken metadata", join(text(modelMetadata, "\xff"), nested(modelGraph)), NotONNX, "not protobuf"},
		{"a broken function", join(text(modelFunction, "\xff"), nested(modelGraph)), NotONNX, "not protobuf"},
		{"a broken function body", join(field(model(x)), nested(modelFunction, text(functionNode, "\xff"))), NotONNX, "not protobuf"},
		{"a broken metadata key", join(field(model(x)), nested(modelMetadata, text(entryKey, "k"), field{0xff})), NotONNX, "not protobuf"},
		{"a broken optional", model(nested(graphInput, nested(valueType, nested(typeOptional, text(kindElement, "\xff"))))), NotONNX, "not protobuf"},
		{"a broken graph within", model(op("If", nil, nil, attribute("b", text(attributeGraph, "\xff")))), NotONNX, "not protobuf"},
		{"a broken output within", model(op("If", nil, nil, within(text(graphOutput, "\xff")))), NotONNX, "not protobuf"},
		{"a group without an end", model(field{0x0b}), NotONNX, "not protobuf"},
		{"broken class labels", model(x, op("LinearClassifier", names("x"), names("l", "p"), text(nodeDomain, mlDomain),
			attribute("classlabels_ints", text(attributeInts, "\xff"))), floats(graphOutput, "p", -1, 2)), NotONNX, "not protobuf"},

		{"external data", model(weights(external("weights.bin"))), ExternalData, `tensor "w" lie in another file, "weights.bin"`},
		{"external data without saying so", model(weights(nested(tensorExternalData, text(entryKey, "location"), text(entryValue, "*/_ORT_MEM_ADDR_/*")))), ExternalData, "_ORT_MEM_ADDR_"},
		{
			"external data in a Constant", model(op("Constant", nil, names("c"), attribute("value", nested(attributeTensor, external("/etc/passwd"))))), ExternalData,
			`without a name in the node that gives "c" lie in another file, "/etc/passwd"`,
		},
		{"external data in a list of tensors", model(op("C", nil, names("c"), text(nodeName, "n1"), attribute("v", nested(attributeTensors, external("e"))))), ExternalData, `in node "n1"`},
		{"external data in a sparse initializer", model(nested(graphSparseInitializer, nested(sparseIndices, text(tensorName, "i"), external("e")))), ExternalData, `"i"`},
		{"external data in a sparse attribute", model(op("C", nil, names("c"), attribute("v", nested(attributeSparseTensor, nested(sparseValues, external("e")))))), ExternalData, `"e"`},
		{"external data in sparse attributes", model(op("C", nil, names("c"), attribute("v", nested(attributeSparseTensors, nested(sparseValues, external("e")))))), ExternalData, `"e"`},
		{"external data in a graph within", model(op("If", nil, names("y"), within(weights(external("e"))))), ExternalData, `"w"`},
		{"external data in graphs within", model(op("If", nil, names("y"), attribute("b", nested(attributeGraphs, weights(external("e")))))), ExternalData, `"w"`},
		{"external data in a function", join(field(model(x)), modelFn("d", "f", fnNode("C", "", nil, names("c"), attribute("v", nested(attributeTensor, external("e")))))), ExternalData, `"e"`},
		{"external data in a function's default", join(field(model(x)), modelFn("d", "f",
			nested(functionAttributeProto, text(attributeName, "a"), nested(attributeTensor, external("e"))))), ExternalData, "without a name lie"},

		{"a foreign operator", model(x, op("Fancy", names("x"), names("y"), text(nodeDomain, "com.example"))), ForeignOperator, `"y" uses the operator "Fancy" of the domain "com.example"`},
		{"a foreign operator within", model(x, op("If", names("x"), names("y"), within(op("Fancy", nil, nil, text(nodeDomain, "com.example"), text(nodeName, "n"))))), ForeignOperator, `node "n"`},
		{"a foreign operator in a function", join(field(model(x)), modelFn("d", "f", fnNode("Fancy", "com.example", nil, nil))), ForeignOperator, "com.example"},
		{"another function of that domain", join(field(model(x, op("G", names("x"), names("y"), text(nodeDomain, "d")))), modelFn("d", "F")), ForeignOperator, `"G"`},
		{"another overload", join(field(model(x, op("F", names("x"), names("y"), text(nodeDomain, "d"), text(nodeOverload, "o")))), modelFn("d", "F")), ForeignOperator, `"F"`},
		{"training operators", model(x, op("Gradient", names("x"), names("y"), text(nodeDomain, "ai.onnx.training"))), ForeignOperator, "ai.onnx.training"},

		{"a negative dimension", model(weights(number(tensorType, 1), dims(-1))), AbsurdTensor, "[-1]"},
		{"dimensions beyond 64 bits", model(weights(number(tensorType, 1), dims(1<<33, 1<<33, 1, 2, 3, 4, 5, 6, 7))), AbsurdTensor, "[8589934592,8589934592,1,2,3,4,5,6,…]"},
		{"dimensions that overflow to 0", model(weights(number(tensorType, 1), dims(1<<32, 1<<32))), AbsurdTensor, "impossible"},
		{"just too many elements", model(weights(number(tensorType, 1), dims(1<<31+1))), AbsurdTensor, "impossible"},
		{"more elements than data", model(weights(number(tensorType, 1), dims(1<<31))), AbsurdTensor, "needs 2147483648 values and has 0"},
		{"more raw data than elements", model(weights(number(tensorType, 11), dims(1), text(tensorRaw, "123456789"))), AbsurdTensor, "type double and dimensions [1] needs 8 bytes and has 9"},
		{"a scalar without a value", model(weights(number(tensorType, 7))), AbsurdTensor, "dimensions [] needs 1 values"},
		{"an axis of length 0 with data", model(weights(number(tensorType, 7), dims(0, 1<<40), number(tensorInt64s, 1))), AbsurdTensor, "needs 0 values and has 1"},
		{"values in another type's field", model(weights(number(tensorType, 1), dims(2), number(tensorInt64s, 1), number(tensorInt64s, 2))), AbsurdTensor, "has 0"},
		{"half a float", model(weights(number(tensorType, 1), dims(1), text(tensorFloats, "123"))), AbsurdTensor, "has 0"},
		{"raw data that is there but empty, and values", model(weights(number(tensorType, 7), dims(1), number(tensorInt64s, 1), text(tensorRaw, ""))), AbsurdTensor, "needs 8 bytes and has 0"},
		{"65 dimensions", model(weights(number(tensorType, 1), dims(make([]int64, maxRank+1)...))), AbsurdTensor, "more than 64 dimensions"},
		{"a value between nodes of 2^40 elements", model(floats(graphValue, "v", -1, 1<<40)), AbsurdTensor, `"v" is declared`},
		{"such an input of a graph within", model(op("If", nil, nil, within(floats(graphInput, "v", 1<<40)))), AbsurdTensor, `"v" is declared`},
		{"such an output of a graph within", model(op("If", nil, nil, within(floats(graphOutput, "v", 1<<40)))), AbsurdTensor, `"v" is declared`},
		{"such a value in a function", join(field(model(x)), modelFn("d", "f", floats(functionValue, "v", 1<<40))), AbsurdTensor, `"v" is declared`},
		{"texts in raw data", model(weights(number(tensorType, 8), dims(1), text(tensorRaw, "1"))), AbsurdTensor, "has 0"},
		{"absurd dimensions of a type that is not known", model(weights(number(tensorType, 99), dims(-5))), AbsurdTensor, "[-5]"},
		{"a Constant that is too small", model(op("Constant", nil, names("c"), attribute("value", nested(attributeTensor, number(tensorType, 1), dims(9))))), AbsurdTensor, "needs 9 values"},
		{"absurd sparse dimensions", model(nested(graphSparseInitializer, nested(sparseValues, text(tensorName, "s"), number(tensorType, 1), dims(0)), packed(sparseDims, 1<<20, 1<<20))), AbsurdTensor, `sparse tensor "s"`},
		{"an input of 2^40 elements a row", model(floats(graphInput, "x", -1, 1<<20, 1<<20)), AbsurdTensor, `"x" is declared as float[?,1048576,1048576]`},
		{"an output of 2^40 elements a row", model(x, floats(graphOutput, "x", -1, 1<<40)), AbsurdTensor, "declared"},
		{"a shape of 65 axes", model(floats(graphInput, "x", make([]int64, maxRank+1)...)), AbsurdTensor, "64 axes"},

		{"a node that needs itself", model(op("Relu", names("a"), names("a"))), Cyclic, `value "a"`},
		{"two nodes that need each other", model(x, op("Relu", names("b"), names("c")), cycle, op("Relu", names("a"), names("b"))), Cyclic, "value \"a\""},
		{"a cycle through a graph within", model(x, op("If", names("x"), names("a"), within(op("Relu", names("b"), names("i")))), op("Relu", names("a"), names("b"))), Cyclic, "cycle"},
		{"a cycle two graphs deep", model(x, op("If", names("x"), names("a"), within(op("If", nil, names("i"), within(op("Relu", names("a"), names("j"))))))), Cyclic, `"a"`},
		{"a graph within returns what its node gives", model(x, op("If", names("x"), names("a"), within(floats(graphOutput, "a")))), Cyclic, `"a"`},
		{"a cycle in a graph within", model(x, op("If", names("x"), names("y"), within(op("A", names("q"), names("p")), op("A", names("p"), names("q"))))), Cyclic, `"q"`},
		{"a cycle in a function", join(field(model(x)), modelFn("d", "f", fnNode("A", "", names("q"), names("q")))), Cyclic, `"q"`},

		{"an input that nothing gives", model(op("Relu", names("nowhere"), names("y"), text(nodeName, "n"))), Dangling, `"nowhere", an input of node "n"`},
		{"an output that nothing gives", model(floats(graphOutput, "nowhere", 1)), Dangling, `"nowhere", an output of the graph`},
		{"a value of a graph within, used outside", model(op("If", nil, names("y"), within(op("A", nil, names("inner")))), op("Relu", names("inner"), names("z"))), Dangling, `"inner"`},
		{"a function sees only its inputs", join(field(model(x)), modelFn("d", "f", fnNode("Relu", "", names("x"), names("y")))), Dangling, `"x"`},
		{"a function's output that nothing gives", join(field(model(x)), modelFn("d", "f", text(functionOutput, "y"))), Dangling, `"y", an output of function "f"`},

		{"two nodes give a value", model(op("A", nil, names("y")), op("B", nil, names("y"))), Duplicate, `"y"`},
		{"one node gives a value twice", model(op("A", nil, names("y", "y"))), Duplicate, `"y"`},
		{"a node gives an input", model(op("A", nil, names("x")), x), Duplicate, `"x"`},
		{"two functions of one name", join(field(model(x)), modelFn("d", "f"), modelFn("d", "f")), Duplicate, `function "f"`},
		{"two spellings of one domain", join(field(model(x)), modelFn("ai.onnx", "f"), modelFn("", "f")), Duplicate, `function "f"`},

		{"a function that calls itself", join(field(model(x)), modelFn("d", "f", fnNode("f", "d", nil, nil))), RecursiveCall, `"f" calls itself`},
		{"functions that call each other", join(field(model(x)), modelFn("d", "f", fnNode("g", "d", nil, nil)), modelFn("d", "g", fnNode("If", "", nil, nil, within(op("f", nil, nil, text(nodeDomain, "d")))))), RecursiveCall, "calls itself"},

		{"graphs within graphs", model(x, deepGraph), TooDeep, "32 deep"},
		{"types within types", model(nested(graphInput, nested(valueType, deepType))), TooDeep, "32 deep"},
		{"types within the type of a value", model(nested(graphValue, nested(valueType, deepType))), TooDeep, "32 deep"},
		{"types within an attribute's type", model(op("Optional", nil, names("o"), attribute("type", nested(attributeType, deepType)))), TooDeep, "32 deep"},
		{"types within an attribute's types", model(op("Optional", nil, names("o"), attribute("types", nested(attributeTypes, deepType)))), TooDeep, "32 deep"},
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

func TestParseTakes(t *testing.T) {
	x := floats(graphInput, "x", -1)
	cases := map[string][]byte{
		"a graph among a function's defaults": join(field(model(x)), modelFn("d", "f", fnNode("A", "", nil, names("n")), fnNode("A", "", names("n"), names("m")),
			nested(functionAttributeProto, text(attributeName, "body"), nested(attributeGraph, op("A", names("n"), names("q")), floats(graphOutput, "q", 1))))),
		"nodes in any order":                         model(op("A", names("a"), names("b")), op("A", names("x"), names("a")), x, floats(graphOutput, "b", 1)),
		"a graph within that uses a later value":     model(x, op("If", names("x"), names("y"), within(op("A", names("later"), names("i")), floats(graphOutput, "i", 1))), op("A", names("x"), names("later"))),
		"a graph within that returns an outer value": model(x, op("If", names("x"), names("y"), within(floats(graphOutput, "x", 1)))),
		"names of two branches":                      model(x, op("If", names("x"), names("y"), within(op("A", nil, names("i"))), within(op("A", nil, names("i"))))),
		"an inner name that hides an outer":          model(x, op("If", names("x"), names("y"), within(op("A", nil, names("x")), op("B", names("x"), names("j"))))),
		"an initializer that is an input":            model(floats(graphInput, "w", 1), weights(number(tensorType, 1), dims(0))),
		"an input that is an output":                 model(x, floats(graphOutput, "x", 1)),
		"optional inputs and outputs":                model(x, op("Dropout", names("x", "", ""), names("y", "", ""))),
		"a function of its own domain":               join(field(model(x, op("F", names("x"), names("y"), text(nodeDomain, "d")))), modelFn("d", "F", text(functionInput, "i"), text(functionOutput, "o"), fnNode("Relu", "", names("i"), names("o")))),
		"a function of the runtime's domain":         join(field(model(x, op("Gelu", names("x"), names("y")))), modelFn("ai.onnx", "Gelu", text(functionInput, "i"), text(functionOutput, "i"))),
		"the long name of the domain":                model(x, op("Relu", names("x"), names("y"), text(nodeDomain, "ai.onnx"))),
		"a known field of another wire type":         model(x, number(graphNode, 7), number(graphInput, 7), number(graphInitializer, 7)),
		"another kind of type after a tensor":        model(nested(graphInput, text(valueName, "x"), nested(valueType, nested(typeTensor), text(typeOpaque, "")))),
		"2^31 elements of half a byte less":          model(weights(number(tensorType, 99), dims(1<<31))),
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(b); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every type's values are counted where the type keeps them.
func TestParseMeasuresTensors(t *testing.T) {
	fixed32 := protowire.AppendFixed32(protowire.AppendTag(nil, tensorFloats, protowire.Fixed32Type), 7)
	fixed64 := protowire.AppendFixed64(protowire.AppendTag(nil, tensorDoubles, protowire.Fixed64Type), 7)
	big := []int64{1, 300, 1 << 40, -1, 5, 6, 7, 8, 9, 10, 11}
	cases := []struct {
		typ   int64
		dims  field
		data  field
		bytes int64
	}{
		{1, dims(2), text(tensorFloats, "12345678"), 8},
		{1, join(number(tensorDims, 1), number(tensorDims, 2)), join(fixed32, fixed32), 8},
		{1, dims(), fixed32, 4},
		{1, dims(2, 0), text(tensorRaw, ""), 0},
		{11, dims(2), join(fixed64, fixed64), 16},
		{11, dims(1), text(tensorDoubles, "12345678"), 8},
		{14, dims(1), join(fixed32, fixed32), 8},
		{15, dims(1), join(fixed64, fixed64), 16},
		{7, dims(11), packed(tensorInt64s, big...), 88},
		{7, dims(2), join(number(tensorInt64s, -1), number(tensorInt64s, 1)), 16},
		{13, dims(1, 11), packed(tensorUint64s, big...), 88},
		{12, dims(1), packed(tensorUint64s, 5), 4},
		{9, dims(3), packed(tensorInt32s, 1, 0, 1), 3},
		{10, dims(2), packed(tensorInt32s, 15360, 300), 4},
		{10, dims(2), text(tensorRaw, "1234"), 4},
		{22, dims(3), packed(tensorInt32s, 18, 3), 2},
		{22, dims(3), text(tensorRaw, "12"), 2},
		{26, dims(5), text(tensorRaw, "12"), 2},
		{8, dims(2), list(tensorStrings, "ab", "cde"), 5},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s of %d bytes", typeOf(int32(c.typ)).name, c.bytes), func(t *testing.T) {
			f, err := Parse(model(weights(number(tensorType, c.typ), c.dims, c.data)))
			if err != nil || f.InitializerBytes != c.bytes {
				t.Errorf("got %+v, %v; want %d bytes", f, err, c.bytes)
			}
		})
	}
}
