//go:build cgo

package onnx

import (
	"errors"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

// TestStrings sends strings of all lengths, in any order within the text, and
// more of them, then fewer, so that nothing of an earlier run shows.
func TestStrings(t *testing.T) {
	m := openFile(t, "testdata/words.onnx", Options{})
	r := newRunner(t, m)
	out := outputsFor(m)
	long := strings.Repeat("Grüße\x00", 10_000)
	for _, words := range [][]string{
		{"a\x00b", ""},
		{long, "x", "y", long + "!"},
		{"", "", "", "ß"},
		{"\x00", "\xff\xfe"}, // not UTF-8: bytes are bytes
		{},
		{"back", "again"},
	} {
		in := textTensor([]int64{int64(len(words) / 2), 2}, words...)
		slices.Reverse(in.Refs)
		words = slices.Clone(words)
		slices.Reverse(words)
		if err := r.Run([]*inference.Tensor{in}, out, 0); err != nil {
			t.Fatal(err)
		}
		if got := texts(out[0]); !slices.Equal(got, words) {
			t.Errorf("%.40q came back as %.40q", words, got)
		}
	}
}

func TestRunRefusesWrongTensors(t *testing.T) {
	m := openShared(t, "logreg_tiny", Options{})
	r := newRunner(t, m)
	words := newRunner(t, openFile(t, "testdata/words.onnx", Options{}))
	row := make([]float32, 20)
	good := tensorOf(inference.Float32, []int64{1, 20}, row...)
	short := tensorOf(inference.Float32, []int64{1, 20}, row...)
	short.Shape[0] = 2
	beyond := textTensor([]int64{1, 2}, "a", "b")
	beyond.Refs[1].Length = 2
	wrapping, far := textTensor([]int64{1, 2}, "a", "b"), textTensor([]int64{1, 2}, "a", "b")
	wrapping.Refs[1] = inference.TextRef{Start: math.MaxUint32, Length: 2} // 1 in 32 bits
	far.Refs[1] = inference.TextRef{Start: 1, Length: math.MaxUint32}
	few := textTensor([]int64{1, 2}, "a", "b")
	few.Refs = few.Refs[:1]
	for _, c := range []struct {
		name   string
		runner inference.Runner
		in     []*inference.Tensor
		want   string
	}{
		{"no inputs", r, nil, "1 inputs, not 0"},
		{"type", r, []*inference.Tensor{tensorOf(inference.Float64, []int64{1, 20}, make([]float64, 20)...)}, `input "input" takes float32, not float64`},
		{"memory shorter than shape", r, []*inference.Tensor{short}, "needs a length of 160 and not 80"},
		{"negative shape", r, []*inference.Tensor{{Type: inference.Float32, Shape: []int64{-1, 20}}}, "negative shape"},
		{"rank", r, []*inference.Tensor{tensorOf(inference.Float32, make([]int64, 17), row[:0]...)}, "17 dimensions"},
		{"width that the model refuses", r, []*inference.Tensor{tensorOf(inference.Float32, []int64{1, 3}, 1, float32(2), 3)}, "Got: 3 Expected: 20"},
		{"string beyond the text", words, []*inference.Tensor{beyond}, "beyond the tensor's text"},
		{"string that begins far beyond", words, []*inference.Tensor{wrapping}, "beyond the tensor's text"},
		{"string that ends far beyond", words, []*inference.Tensor{far}, "beyond the tensor's text"},
		{"fewer strings than the shape says", words, []*inference.Tensor{few}, "needs a length of 2 and not 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := []*inference.Tensor{{}, {}}
			if c.runner == words {
				out = out[:1]
			}
			err := c.runner.Run(c.in, out, 0)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "run model: ") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
	if err := r.Run([]*inference.Tensor{good}, outputsFor(m)[:1], 0); err == nil || !strings.Contains(err.Error(), "2 outputs, not 1") {
		t.Errorf("too few outputs: %v", err)
	}
	if err := r.Run([]*inference.Tensor{good}, outputsFor(m), 0); err != nil {
		t.Errorf("a good run after refused ones: %v", err)
	}
}

// TestPoison runs events that fail inside the model, each between good ones.
func TestPoison(t *testing.T) {
	m := openShared(t, "tiny_transformer", Options{})
	r := newRunner(t, m)
	good, poison := loadEvents(t, "tiny_transformer", "events.jsonl"), loadEvents(t, "tiny_transformer", "poison.jsonl")
	want, out := outputsFor(m), outputsFor(m)
	if err := r.Run(good.tensors(t, 0, 5), want, 0); err != nil {
		t.Fatal(err)
	}
	for i := range poison.values {
		err := r.Run(poison.tensors(t, i, i+1), out, time.Minute)
		if err == nil || errors.Is(err, inference.ErrTimeout) || strings.Contains(err.Error(), "\n") {
			t.Errorf("poison %d: error %v", i, err)
		}
		if err := r.Run(good.tensors(t, 0, 5), out, time.Minute); err != nil {
			t.Fatalf("after poison %d: %v", i, err)
		}
		if !slices.Equal(out[0].Data, want[0].Data) {
			t.Errorf("after poison %d the same rows give other logits", i)
		}
	}
}

// TestSlices runs parts of one tensor's memory, as bisection does: views with
// other addresses and shapes, back and forth.
func TestSlices(t *testing.T) {
	m := openShared(t, "card_fraud_gbdt", Options{})
	r := newRunner(t, m)
	e := loadEvents(t, "card_fraud_gbdt", "events.jsonl")
	whole := e.tensors(t, 0, 64)[0]
	out := outputsFor(m)
	if err := r.Run([]*inference.Tensor{whole}, out, 0); err != nil {
		t.Fatal(err)
	}
	labels, scores := slices.Clone(out[0].Data), slices.Clone(out[1].Data)
	for _, part := range [][2]int{{0, 32}, {32, 64}, {32, 48}, {0, 64}, {63, 64}, {62, 63}, {5, 5}, {0, 64}} {
		lo, hi := part[0], part[1]
		view := &inference.Tensor{Type: whole.Type, Shape: []int64{int64(hi - lo), 20}, Data: whole.Data[lo*80 : hi*80]}
		if err := r.Run([]*inference.Tensor{view}, out, 0); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out[0].Data, labels[lo*8:hi*8]) || !slices.Equal(out[1].Data, scores[lo*8:hi*8]) {
			t.Errorf("rows %d to %d alone give other outputs", lo, hi)
		}
	}
}

// TestConcurrentRunners lets eight goroutines share a session.
func TestConcurrentRunners(t *testing.T) {
	for _, name := range []string{"card_fraud_pipeline", "tiny_transformer", "multi_out"} {
		t.Run(name, func(t *testing.T) {
			m := openShared(t, name, Options{})
			e := loadEvents(t, name, "events.jsonl")
			var batches [][]*inference.Tensor
			var want [][]*inference.Tensor
			r := newRunner(t, m)
			for lo := 0; lo < 40; lo += 5 {
				out := outputsFor(m)
				in := e.tensors(t, lo, lo+5)
				if err := r.Run(in, out, 0); err != nil {
					t.Fatal(err)
				}
				batches, want = append(batches, in), append(want, out)
			}
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() { runAll(t, m, worker, batches, want) })
			}
			wg.Wait()
		})
	}
}

