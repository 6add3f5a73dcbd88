package onnx

// #include "ort.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnxfile"
)

// Options says how a model is run.
type Options struct {
	IntraOpNumThreads int    // threads inside one run; 0 means 1
	Device            string // cpu (also ""), cuda or cuda:N

	// What was decided against stays reachable for the tests and benchmarks
	// that hold the decisions up.
	uncut bool // leave ZipMap to the runtime
	arena bool // let the runtime keep an arena and memory patterns
}

var _ inference.Model = (*Model)(nil)

// Model is a model loaded into ONNX Runtime. It implements inference.Model.
type Model struct {
	api      *C.OrtApi
	session  *ort.DynamicAdvancedSession
	handle   *C.OrtSession // session's own
	inputs   []inference.TensorInfo
	outputs  []inference.TensorInfo // as the model declares them
	sources  []output               // the same, and where their values come from
	given    int                    // number of the session's outputs
	metadata map[string]string

	// The session's names, which are not Outputs' where a ZipMap was cut; C
	// strings, shared by all runners.
	inputNames, outputNames **C.char

	mu      sync.Mutex // protects what is below
	runners int        // open ones
	closed  bool
}

var errModelClosed = errors.New("the model is closed")

// Open loads a model from the bytes of its file, which it does not keep. A
// device that is asked for and cannot be had is an error; so are types that no
// event can be mapped to, and all that onnxfile.Parse refuses.
func Open(model []byte, o Options) (*Model, error) {
	m, err := open(model, o)
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	return m, nil
}

func open(model []byte, o Options) (*Model, error) {
	api, err := loaded()
	if err != nil {
		return nil, err
	}
	d, err := parseDevice(o.Device)
	if err != nil {
		return nil, err
	}
	file, err := onnxfile.Parse(model)
	if err != nil {
		return nil, err
	}
	var cuts []onnxfile.Cut
	if !o.uncut {
		if model, cuts, err = onnxfile.CutZipMap(model); err != nil {
			return nil, err
		}
	}
	m := &Model{api: api}
	if m.session, err = openSession(model, o, d); err != nil {
		return nil, err
	}
	if err := m.read(d, file, cuts); err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

// read learns all that the open session and the file say about the model.
func (m *Model) read(d device, file *onnxfile.File, cuts []onnxfile.Cut) (err error) {
	if m.handle, err = sessionHandle(m.session); err != nil {
		return err
	}
	if d.cuda {
		if err := checkAssignment(m.api, m.handle, d); err != nil {
			return err
		}
	}
	inputs, given, err := describe(m.api, m.handle)
	if err != nil {
		return err
	}
	m.inputs, m.inputNames = inputs, cNames(inputs)
	m.given, m.outputNames = len(given), cNames(given)
	if m.sources, err = joinCuts(file.Outputs, given, cuts); err != nil {
		return err
	}
	for _, o := range m.sources {
		m.outputs = append(m.outputs, o.TensorInfo)
	}
	m.metadata, err = readMetadata(m.session)
	return err
}

// Inputs are the model's inputs in its own order.
func (m *Model) Inputs() []inference.TensorInfo { return m.inputs }

// Outputs are the model's outputs in its own order.
func (m *Model) Outputs() []inference.TensorInfo { return m.outputs }

// Metadata is the model's metadata_props.
func (m *Model) Metadata() map[string]string { return m.metadata }

// Close unloads the model, as soon as its last Runner is closed. It may be
// called twice.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && m.runners == 0 {
		m.free()
	}
	m.closed = true
	return nil
}

// enter counts a new runner.
func (m *Model) enter() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errModelClosed
	}
	m.runners++
	return nil
}

// leave counts a runner out; the last one of a closed model unloads it.
func (m *Model) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runners--; m.runners == 0 && m.closed {
		m.free()
	}
}

func (m *Model) free() {
	_ = m.session.Destroy() // cannot fail
	freeNames(m.inputNames, len(m.inputs))
	freeNames(m.outputNames, m.given)
	m.inputNames, m.outputNames = nil, nil
	C.ps_trim()
}

// cNames writes the names into C memory, for freeNames to free.
func cNames(infos []inference.TensorInfo) **C.char {
	names := (**C.char)(C.calloc(C.size_t(len(infos)+1), C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	list := unsafe.Slice(names, len(infos))
	for i, info := range infos {
		list[i] = C.CString(info.Name)
	}
	return names
}

func freeNames(names **C.char, n int) {
	if names == nil {
		return
	}
	for _, name := range unsafe.Slice(names, n) {
		C.free(unsafe.Pointer(name))
	}
	C.free(unsafe.Pointer(names))
}

// readMetadata copies the model's metadata_props.
func readMetadata(session *ort.DynamicAdvancedSession) (map[string]string, error) {
	props, err := session.GetModelMetadata()
	if err != nil {
		return nil, err
	}
	defer func() { _ = props.Destroy() }() // cannot fail
	keys, err := props.GetCustomMetadataMapKeys()
	if err != nil {
		return nil, err
	}
	metadata := make(map[string]string, len(keys))
	for _, key := range keys {
		if metadata[key], _, err = props.LookupCustomMetadataMap(key); err != nil {
			return nil, err
		}
	}
	return metadata, nil
}
