package onnxfile

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

func repeat(f field, n int) field { return bytes.Repeat(f, n) }

func TestParseRefusesTooMuch(t *testing.T) {
	x := floats(graphInput, "x", -1)
	many := func(n int, f func(i int) field) field {
		var b field
		for i := range n {
			b = append(b, f(i)...)
		}
		return b
	}
	doubling := many(40, func(i int) field {
		next := fnNode(fmt.Sprint("f", i+1), "d", nil, nil)
		if i == 39 {
			next = fnNode("Relu", "", nil, nil)
		}
		return modelFn("d", fmt.Sprint("f", i), next, next)
	})
	cases := []struct {
		name  string
		bytes func() []byte
		says  string
	}{
		{"nodes", func() []byte { return model(repeat(nested(graphNode), maxNodes+1)) }, "nodes"},
		{"nodes in graphs within", func() []byte {
			return model(op("If", nil, nil, within(repeat(nested(graphNode), maxNodes))))
		}, "nodes"},
		{"values", func() []byte {
			return model(op("Split", nil, nil, many(maxValues+1, func(i int) field { return text(nodeOutput, fmt.Sprint(i)) })))
		}, "values"},
		{"inputs of nodes", func() []byte { return model(x, op("Sum", nil, nil, repeat(text(nodeInput, "x"), maxUses+1))) }, "uses of values"},
		{"outputs of functions", func() []byte {
			return join(field(model(x)), modelFn("d", "f", text(functionInput, "x"), repeat(text(functionOutput, "x"), maxUses+1)))
		}, "uses of values"},
		{"inputs", func() []byte { return model(repeat(text(graphInput, ""), 1<<16+1)) }, "inputs or outputs"},
		{"outputs", func() []byte { return model(repeat(text(graphOutput, ""), 1<<16+1)) }, "inputs or outputs"},
		{"functions", func() []byte {
			return join(field(model(x)), many(maxFunctions+1, func(i int) field { return modelFn("d", fmt.Sprint(i)) }))
		}, "functions"},
		{"opset imports", func() []byte { return join(field(model(x)), repeat(text(modelOpset, ""), 1024)) }, "opset imports"},
		{"metadata entries", func() []byte {
			return join(field(model(x)), many(1<<16+1, func(i int) field { return nested(modelMetadata, text(entryKey, fmt.Sprint(i))) }))
		}, "metadata entries"},
		{"text", func() []byte { return join(field(model(x)), text(modelDoc, strings.Repeat("a", maxText))) }, "64 MiB"},
		{"names of inputs", func() []byte { return model(nested(graphInput, text(valueName, strings.Repeat("a", maxText+1)))) }, "64 MiB"},
		{"classes", func() []byte {
			return model(x, op("SVMClassifier", names("x"), names("l", "p"), text(nodeDomain, mlDomain),
				attribute("classlabels_ints", repeat(number(attributeInts, 1), maxClasses+1))), floats(graphOutput, "p", -1, 2))
		}, "class labels"},
		{"text classes", func() []byte {
			return model(x, op("SVMClassifier", names("x"), names("l", "p"), text(nodeDomain, mlDomain),
				attribute("classlabels_strings", repeat(text(attributeStrings, ""), maxClasses+1))), floats(graphOutput, "p", -1, 2))
		}, "class labels"},
		{"calls of functions", func() []byte { return join(field(model(x)), doubling) }, "stand for more than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.bytes())
			r, ok := errors.AsType[*Refusal](err)
			if !ok || r.Reason != TooLarge || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v; want a refusal for too many %s", err, c.says)
			}
		})
	}
}

// measure runs f and gives its time and what it allocated.
func measure(f func()) (took time.Duration, allocated uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

// Weights are measured, not copied: 200 MB of them cost the walk next to no
// memory, in whatever form the file holds them. The time limit is wide, for a
// busy machine.
func TestParseOfBigTensorsIsCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes up to 1 GB")
	}
	cheap := func(name string, values int, f func(zeros []byte) field) {
		t.Run(name, func(t *testing.T) {
			b := model(f(make([]byte, values)))
			var err error
			took, allocated := measure(func() { _, err = Parse(b) })
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d MB in %v with %d kB allocated", len(b)>>20, took, allocated>>10)
			if allocated > 1<<20 || took > 5*time.Second {
				t.Errorf("the walk took %v and allocated %d bytes", took, allocated)
			}
		})
	}
	const size = 48 << 20
	cheap("raw data", 200<<20, func(zeros []byte) field {
		return weights(number(tensorType, 1), dims(200<<20/4), text(tensorRaw, view(zeros)))
	})
	cheap("packed floats", size, func(zeros []byte) field {
		return weights(number(tensorType, 1), dims(size/4), text(tensorFloats, view(zeros)))
	})
	cheap("packed integers", size, func(zeros []byte) field {
		return weights(number(tensorType, 7), dims(size), text(tensorInt64s, view(zeros)))
	})
	cheap("unpacked floats", 0, func([]byte) field {
		one := protowire.AppendFixed32(protowire.AppendTag(nil, tensorFloats, protowire.Fixed32Type), 7)
		return weights(number(tensorType, 1), dims(size/8), repeat(one, size/8))
	})
	cheap("many tensors", 4096, func(zeros []byte) field {
		return repeat(weights(number(tensorType, 1), dims(1024), text(tensorRaw, view(zeros))), size/4096)
	})
}

func TestParseOfBadModelsIsCheap(t *testing.T) {
	for name, b := range sharedModels(t) {
		if !strings.HasPrefix(name, "bad/") {
			continue
		}
		took, allocated := measure(func() { _, _ = Parse(b) })
		for range 2 { // the best of three: a busy machine may stop one of them
			again, _ := measure(func() { _, _ = Parse(b) })
			took = min(took, again)
		}
		if took > 50*time.Millisecond || allocated > 1<<20 {
			t.Errorf("%s took %v and allocated %d bytes", name, took, allocated)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"card_fraud_gbdt", "isolation_forest", "housing_xgb", "tiny_transformer"} {
		b.Run(name, func(b *testing.B) {
			data := sharedModel(b, name+"/model.onnx")
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
