package onnx

// #include "ort.h"
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/penstock/penstock/inference"
)

// nothing stands in for the memory of a tensor without elements: the runtime
// wants an address even then.
var nothing [8]byte

// bind makes in the inputs of the next run. Elements are not copied: the
// runtime reads them where they lie. Strings are.
func (r *Runner) bind(in []*inference.Tensor) error {
	if len(in) != len(r.in) {
		return fmt.Errorf("it has %d inputs, not %d", len(r.in), len(in))
	}
	moved := false
	for i, t := range in {
		info, c := &r.model.inputs[i], &r.in[i]
		if err := checkInput(info, t); err != nil {
			return err
		}
		setShape(c, t)
		moved = moved || t.Type != inference.String && c.data != address(t)
	}
	if moved {
		r.pin(in)
	}
	for i, t := range in {
		if t.Type != inference.String {
			continue
		}
		if err := r.fill(i, t); err != nil {
			return fmt.Errorf("input %q: %w", r.model.inputs[i].Name, err)
		}
	}
	return nil
}

// checkInput refuses what the runtime must not be trusted with: a tensor whose
// memory is not as large as its shape says.
func checkInput(info *inference.TensorInfo, t *inference.Tensor) error {
	if t.Type != info.Type {
		return fmt.Errorf("input %q takes %s, not %s", info.Name, info.Type, t.Type)
	}
	if len(t.Shape) > C.PS_MAX_RANK {
		return fmt.Errorf("input %q has %d dimensions, and at most %d are possible", info.Name, len(t.Shape), C.PS_MAX_RANK)
	}
	for _, n := range t.Shape {
		if n < 0 {
			return fmt.Errorf("input %q has the negative shape %v", info.Name, t.Shape)
		}
	}
	have, want := len(t.Data), t.Count()*t.Type.Size()
	if t.Type == inference.String {
		have, want = len(t.Refs), t.Count()
	}
	if have != want {
		return fmt.Errorf("input %q has the shape %v, which needs a length of %d and not %d", info.Name, t.Shape, want, have)
	}
	return nil
}

// setShape writes t's shape to c, and marks c when that changes it.
func setShape(c *C.ps_input, t *inference.Tensor) {
	same := int(c.rank) == len(t.Shape)
	for i, n := range t.Shape {
		same = same && int64(c.dims[i]) == n
		c.dims[i] = C.int64_t(n)
	}
	if same {
		return
	}
	c.rank = C.int32_t(len(t.Shape))
	c.bytes = C.size_t(len(t.Data))
	c.changed = true
}

// address is where a numeric tensor's elements lie.
func address(t *inference.Tensor) unsafe.Pointer {
	if len(t.Data) == 0 {
		return unsafe.Pointer(&nothing)
	}
	return unsafe.Pointer(unsafe.SliceData(t.Data))
}

// pin pins the memory of in, then points the inputs to it. What they pointed
// to before stays pinned, now by spare, until the runtime's values are renewed.
func (r *Runner) pin(in []*inference.Tensor) {
	r.pinned, r.spare = r.spare, r.pinned
	for i, t := range in {
		if t.Type == inference.String {
			continue
		}
		at := address(t)
		r.pinned.Pin(at)
		if r.in[i].data != at {
			r.in[i].data = at
			r.in[i].changed = true
		}
	}
}

// fill copies the strings of t into the runtime's tensor.
func (r *Runner) fill(i int, t *inference.Tensor) error {
	return statusError(r.model.api, C.ps_fill(r.c, C.size_t(i),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(t.Text))), C.size_t(len(t.Text)),
		(*C.ps_ref)(unsafe.Pointer(unsafe.SliceData(t.Refs))), C.size_t(len(t.Refs))))
}
