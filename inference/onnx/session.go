package onnx

// #include "ort.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/penstock/penstock/inference"
)

// openSession loads a model into the runtime.
func openSession(model []byte, o Options, d device) (*ort.DynamicAdvancedSession, error) {
	options, err := sessionOptions(o, d)
	if err != nil {
		return nil, err
	}
	defer func() { _ = options.Destroy() }() // cannot fail
	// Names are left out: runs go through ps_run, which has its own.
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(model, nil, nil, options)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "Error creating C session: "))
	}
	return session, nil
}

// sessionOptions says how every model runs. Without the arena and the memory
// patterns that come with it, runs are as fast (within noise at 1, 64 and 256
// rows of a linear model, a tree ensemble and a transformer), and eight runners
// of tiny_transformer hold 245 MB instead of 457 after batches of 256 rows.
// BenchmarkArena measures it.
func sessionOptions(o Options, d device) (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetIntraOpNumThreads(max(o.IntraOpNumThreads, 1)),
		options.SetInterOpNumThreads(1),
		options.SetExecutionMode(ort.ExecutionModeSequential),
		options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		options.SetLogSeverityLevel(ort.LoggingLevelFatal), // see Load
		options.SetCpuMemArena(o.arena),
		options.SetMemPattern(o.arena),
		// Threads that spin between runs burn the cores that decode.
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		// Nothing lies beneath a device, so a model that got past the gate with
		// data in another file, which the runtime would look for in the working
		// directory, still reads none.
		options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", os.DevNull),
	)
	if err == nil && d.cuda {
		err = addCUDA(options, d)
	}
	if err != nil {
		_ = options.Destroy() // cannot fail
		return nil, err
	}
	return options, nil
}

// sessionHandle takes the runtime's own session out of onnxruntime_go's type,
// which has no accessor for it. The alternative, making the session in C,
// would need the environment and the session options, which are just as
// unexported. The module's version is pinned, and a version without these
// fields fails here, at the first model and in the first test.
func sessionHandle(session *ort.DynamicAdvancedSession) (*C.OrtSession, error) {
	v := reflect.ValueOf(session)
	for _, field := range []string{"s", "ortSession"} {
		if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
			v = v.Elem().FieldByName(field)
		}
	}
	if !v.IsValid() || v.Kind() != reflect.Pointer || v.Type().Elem().Name() != "_Ctype_struct_OrtSession" {
		return nil, errors.New("this version of onnxruntime_go keeps its session elsewhere; build with v1.27.0")
	}
	return (*C.OrtSession)(v.UnsafePointer()), nil
}

// checkAssignment refuses a model of which the GPU got nothing: all of it
// would run on the CPU although CUDA was asked for.
func checkAssignment(api *C.OrtApi, handle *C.OrtSession, d device) error {
	on, all, err := assigned(api, handle, cudaProvider)
	if err != nil {
		return err
	}
	if on == 0 {
		return fmt.Errorf("%w %s: none of the model's %d nodes can run on a GPU; set device: cpu", inference.ErrDevice, d, all)
	}
	return nil
}

// assigned counts the nodes that the named execution provider runs.
func assigned(api *C.OrtApi, handle *C.OrtSession, provider string) (on, all int, err error) {
	name := C.CString(provider)
	defer C.free(unsafe.Pointer(name))
	var cOn, cAll C.size_t
	if err := statusError(api, C.ps_assigned(api, handle, name, &cOn, &cAll)); err != nil {
		return 0, 0, err
	}
	return int(cOn), int(cAll), nil
}
