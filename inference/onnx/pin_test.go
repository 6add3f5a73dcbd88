//go:build cgo

package onnx

import (
	"runtime"
	"testing"
	"weak"

	"github.com/penstock/penstock/inference"
)

// TestInputsArePinnedWhileReferenced watches the garbage collector: the memory
// that the runtime's value views must stay though nobody else holds it, and go
// once the runner has moved on or is closed.
func TestInputsArePinnedWhileReferenced(t *testing.T) {
	m := openShared(t, "logreg_tiny", Options{})
	r := newRunner(t, m)
	run := func() weak.Pointer[byte] {
		in := tensorOf(inference.Float32, []int64{1, 20}, make([]float32, 20)...)
		if err := r.Run([]*inference.Tensor{in}, outputsFor(m), 0); err != nil {
			t.Fatal(err)
		}
		return weak.Make(&in.Data[0])
	}
	first := run()
	runtime.GC()
	if first.Value() == nil {
		t.Error("memory that the runtime still views is gone")
	}
	second := run()
	runtime.GC()
	if first.Value() != nil {
		t.Error("memory that the runner has left is still held")
	}
	if second.Value() == nil {
		t.Error("memory that the runner has moved to is gone")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if second.Value() != nil {
		t.Error("a closed runner still holds memory")
	}
}

// TestRefusedRunHoldsNothingForever moves an input in runs that are refused
// before they reach the runtime.
func TestRefusedRunHoldsNothingForever(t *testing.T) {
	m := openShared(t, "tiny_transformer", Options{})
	r := newRunner(t, m)
	ids := func() *inference.Tensor { return tensorOf(inference.Int64, []int64{1, 4}, int64(1), 2, 3, 2) }
	wrong := tensorOf(inference.Int32, []int64{1, 4}, int32(1), 1, 1, 1)
	var held []weak.Pointer[byte]
	for range 5 {
		in := ids()
		held = append(held, weak.Make(&in.Data[0]))
		if err := r.Run([]*inference.Tensor{in, wrong}, outputsFor(m), 0); err == nil {
			t.Fatal("the wrong type ran")
		}
	}
	for range 2 {
		if err := r.Run([]*inference.Tensor{ids(), ids()}, outputsFor(m), 0); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	for i, p := range held {
		if p.Value() != nil {
			t.Errorf("the memory of refused run %d is still held", i)
		}
	}
}
