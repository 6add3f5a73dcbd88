//go:build cgo

package cli

import (
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnx"
)

// loadRuntime loads ONNX Runtime's library, once a process.
func loadRuntime(library string) error { return onnx.Load(library) }

// openRuntime opens a model in the runtime that its config asks for.
func openRuntime(model []byte, cfg *inference.Config) (inference.Model, error) {
	return onnx.Open(model, onnx.Options{IntraOpNumThreads: cfg.IntraOpNumThreads, Device: cfg.Device})
}

// runtimeVersion is the version of the library that is loaded.
func runtimeVersion() string { return onnx.Version() }
