package onnx

// #include "ort.h"
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/penstock/penstock/inference"
)

// elementTypes maps the runtime's element types to ours; those that we have no
// use for stay Invalid.
var elementTypes = [...]inference.ElementType{
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16: inference.Float16,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:   inference.Float32,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:  inference.Float64,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:    inference.Int8,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:   inference.Int16,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:   inference.Int32,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:   inference.Int64,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:   inference.Uint8,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:  inference.Uint16,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32:  inference.Uint32,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64:  inference.Uint64,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:    inference.Bool,
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING:  inference.String,
}

func elementType(t C.int32_t) inference.ElementType {
	if t < 0 || int(t) >= len(elementTypes) {
		return inference.Invalid
	}
	return elementTypes[t]
}

// foreignTypes names what elementType turns down, by the runtime's number.
var foreignTypes = map[C.int32_t]string{
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX64:  "complex64",
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX128: "complex128",
	C.ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:   "bfloat16",
}

func foreignType(t C.int32_t) string {
	if name := foreignTypes[t]; name != "" {
		return name
	}
	return fmt.Sprintf("of ONNX type number %d", t)
}

// foreignKinds names the values that are no tensors, by the runtime's number.
var foreignKinds = map[C.int32_t]string{
	C.ONNX_TYPE_SEQUENCE:     "a sequence",
	C.ONNX_TYPE_MAP:          "a map",
	C.ONNX_TYPE_SPARSETENSOR: "a sparse tensor",
	C.ONNX_TYPE_OPTIONAL:     "an optional value",
}

// describe asks the session for its inputs and outputs.
func describe(api *C.OrtApi, session *C.OrtSession) (inputs, outputs []inference.TensorInfo, err error) {
	var nIn, nOut C.size_t
	if err := statusError(api, C.ps_count(api, session, &nIn, &nOut)); err != nil {
		return nil, nil, err
	}
	for i := range int(nIn) {
		info, err := describeOne(api, session, false, i)
		if err != nil {
			return nil, nil, err
		}
		if info.Map {
			return nil, nil, fmt.Errorf("input %q is a sequence of maps, and only tensors can be fed", info.Name)
		}
		inputs = append(inputs, info)
	}
	for i := range int(nOut) {
		info, err := describeOne(api, session, true, i)
		if err != nil {
			return nil, nil, err
		}
		outputs = append(outputs, info)
	}
	return inputs, outputs, nil
}

// describeOne describes the i-th input or output.
func describeOne(api *C.OrtApi, session *C.OrtSession, output bool, i int) (inference.TensorInfo, error) {
	what := "input"
	if output {
		what = "output"
	}
	var c C.ps_info
	err := statusError(api, C.ps_describe(api, session, C.bool(output), C.size_t(i), &c))
	defer C.free(unsafe.Pointer(c.name))
	if err != nil {
		return inference.TensorInfo{}, fmt.Errorf("%s %q: %w", what, C.GoString(c.name), err)
	}
	info := inference.TensorInfo{Name: C.GoString(c.name)}
	switch {
	case c.kind == C.ONNX_TYPE_TENSOR:
		if info.Type = elementType(c._type); info.Type == inference.Invalid {
			return info, fmt.Errorf("%s %q is a tensor of %s, which penstock cannot use; export the model with another type there",
				what, info.Name, foreignType(c._type))
		}
		info.Shape = shapeOf(&c)
	case isClassMap(&c):
		info.Type, info.Map = inference.Float32, true
		info.Shape = []int64{inference.Dynamic, inference.Dynamic}
	default:
		return info, fmt.Errorf("%s %q is %s, which penstock cannot use; export the model with a tensor there",
			what, info.Name, foreignKind(c.kind))
	}
	return info, nil
}

// isClassMap tells whether c is what ZipMap makes: a sequence of maps from
// int64 or string to float32.
func isClassMap(c *C.ps_info) bool {
	keyed := c.key == C.ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 || c.key == C.ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING
	return c.kind == C.ONNX_TYPE_SEQUENCE && keyed && c._type == C.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
}

func foreignKind(kind C.int32_t) string {
	if name := foreignKinds[kind]; name != "" {
		return name
	}
	return fmt.Sprintf("a value of ONNX kind number %d", kind)
}

// shapeOf copies a declared shape; nil when the rank is unknown.
func shapeOf(c *C.ps_info) []int64 {
	if c.rank < 0 {
		return nil
	}
	shape := make([]int64, c.rank)
	for i := range shape {
		if shape[i] = int64(c.dims[i]); shape[i] < 0 {
			shape[i] = inference.Dynamic
		}
	}
	return shape
}
