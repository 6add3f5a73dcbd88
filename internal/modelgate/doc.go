// Package modelgate stands between a model file and the runtime. A model comes
// from outside and the runtime is a large C++ program, so before this process
// loads one it is
//
//  1. read once, from its own folder only, and at most MaxSize (Read);
//  2. walked as protobuf, with bounds, and refused when it cannot be right
//     (onnxfile.Parse, by Read);
//  3. loaded and run once in a child process, with limits of time and memory
//     (Gate.Try), whose verdict is kept for the next start.
//
// The bytes that passed are the bytes that are loaded: nobody opens the file a
// second time. The package knows no runtime; whoever starts the child says what
// it does.
package modelgate

// Refusal says that the model is at fault, in words that say what to do next.
// Every other error of this package is the machine's: a file that cannot be
// read, a child that cannot be started.
type Refusal struct {
	Text string
	// Cause is the *onnxfile.Refusal when the walk refused the file, else nil.
	Cause error
}

func (r *Refusal) Error() string { return r.Text }

func (r *Refusal) Unwrap() error { return r.Cause }
