// Package onnx runs models on Microsoft's ONNX Runtime, whose shared library it
// loads at run time. It implements inference.Model and inference.Runner, and is
// the only package with cgo: without cgo it is empty.
//
// The library, session options, execution providers and metadata go through
// github.com/yalue/onnxruntime_go. Running does not: that module allocates
// several Go objects a run, copies, and hands strings over as C strings, which
// end at a NUL. ort.h declares the C that does it instead, with one call a run.
//
// One session serves all goroutines. A Runner is one goroutine's and owns what
// changes from run to run: run options, the runtime's input values, which view
// pinned Go memory and are renewed only when memory or shape changed, and the
// outputs of its last run.
package onnx
