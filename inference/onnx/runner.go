package onnx

// #include "ort.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/penstock/penstock/inference"
)

// Runner runs a Model for one goroutine at a time. It implements
// inference.Runner. Once it is warm a run allocates nothing on Go's heap.
//
// It must be closed: until then it keeps the last input's memory pinned.
type Runner struct {
	model *Model
	c     *C.ps_runner  // nil once closed
	in    []C.ps_input  // c's
	out   []C.ps_output // c's
	limit *limiter
	keys  []classKeys // one an output; used by those with maps

	// pinned holds the memory that in points to. When memory moves, spare
	// takes the new, and the two change roles once the runtime has let go of
	// the old.
	pinned, spare *runtime.Pinner
}

var errRunnerClosed = errors.New("run model: the runner is closed")

// NewRunner makes a Runner for one more goroutine.
func (m *Model) NewRunner() (inference.Runner, error) {
	if err := m.enter(); err != nil {
		return nil, fmt.Errorf("new runner: %w", err)
	}
	c := (*C.ps_runner)(C.calloc(1, C.sizeof_ps_runner))
	c.api, c.session = m.api, m.handle
	c.input_names, c.output_names = m.inputNames, m.outputNames
	c.inputs, c.outputs = C.size_t(len(m.inputs)), C.size_t(len(m.outputs))
	r := &Runner{
		model: m, c: c, limit: newLimiter(c),
		keys:   make([]classKeys, len(m.outputs)),
		pinned: new(runtime.Pinner), spare: new(runtime.Pinner),
	}
	if err := statusError(m.api, C.ps_open(c)); err != nil {
		return nil, errors.Join(fmt.Errorf("new runner: %w", err), r.Close())
	}
	r.in = unsafe.Slice(c.in, len(m.inputs))
	r.out = unsafe.Slice(c.out, len(m.outputs))
	for i, info := range m.inputs {
		r.in[i]._type = C.int32_t(slices.Index(elementTypes[:], info.Type))
		r.in[i].rank = -1 // no tensor has it, so the first one counts as changed
	}
	return r, nil
}

// Run runs the model on in and fills out, as inference.Runner asks. A run that
// was over before the runtime saw that its time was up still counts.
func (r *Runner) Run(in, out []*inference.Tensor, limit time.Duration) error {
	if r.c == nil {
		return errRunnerClosed
	}
	if len(out) != len(r.out) {
		return fmt.Errorf("run model: it has %d outputs, not %d", len(r.out), len(out))
	}
	if err := r.bind(in); err != nil {
		return fmt.Errorf("run model: %w", err)
	}
	if limit > 0 {
		r.limit.start(limit)
	}
	status := C.ps_run(r.c)
	late := limit > 0 && r.limit.stop()
	r.spare.Unpin() // the runtime's values are the new memory's now
	if status != nil {
		err := statusError(r.model.api, status)
		if late {
			return inference.ErrTimeout
		}
		return fmt.Errorf("run model: %w", err)
	}
	for i, t := range out {
		if err := r.read(i, t); err != nil {
			return fmt.Errorf("run model: output %q: %w", r.model.outputs[i].Name, err)
		}
	}
	return nil
}

// Close frees what the Runner holds. It may be called twice.
func (r *Runner) Close() error {
	if r.c == nil {
		return nil
	}
	C.ps_close(r.c)
	C.free(unsafe.Pointer(r.c))
	r.c, r.in, r.out = nil, nil, nil
	r.pinned.Unpin()
	r.spare.Unpin()
	r.model.leave()
	return nil
}
