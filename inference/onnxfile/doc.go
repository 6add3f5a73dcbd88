// Package onnxfile reads what an ONNX file says about itself without a runtime
// and without generated code: it walks the protobuf bytes in place, with
// bounds on everything that costs memory or time, and refuses what no runtime
// should be asked to load. A model comes from outside, like an event does, so
// a hostile one must cost an error message and nothing else.
//
// The walk keeps views into the caller's bytes while it runs and copies only
// the little text that File holds; tensors are measured, never copied.
package onnxfile
