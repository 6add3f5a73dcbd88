package onnxfile

import (
	"errors"
	"fmt"
)

// Reason is why a file was refused, as one word for programs and tests.
type Reason string

// The reasons.
const (
	Empty           Reason = "empty"            // no bytes, or no graph in them
	NotONNX         Reason = "not_onnx"         // the bytes are no ONNX protobuf
	Truncated       Reason = "truncated"        // the file ends before its graph does
	ExternalData    Reason = "external_data"    // weights lie in another file
	Training        Reason = "training"         // graphs to train the model by
	ForeignOperator Reason = "foreign_operator" // a node uses an operator that nothing defines
	AbsurdTensor    Reason = "absurd_tensor"    // dimensions that are impossible or that the data does not fill
	Cyclic          Reason = "cyclic"           // a value needs itself
	Dangling        Reason = "dangling"         // a value is used that nothing gives
	Duplicate       Reason = "duplicate"        // a value is given twice
	RecursiveCall   Reason = "recursive"        // a model function calls itself
	TooDeep         Reason = "too_deep"         // graphs or types nested beyond maxDepth
	TooLarge        Reason = "too_large"        // more nodes, values or text than the walk takes
)

// Refusal says why a file must not reach a runtime, in a sentence that tells
// what to do next.
type Refusal struct {
	Reason Reason
	text   string
}

func (r *Refusal) Error() string { return r.text }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, text: fmt.Sprintf(format, args...)}
}

// damaged words err, which stopped the walk of a message inside the file, as a
// refusal. Refusals themselves pass through.
func damaged(err error) error {
	w, ok := errors.AsType[*wireError](err)
	if !ok {
		return err
	}
	return refuse(NotONNX, "the file is damaged: what stands at byte %d is not protobuf; copy or export the model again", w.offset)
}

// quote writes a name from the file for a message, cut where it is absurdly
// long.
func quote(name string) string {
	const longest = 120
	if len(name) > longest {
		return fmt.Sprintf("%q…", name[:longest])
	}
	return fmt.Sprintf("%q", name)
}
