package onnx

// #include "ort.h"
import "C"

import (
	"unsafe"

	"github.com/penstock/penstock/inference"
)

// asked is which of the session's outputs a Runner asks for. The runtime skips
// what only other outputs need. Callers want the same ones run after run, so
// that this is worked out once.
type asked struct {
	wanted []bool   // beside the model's outputs
	names  **C.char // of the session's outputs that are asked for; the strings are the model's
	places []int    // by output of the session: its place among those that are asked for
}

// newAsked makes one that fits no out yet.
func newAsked(r *Runner) asked {
	size := C.size_t(unsafe.Sizeof((*C.char)(nil)))
	return asked{names: (**C.char)(C.calloc(C.size_t(r.model.given+1), size)), places: make([]int, r.model.given)}
}

// ask makes the next run give the outputs that have a tensor in out.
func (r *Runner) ask(out []*inference.Tensor) {
	if r.asked.fits(out) {
		return
	}
	C.ps_release_values(r.model.api, r.c.output_values, r.c.outputs) // the last run's, which are as many
	a := &r.asked
	a.wanted = a.wanted[:0]
	for i := range a.places {
		a.places[i] = -1
	}
	for i, t := range out {
		a.wanted = append(a.wanted, t != nil)
		if t != nil {
			a.places[r.model.sources[i].source] = 0
		}
	}
	all, names := unsafe.Slice(r.model.outputNames, r.model.given), unsafe.Slice(a.names, r.model.given)
	n := 0
	for source, place := range a.places {
		if place == 0 {
			names[n], a.places[source] = all[source], n
			n++
		}
	}
	if n == 0 && r.model.given > 0 { // the runtime runs for one output at least
		names[0], n = all[0], 1
	}
	r.c.output_names, r.c.outputs = a.names, C.size_t(n)
}

// fits tells whether what is asked for is what out wants.
func (a *asked) fits(out []*inference.Tensor) bool {
	if len(a.wanted) != len(out) {
		return false
	}
	for i, t := range out {
		if a.wanted[i] != (t != nil) {
			return false
		}
	}
	return true
}
