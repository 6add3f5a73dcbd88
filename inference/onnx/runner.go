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
// It must be closed: until then it keeps the last inputs' memory pinned.
type Runner struct {
	model *Model
	c     *C.ps_runner  // nil once closed
	in    []C.ps_input  // c's
	out   []C.ps_output // c's
	limit *limiter
	keys  []classKeys // beside out; for maps only
	asked asked

	pins  []pin // beside in
	moved bool  // some pin has memory to let go
}

// pin holds the memory that an input points to, and the memory that it pointed
// to before, until the runtime has let go of that. Every input has its own: a
// Pinner that holds more than five things allocates.
type pin struct{ now, before *runtime.Pinner }

var errRunnerClosed = errors.New("run model: the runner is closed")

// NewRunner makes a Runner for one more goroutine.
func (m *Model) NewRunner() (inference.Runner, error) {
	if err := m.enter(); err != nil {
		return nil, fmt.Errorf("new runner: %w", err)
	}
	c := (*C.ps_runner)(C.calloc(1, C.sizeof_ps_runner))
	c.api, c.session = m.api, m.handle
	c.input_names = m.inputNames
	c.inputs, c.outputs = C.size_t(len(m.inputs)), C.size_t(m.given)
	r := &Runner{
		model: m, c: c, limit: newLimiter(c),
		keys: make([]classKeys, m.given),
		pins: make([]pin, len(m.inputs)),
	}
	for i := range r.pins {
		r.pins[i] = pin{new(runtime.Pinner), new(runtime.Pinner)}
	}
	if err := statusError(m.api, C.ps_open(c)); err != nil {
		return nil, errors.Join(fmt.Errorf("new runner: %w", err), r.Close())
	}
	r.in = unsafe.Slice(c.in, len(m.inputs))
	r.out = unsafe.Slice(c.out, m.given)
	r.asked = newAsked(r)
	for i, info := range m.inputs {
		r.in[i]._type = C.int32_t(slices.Index(elementTypes[:], info.Type))
		r.in[i].rank = -1 // no tensor has it, so the first one counts as changed
	}
	return r, nil
}

// Run runs the model on in and fills out, as inference.Runner asks. The runtime
// looks at the time between two nodes only: a run that was over before it saw
// that its time was up still counts.
func (r *Runner) Run(in, out []*inference.Tensor, limit time.Duration) error {
	if r.c == nil {
		return errRunnerClosed
	}
	if len(out) != len(r.model.sources) {
		return fmt.Errorf("run model: it has %d outputs, not %d", len(r.model.sources), len(out))
	}
	if err := r.bind(in); err != nil {
		return fmt.Errorf("run model: %w", err)
	}
	r.ask(out)
	if limit > 0 {
		r.limit.start(limit)
	}
	status := C.ps_run(r.c)
	late := limit > 0 && r.limit.stop()
	r.unpin() // the runtime's values are the new memory's now
	if status != nil {
		err := statusError(r.model.api, status)
		if late {
			return inference.ErrTimeout
		}
		return fmt.Errorf("run model: %w", err)
	}
	for i := range r.model.sources {
		if out[i] == nil {
			continue
		}
		o := &r.model.sources[i]
		if err := r.read(o, out[i]); err != nil {
			return fmt.Errorf("run model: output %q: %w", o.Name, err)
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
	C.free(unsafe.Pointer(r.asked.names))
	C.free(unsafe.Pointer(r.c))
	r.c, r.in, r.out = nil, nil, nil
	for _, p := range r.pins {
		p.now.Unpin()
		p.before.Unpin()
	}
	r.model.leave()
	return nil
}
