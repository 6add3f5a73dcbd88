//go:build cgo

package onnx

import (
	"fmt"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/penstock/penstock/inference"
)

// cudaProvider is the runtime's name for its CUDA execution provider.
const cudaProvider = "CUDAExecutionProvider"

// device is where a model runs.
type device struct {
	cuda bool
	id   int // of the GPU, among those that CUDA sees
}

func (d device) String() string {
	if !d.cuda {
		return "cpu"
	}
	return "cuda:" + strconv.Itoa(d.id)
}

// parseDevice reads cpu (also ""), cuda and cuda:N.
func parseDevice(s string) (device, error) {
	name, id, numbered := strings.Cut(s, ":")
	switch {
	case (s == "" || s == "cpu"):
		return device{}, nil
	case name == "cuda" && !numbered:
		return device{cuda: true}, nil
	case name == "cuda":
		if n, err := strconv.ParseUint(id, 10, 16); err == nil {
			return device{cuda: true, id: int(n)}, nil
		}
	}
	return device{}, fmt.Errorf("%w %q: want cpu, cuda or cuda:N, N being the GPU's number from 0", inference.ErrDevice, s)
}

// addCUDA makes the session run on the GPU what has a CUDA kernel. A library
// that cannot is an error, never a reason to run on the CPU after all.
func addCUDA(options *ort.SessionOptions, d device) error {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return noCUDA(d, err)
	}
	defer func() { _ = cuda.Destroy() }() // fails only on options that were never made
	if err := cuda.Update(map[string]string{"device_id": strconv.Itoa(d.id)}); err != nil {
		return noCUDA(d, err)
	}
	if err := options.AppendExecutionProviderCUDA(cuda); err != nil {
		return noCUDA(d, err)
	}
	// What cannot run on the GPU (every tree ensemble, strings) runs on the CPU
	// beside it: session.disable_cpu_ep_fallback would refuse nearly every
	// model for a shape computation. What ran where is recorded, and a model
	// of which nothing at all reached the GPU is refused.
	return options.AddSessionConfigEntry("session.record_ep_graph_assignment_info", "1")
}

func noCUDA(d device, err error) error {
	return fmt.Errorf("%w %s: the loaded ONNX Runtime cannot use CUDA (%w); "+
		"point PENSTOCK_ONNXRUNTIME_LIB at a GPU build with CUDA and cuDNN installed, or set device: cpu", inference.ErrDevice, d, err)
}
