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
	for i, t := range in {
		info := &r.model.inputs[i]
		if err := checkInput(info, t); err != nil {
			return err
		}
		setShape(&r.in[i], t)
		if t.Type != inference.String {
			r.point(i, address(t))
		} else if err := r.fill(i, t); err != nil {
			return fmt.Errorf("input %q: %w", info.Name, err)
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
	if !same {
		c.rank = C.int32_t(len(t.Shape))
		c.bytes = C.size_t(len(t.Data))
		c.changed = true
	}
}

// address is where a numeric tensor's elements lie.
func address(t *inference.Tensor) unsafe.Pointer {
	if len(t.Data) == 0 {
		return unsafe.Pointer(&nothing)
	}
	return unsafe.Pointer(unsafe.SliceData(t.Data))
}

// point makes input i point to the elements at data, pinned from here on. What
// it pointed to stays pinned until the runtime's value is renewed.
func (r *Runner) point(i int, data unsafe.Pointer) {
	c, p := &r.in[i], &r.pins[i]
	if c.data == data {
		return
	}
	p.now, p.before = p.before, p.now
	p.now.Pin(data)
	c.data = data
	c.changed = true
	r.moved = true
}

// unpin lets go of the memory that inputs pointed to before they moved.
func (r *Runner) unpin() {
	if !r.moved {
		return
	}
	for i := range r.pins {
		r.pins[i].before.Unpin()
	}
	r.moved = false
}

// fill copies the strings of t into the runtime's tensor.
func (r *Runner) fill(i int, t *inference.Tensor) error {
	return statusError(r.model.api, C.ps_fill(r.c, C.size_t(i),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(t.Text))), C.size_t(len(t.Text)),
		(*C.ps_ref)(unsafe.Pointer(unsafe.SliceData(t.Refs))), C.size_t(len(t.Refs))))
}