// runAll runs the batches over and over, each worker beginning elsewhere.
func runAll(t *testing.T, m *Model, worker int, batches, want [][]*inference.Tensor) {
	r, err := m.NewRunner()
	if err != nil {
		t.Error(err)
		return
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	out := outputsFor(m)
	for k := range 50 {
		b := (k + worker) % len(batches)
		if err := r.Run(batches[b], out, time.Minute); err != nil {
			t.Error(err)
			return
		}
		for i := range out {
			same := slices.Equal(out[i].Data, want[b][i].Data) && slices.Equal(texts(out[i]), texts(want[b][i]))
			if !same || !slices.Equal(out[i].Shape, want[b][i].Shape) {
				t.Errorf("worker %d, batch %d, output %s differs", worker, b, m.Outputs()[i].Name)
				return
			}
		}
	}
}

// TestUnwantedOutputsAreLeftOut asks for every subset of a model's outputs, one
// after the other: what is wanted is what it is among all, and nothing else is
// asked of the runtime.
func TestUnwantedOutputsAreLeftOut(t *testing.T) {
	for _, uncut := range []bool{false, true} {
		for _, file := range []string{sharedModels + "/multi_out/model.onnx", sharedModels + "/iris_rf/model.onnx"} {
			m := openFile(t, file, Options{uncut: uncut})
			all, some := newRunner(t, m), newRunner(t, m).(*Runner)
			in := loadEvents(t, filepath.Base(filepath.Dir(file)), "events.jsonl").tensors(t, 0, 3)
			want := outputsFor(m)
			if err := all.Run(in, want, 0); err != nil {
				t.Fatal(err)
			}
			for set := range 1 << len(want) {
				out := outputsFor(m)
				for i := range out {
					if set>>i&1 == 0 {
						out[i] = nil
					}
				}
				for range 2 {
					if err := some.Run(in, out, 0); err != nil {
						t.Fatalf("%s, outputs %b: %v", file, set, err)
					}
				}
				if n := max(bits.OnesCount(uint(set)), 1); int(some.c.outputs) != n {
					t.Errorf("%s, outputs %b: the runtime was asked for %d", file, set, some.c.outputs)
				}
				for i, o := range out {
					if o != nil && (!slices.Equal(o.Data, want[i].Data) || !slices.Equal(o.Shape, want[i].Shape) ||
						!slices.Equal(o.Keys, want[i].Keys) || !slices.Equal(texts(o), texts(want[i]))) {
						t.Errorf("%s, outputs %b: output %s differs", file, set, m.Outputs()[i].Name)
					}
				}
			}
		}
	}
}

// TestOnlyTheOtherOutputIsWanted has a map and the tensor that it is made of,
// which are one value of the session's once the map is cut off.
func TestOnlyTheOtherOutputIsWanted(t *testing.T) {
	r := newRunner(t, openFile(t, "testdata/zipmap_both.onnx", Options{}))
	in := []*inference.Tensor{tensorOf(inference.Float32, []int64{1, 2}, float32(.1), .2)}
	for range 2 {
		for i, want := range [][]float32{{.2, .1}, {.1, .2}} {
			out := make([]*inference.Tensor, 2)
			out[i] = new(inference.Tensor)
			if err := r.Run(in, out, 0); err != nil {
				t.Fatal(err)
			}
			if got := inference.Values[float32](out[i]); !slices.Equal(got, want) {
				t.Errorf("output %d: %v, want %v", i, got, want)
			}
		}
	}
}

// TestRunAllocatesNothing holds the budget: 0 Go allocations a run once warm,
// with and without a time limit, also where memory and shapes alternate.
func TestRunAllocatesNothing(t *testing.T) {
	for _, name := range []string{"logreg_tiny", "card_fraud_gbdt", "iris_rf_strings", "card_fraud_pipeline", "multi_out"} {
		for _, limit := range []time.Duration{0, time.Minute} {
			m := openShared(t, name, Options{})
			r := newRunner(t, m)
			e := loadEvents(t, name, "events.jsonl")
			batches := [][]*inference.Tensor{e.tensors(t, 0, 64), e.tensors(t, 64, 128), e.tensors(t, 0, 1)}
			out := outputsFor(m)
			last := append(make([]*inference.Tensor, len(out)-1), out[len(out)-1])
			run := func() {
				for _, in := range batches {
					if err := r.Run(in, out, limit); err != nil {
						t.Fatal(err)
					}
				}
				if err := r.Run(batches[0], last, limit); err != nil { // the others are not wanted now
					t.Fatal(err)
				}
			}
			run()
			if n := testing.AllocsPerRun(200, run); n != 0 {
				t.Errorf("%s, limit %s: %v allocations a run", name, limit, n)
			}
		}
	}
}
