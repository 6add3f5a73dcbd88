//go:build cgo

package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/penstock/penstock/inference"
)

// TestMain loads the library once for all tests. Without it they fail: a
// skipped test would look like a passed one.
func TestMain(m *testing.M) {
	if err := Load(libraryPath()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func libraryPath() string { return os.Getenv("PENSTOCK_ONNXRUNTIME_LIB") }

const sharedModels = "../../testdata/models"

func readModel(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// openShared opens one of the models that all packages test with.
func openShared(tb testing.TB, name string, o Options) *Model {
	tb.Helper()
	return openFile(tb, filepath.Join(sharedModels, name, "model.onnx"), o)
}

func openFile(tb testing.TB, path string, o Options) *Model {
	tb.Helper()
	m, err := Open(readModel(tb, path), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

func newRunner(tb testing.TB, m *Model) inference.Runner {
	tb.Helper()
	r, err := m.NewRunner()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// outputsFor makes a model's output tensors.
func outputsFor(m *Model) []*inference.Tensor {
	out := make([]*inference.Tensor, len(m.Outputs()))
	for i := range out {
		out[i] = new(inference.Tensor)
	}
	return out
}

func tensorOf[T inference.Element](typ inference.ElementType, shape []int64, values ...T) *inference.Tensor {
	t := new(inference.Tensor)
	t.Resize(typ, shape...)
	copy(inference.Values[T](t), values)
	return t
}

func textTensor(shape []int64, texts ...string) *inference.Tensor {
	t := new(inference.Tensor)
	t.Resize(inference.String, shape...)
	for i, s := range texts {
		t.Refs[i] = inference.TextRef{Start: uint32(len(t.Text)), Length: uint32(len(s))}
		t.Text = append(t.Text, s...)
	}
	return t
}

func texts(t *inference.Tensor) []string {
	s := make([]string, len(t.Refs))
	for i := range s {
		s[i] = string(t.TextAt(i))
	}
	return s
}
